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

/* What caps say. Start it with GST_VTOK_INFO_INIT, end it with gst_vtok_info_clear(). */
typedef struct {
  GstVtokType type;
  gint hidden_size;             /* numbers per row, 1 or more */
  gint levels;                  /* rows per token, 1 or more; a token is levels * hidden_size numbers */
  gint max_tokens;              /* bound of one buffer; 0: none */
  gint grid_width, grid_height; /* 0: not given */
  gint fps_n, fps_d;            /* 0/1: variable */
  gboolean framed;
  gchar *space;                 /* owned; "<model type>@<16 hex>" */
  gchar *extras;                /* owned; "none" or names joined by "," in memory order */
} GstVtokInfo;

#define GST_VTOK_INFO_INIT {GST_VTOK_TYPE_FLOAT32, 0, 1, 0, 0, 0, 0, 1, FALSE, NULL, NULL}

#define GST_VTOK_MAX_EXTRAS 4

/* What GstVtokMeta counts. */
typedef struct {
  guint n;                       /* tokens in the buffer */
  guint grid_width, grid_height; /* source grid of one frame; 0: not known */
  guint frames;                  /* source frames the buffer stands for */
  guint64 source_tokens;         /* tokens the encoder made for them, before any compression */
  guint64 group;                 /* the group's number in its stream */
  gboolean replaces;             /* replaces everything the open group had sent (mode=incremental) */
  guint extras_n[GST_VTOK_MAX_EXTRAS]; /* rows of each side input, in caps order; 0: absent */
} GstVtokCounts;

/* ---- Number types ---- */

/* Name in caps ("float32", "float16", "bfloat16", "float8-e4m3", "int8"); static. */
GST_VTOK_API const gchar *gst_vtok_type_to_string(GstVtokType type);
/* FALSE, and *type untouched: no type has that name. */
GST_VTOK_API gboolean gst_vtok_type_from_string(const gchar *name, GstVtokType *type);
/* Bytes per number: 4, 2, 2, 1, 1. */
GST_VTOK_API gsize gst_vtok_type_size(GstVtokType type);

/* ---- Caps ---- */

/* Reads fixed caps into *info, whose strings it replaces. Needs the fields type, hidden-size and space; absent means: levels
 * 1, max-tokens and grid none, framerate 0/1, stream-format raw, extras none. FALSE: *error (GST_VTOK_ERROR_CAPS) says in one
 * sentence which field is wrong, and *info is as it was. */
GST_VTOK_API gboolean gst_vtok_info_from_caps(GstVtokInfo *info, const GstCaps *caps, GError **error);
/* New fixed caps; the caller owns them. Left out where they say nothing: levels 1, max-tokens 0, a grid of 0. Framerate and
 * extras are always there. info->space must be set. */
GST_VTOK_API GstCaps *gst_vtok_info_to_caps(const GstVtokInfo *info);
/* A deep copy: *copy is overwritten, its strings are the caller's. */
GST_VTOK_API void gst_vtok_info_copy(const GstVtokInfo *info, GstVtokInfo *copy);
/* Frees the strings; *info may be used again. */
GST_VTOK_API void gst_vtok_info_clear(GstVtokInfo *info);
/* Bytes of one token: levels * hidden_size * gst_vtok_type_size(type). */
GST_VTOK_API gsize gst_vtok_info_token_size(const GstVtokInfo *info);
/* Splits info->extras: the number of names, at most GST_VTOK_MAX_EXTRAS, put into names[] (interned, never freed). */
GST_VTOK_API guint gst_vtok_info_extras(const GstVtokInfo *info, const gchar *names[GST_VTOK_MAX_EXTRAS]);

/* ---- Counts ---- */

/* Writes GstVtokMeta (a GstCustomMeta) on a writable buffer, over one that is there. */
GST_VTOK_API void gst_vtok_buffer_set_counts(GstBuffer *buffer, const GstVtokCounts *counts);
/* FALSE, and *counts untouched: the buffer has no GstVtokMeta (an application pushed memory 0 alone, or a sink that keeps no
 * metas was in between). */
GST_VTOK_API gboolean gst_vtok_buffer_get_counts(GstBuffer *buffer, GstVtokCounts *counts);

/* ---- Token buffers ---- */

/* A buffer of n tokens, for appsrc. `tokens`, [n, levels * hidden_size] row-major in info->type, is not copied: the buffer
 * keeps it until `destroy(user_data)`, which is called exactly once, on failure too (destroy NULL: it lives for ever).
 * `records`, [n], is copied; NULL: the buffer has memory 0 alone, and readers make the records from the grid of the caps, or
 * from a 1 x n grid. A GstVtokMeta with n, the grid, frames 1 and source_tokens n is added; PTS, duration and DELTA_UNIT are
 * the caller's. NULL: *error (GST_VTOK_ERROR_SIZE): more than 65535 tokens or int8/float8 tokens without records, tokens that
 * do not fill the grid. */
GST_VTOK_API GstBuffer *gst_vtok_buffer_new(const GstVtokInfo *info, gconstpointer tokens, guint n,
                                            const GstVtokRecord *records, gpointer user_data, GDestroyNotify destroy,
                                            GError **error);

/* A side input of a buffer. */
typedef struct {
  const gchar *name;            /* interned */
  guint n;                      /* rows */
  gsize size;                   /* bytes of data */
  gconstpointer data;           /* [n, its own width] in the tokens' type */
  const GstVtokRecord *records; /* [n] where it is tokens ("sources"), else NULL */
} GstVtokExtra;

/* A buffer opened for reading; the pointers are good until gst_vtok_view_unmap(). */
typedef struct {
  guint n;
  gconstpointer tokens;         /* [n, levels * hidden_size], aligned for its type */
  const GstVtokRecord *records; /* [n]; made from the grid where the buffer has none */
  guint n_extras;
  GstVtokExtra extras[GST_VTOK_MAX_EXTRAS]; /* in caps order; n 0: absent from this buffer */
  /*< private >*/
  gpointer held;
} GstVtokView;

/* Opens a raw buffer whose caps say *info, without copying and without merging its memories; these get references, the buffer
 * none. FALSE: *error (GST_VTOK_ERROR_SIZE) says in one sentence what does not fit: a size that the token's does not divide,
 * counts, records or side inputs that contradict each other, more tokens than max-tokens, more than 65535 tokens or int8/float8
 * tokens without records, tokens that do not fill the grid. */
GST_VTOK_API gboolean gst_vtok_view_map(GstVtokView *view, GstBuffer *buffer, const GstVtokInfo *info, GError **error);
/* Closes it; a view that is not open is left alone. */
GST_VTOK_API void gst_vtok_view_unmap(GstVtokView *view);

/* ---- Framed packets: tokens that describe themselves, for files, sockets and brokers (docs/format.md) ---- */

/* Which packet begins at `data`, of which `available` bytes are there? TRUE: *size is the bytes of the whole packet, or 0
 * where more are needed to know (ask again with at least gst_vtok_framed_header_bytes()). FALSE: *error
 * (GST_VTOK_ERROR_FRAMED): no header we know, sizes that contradict each other, a packet larger than `limit`. The CRC is not
 * checked here. */
GST_VTOK_API gboolean gst_vtok_framed_size(const guint8 *data, gsize available, gsize limit, gsize *size, GError **error);
/* Bytes of a header without its strings. */
GST_VTOK_API gsize gst_vtok_framed_header_bytes(void);
/* A new buffer: the packet that holds everything of `raw`, whose caps say *info. The tokens are not copied; the packet keeps
 * `raw` mapped. Flags, times and metas are raw's. NULL: *error, as of gst_vtok_view_map(). */
GST_VTOK_API GstBuffer *gst_vtok_framed_write(GstBuffer *raw, const GstVtokInfo *info, GError **error);
/* A new raw buffer out of exactly one packet: memories, GstVtokMeta, PTS, duration, DELTA_UNIT and DISCONT; *info gets what the
 * raw caps say (start it with GST_VTOK_INFO_INIT). Nothing is copied where the packet lies in one memory. NULL: *error
 * (GST_VTOK_ERROR_FRAMED) says what is wrong, and *info is as it was; no byte of the packet is trusted. */
GST_VTOK_API GstBuffer *gst_vtok_framed_read(GstBuffer *packet, GstVtokInfo *info, GError **error);

G_END_DECLS

#endif
