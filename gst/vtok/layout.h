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

#endif
