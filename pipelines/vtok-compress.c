/* Tokens of an application's own, compressed by vtokspatial: appsrc ! vtokspatial ! appsink.
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 *   vtok-compress [TAU]
 *
 * Pushes three frames of 4 x 3 tokens of 8 numbers and prints, for each token that is left, where it was and
 * how many it stands for. Build it against the installed library with cc vtok-compress.c $(pkg-config
 * --cflags --libs gstvtok-1.0 gstreamer-app-1.0) */
#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <gst/vtok/vtok.h>
#include <stdlib.h>

enum { kWidth = 4, kHeight = 3, kNumbers = 8, kFrames = 3 };

/* Tokens [kHeight * kWidth, kNumbers]: the left and the right half of the picture look different, more so
 * with each frame. */
static gfloat *make_tokens(int frame) {
  gfloat *tokens = g_new0(gfloat, kWidth * kHeight * kNumbers);
  for (int i = 0; i < kWidth * kHeight; ++i) {
    gfloat *token = tokens + i * kNumbers;
    token[0] = 1;
    token[i % kWidth < kWidth / 2 ? 1 : 2] = (gfloat)frame;
  }
  return tokens;
}

static gboolean print_tokens(GstSample *sample, GError **error) {
  GstVtokInfo info = GST_VTOK_INFO_INIT;
  GstVtokView view;
  GstBuffer *buffer = gst_sample_get_buffer(sample);
  gboolean ok = gst_vtok_info_from_caps(&info, gst_sample_get_caps(sample), error) &&
                gst_vtok_view_map(&view, buffer, &info, error);
  if (ok) {
    g_print("%" GST_TIME_FORMAT " %u tokens:", GST_TIME_ARGS(GST_BUFFER_PTS(buffer)), view.n);
    for (guint i = 0; i < view.n; ++i)
      g_print(" row %u column %u stands for %u;", view.records[i].row, view.records[i].column,
              view.records[i].weight);
    g_print("\n");
    gst_vtok_view_unmap(&view);
  }
  gst_vtok_info_clear(&info);
  return ok;
}

int main(int argc, char **argv) {
  gst_init(&argc, &argv);
  GError *error = NULL;
  GstElement *pipeline = gst_parse_launch(
      "appsrc name=in format=time ! vtokspatial name=compress ! appsink name=out sync=false", &error);
  if (!pipeline) {
    g_printerr("%s\n", error->message);
    return 1;
  }
  GstElement *in = gst_bin_get_by_name(GST_BIN(pipeline), "in");
  GstElement *out = gst_bin_get_by_name(GST_BIN(pipeline), "out");
  if (argc > 1) gst_child_proxy_set(GST_CHILD_PROXY(pipeline), "compress::tau", atof(argv[1]), NULL);

  GstVtokInfo info = GST_VTOK_INFO_INIT;
  info.hidden_size = kNumbers;
  info.grid_width = kWidth;
  info.grid_height = kHeight;
  info.space = g_strdup("example@0000000000000000");
  GstCaps *caps = gst_vtok_info_to_caps(&info);
  gst_app_src_set_caps(GST_APP_SRC(in), caps);
  gst_caps_unref(caps);

  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  for (int frame = 0; frame < kFrames && !error; ++frame) {
    gfloat *tokens = make_tokens(frame);
    GstBuffer *buffer = gst_vtok_buffer_new(&info, tokens, kWidth * kHeight, NULL, tokens, g_free,
                                            &error); /* NULL: records by the grid */
    if (!buffer) break;
    GST_BUFFER_PTS(buffer) = frame * GST_SECOND;
    GST_BUFFER_DURATION(buffer) = GST_SECOND;
    if (frame > 0) GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT); /* one group */
    gst_app_src_push_buffer(GST_APP_SRC(in), buffer);
  }
  gst_app_src_end_of_stream(GST_APP_SRC(in));
  gst_vtok_info_clear(&info);

  GstSample *sample;
  while (!error && (sample = gst_app_sink_pull_sample(GST_APP_SINK(out)))) {
    print_tokens(sample, &error);
    gst_sample_unref(sample);
  }
  if (error) g_printerr("%s\n", error->message);
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(in);
  gst_object_unref(out);
  gst_object_unref(pipeline);
  return error ? 1 : 0;
}
