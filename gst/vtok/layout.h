/* Byte layouts: what stands where in memory 1 of a token buffer and in framed data (docs/format.md).
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Everything is little-endian. Offsets and sizes are in bytes. */
#ifndef GST_VTOK_LAYOUT_H
#define GST_VTOK_LAYOUT_H

/* A record: one per token, in token order. */
#define GST_VTOK_RECORD_SIZE 24
#define GST_VTOK_RECORD_TIME 0    /* int64, ns from the buffer's PTS to the source frame */
#define GST_VTOK_RECORD_ROW 8     /* uint16 */
#define GST_VTOK_RECORD_COLUMN 10 /* uint16 */
#define GST_VTOK_RECORD_WEIGHT 12 /* uint32, source tokens it stands for */
#define GST_VTOK_RECORD_SCALE 16  /* float32, of int8 and float8 tokens; 1 otherwise */
#define GST_VTOK_RECORD_FLAGS 20  /* uint32 */

/* More tokens than this in one buffer need records of their own. */
#define GST_VTOK_MAX_UNRECORDED 65535

/* A framed packet: header, records, tokens, then each side input (its records, where it is tokens, and its numbers). Header and
 * side inputs follow each other without gaps; the header is padded with zeros to a multiple of 8. */
#define GST_VTOK_FRAMED_MAGIC "VTOK"
#define GST_VTOK_FRAMED_VERSION 1
#define GST_VTOK_FRAMED_VERSION_AT 4      /* uint16 */
#define GST_VTOK_FRAMED_TYPE 6            /* uint16, GstVtokType */
#define GST_VTOK_FRAMED_HEADER_SIZE 8     /* uint32, from the magic to the records */
#define GST_VTOK_FRAMED_CRC 12            /* uint32, CRC32C of the whole packet with these four bytes 0 */
#define GST_VTOK_FRAMED_PAYLOAD_SIZE 16   /* uint64, bytes after the header */
#define GST_VTOK_FRAMED_HIDDEN_SIZE 24    /* uint32, numbers per row */
#define GST_VTOK_FRAMED_LEVELS 28         /* uint32, rows per token */
#define GST_VTOK_FRAMED_N 32              /* uint32, tokens, 1 or more */
#define GST_VTOK_FRAMED_MAX_TOKENS 36     /* uint32, 0: no bound */
#define GST_VTOK_FRAMED_GRID_WIDTH 40     /* uint32, source grid of one frame; 0: not known */
#define GST_VTOK_FRAMED_GRID_HEIGHT 44    /* uint32 */
#define GST_VTOK_FRAMED_FRAMES 48         /* uint32, source frames */
#define GST_VTOK_FRAMED_FLAGS 52          /* uint32, GST_VTOK_FRAMED_FLAG_... */
#define GST_VTOK_FRAMED_SOURCE_TOKENS 56  /* uint64 */
#define GST_VTOK_FRAMED_GROUP 64          /* uint64, the group's number */
#define GST_VTOK_FRAMED_PTS 72            /* uint64, ns; all bits set: none */
#define GST_VTOK_FRAMED_DURATION 80       /* uint64, ns; all bits set: none */
#define GST_VTOK_FRAMED_FPS_N 88          /* uint32, frame rate; 0/1: variable */
#define GST_VTOK_FRAMED_FPS_D 92          /* uint32 */
#define GST_VTOK_FRAMED_CAPS_GRID_WIDTH 96 /* uint32, grid-width of the caps; 0: absent */
#define GST_VTOK_FRAMED_CAPS_GRID_HEIGHT 100 /* uint32 */
#define GST_VTOK_FRAMED_SPACE_LENGTH 104  /* uint16, bytes of the space's name, 1 or more */
#define GST_VTOK_FRAMED_EXTRAS_LENGTH 106 /* uint16, bytes of the names of the side inputs, as in caps */
#define GST_VTOK_FRAMED_RESERVED 108      /* uint32, 0 */
#define GST_VTOK_FRAMED_EXTRAS_N 112      /* uint32 [4], rows of each side input; 0: absent */
#define GST_VTOK_FRAMED_EXTRAS_SIZE 128   /* uint64 [4], bytes of each side input's numbers */
#define GST_VTOK_FRAMED_STRINGS 160       /* the space's name, the side inputs' names; UTF-8, no terminators */

#define GST_VTOK_FRAMED_FLAG_GROUP_START 1 /* DELTA_UNIT is unset */
#define GST_VTOK_FRAMED_FLAG_REPLACES 2    /* replaces everything the open group had sent */
#define GST_VTOK_FRAMED_FLAG_DISCONT 4     /* frames were lost before this */
#define GST_VTOK_FRAMED_FLAGS_KNOWN 7

#endif
