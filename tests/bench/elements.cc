// What the elements themselves cost: loading the plugin, comparing a frame, framing tokens.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gst/gst.h>
#include <gst/video/video.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "gst/thumbnail.h"
#include "gst/vtok/vtok.h"

namespace {

// The least milliseconds of `runs` runs.
template <class F>
double least_ms(int runs, F &&f) {
  double least = 1e30;
  for (int i = 0; i < runs; ++i) {
    const auto start = std::chrono::steady_clock::now();
    f();
    least = std::min(
        least, std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
  }
  return least;
}

void row(const char *name, double value, const char *unit) {
  printf("{\"name\": \"%s\", \"value\": %.4f, \"unit\": \"%s\", \"floor\": null, \"peer\": null}\n", name,
         value, unit);
}

void load() {
  GstPlugin *plugin = nullptr;
  row("plugin_load_ms", least_ms(1, [&] { plugin = gst_plugin_load_file(VTOK_PLUGIN, nullptr); }), "ms");
  if (!plugin) exit(1);
  gst_object_unref(plugin);
}

void thumbnails() {
  const std::pair<const char *, GstVideoFormat> formats[] = {
      {"thumbnail_1080p_nv12_ms", GST_VIDEO_FORMAT_NV12}, {"thumbnail_1080p_rgb_ms", GST_VIDEO_FORMAT_RGB}};
  for (const auto &[name, format] : formats) {
    GstVideoInfo info;
    gst_video_info_set_format(&info, format, 1920, 1080);
    std::vector<GstBuffer *> frames(20);  // more than the caches hold
    for (auto &frame : frames) {
      frame = gst_buffer_new_allocate(nullptr, info.size, nullptr);
      gst_buffer_memset(frame, 0, 77, info.size);
    }
    vtok::Thumbnailer thumbnailer(info);
    const double ms = least_ms(5, [&] {
      for (GstBuffer *frame : frames) thumbnailer.make(frame);
    });
    row(name, ms / double(frames.size()), "ms");
    for (GstBuffer *frame : frames) gst_buffer_unref(frame);
  }
}

void framing() {
  constexpr int kTokens = 196, kNumbers = 3584;
  GstVtokInfo info = GST_VTOK_INFO_INIT;
  info.hidden_size = kNumbers;
  info.space = g_strdup("bench@0");
  const std::vector<float> tokens(size_t(kTokens) * kNumbers, 1.f);
  GstBuffer *raw = gst_vtok_buffer_new(&info, tokens.data(), kTokens, nullptr, nullptr, nullptr, nullptr);
  GstBuffer *packet = nullptr;
  const double bytes = double(tokens.size()) * sizeof(float);
  const double write = least_ms(20, [&] {
    if (packet) gst_buffer_unref(packet);
    packet = gst_vtok_framed_write(raw, &info, nullptr);
  });
  row("framed_write_gb_per_s", bytes / write / 1e6, "GB/s");
  gst_buffer_unref(packet);
  gst_buffer_unref(raw);
  gst_vtok_info_clear(&info);
}

}  // namespace

int main(int argc, char **argv) {
  gst_init(&argc, &argv);
  load();
  thumbnails();
  framing();
}
