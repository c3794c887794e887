/* libgstvtok-1.0: visual tokens in GStreamer buffers, for elements and for applications with appsrc and appsink.
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GST_VTOK_H
#define GST_VTOK_H

#include <gst/gst.h>

G_BEGIN_DECLS

#ifndef GST_VTOK_API
#define GST_VTOK_API __attribute__((visibility("default"))) extern
#endif

#define GST_VTOK_MEDIA_TYPE "application/x-visual-tokens"

#define GST_VTOK_ERROR (gst_vtok_error_quark())
GST_VTOK_API GQuark gst_vtok_error_quark(void);
typedef enum {
  GST_VTOK_ERROR_CAPS,    /* caps that are not visual tokens, or lack a field */
  GST_VTOK_ERROR_SIZE,    /* a size that does not fit its caps or header */
  GST_VTOK_ERROR_FRAMED,  /* framed data that is cut, corrupt or of an unknown version */
  GST_VTOK_ERROR_FAILED
} GstVtokError;

typedef enum {
  GST_VTOK_TYPE_FLOAT32, GST_VTOK_TYPE_FLOAT16, GST_VTOK_TYPE_BFLOAT16, GST_VTOK_TYPE_FLOAT8_E4M3, GST_VTOK_TYPE_INT8
} GstVtokType;

/* One per token, 24 bytes, little-endian (docs/format.md). */
typedef struct {
  gint64 time;     /* ns from the buffer's PTS to the source frame */
  guint16 row;     /* place in the source grid */
  guint16 column;
  guint32 weight;  /* source tokens it stands for */
  gfloat scale;    /* of int8 and float8 tokens; 1 otherwise */
  guint32 flags;
} GstVtokRecord;

/* What caps say. */
typedef struct {
  GstVtokType type;
  gint hidden_size;
  gint levels;                 /* rows per token, 1 or more */
  gint max_tokens;             /* bound of one buffer; 0: none */
  gint grid_width, grid_height; /* 0: not given */
  gint fps_n, fps_d;           /* 0/1: variable */
  gboolean framed;
  gchar *space;                /* owned; gst_vtok_info_clear() */
  gchar *extras;               /* owned; "none" or names joined by "," in memory order */
} GstVtokInfo;

/* What GstVtokMeta counts. */
typedef struct {
  guint n;                      /* tokens in the buffer */
  guint grid_width, grid_height; /* source grid of one frame */
  guint frames;                 /* source frames the buffer stands for */
  guint64 source_tokens;        /* tokens the encoder made for them, before any compression */
  guint64 group;                /* the group's number in its stream */
  gboolean replaces;            /* replaces everything the open group had sent (mode=incremental) */
  guint extras_n[4];            /* rows of each side input, in caps order; 0: absent */
} GstVtokCounts;

G_END_DECLS

#endif
