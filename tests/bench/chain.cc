// The whole chain on the shipped model: frames/s, the speed of each stage, and what GStreamer itself costs.
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Both sides of gst_overhead_percent do the same work on the same decoded frames, by turns: the pipeline, and
// a plain loop over the same models and kernels. The cost is the difference in processor time (not wall time:
// the pipeline overlaps its stages, the loop does not), as a share of the loop's; OpenMP's threads must not
// spin for that, so the program sets OMP_WAIT_POLICY before anything starts.
#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <gst/gst.h>
#include <gst/video/video.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "models/encoder.h"
#include "models/llm.h"
#include "models/spatial.h"
#include "models/temporal.h"

namespace {

using Clock = std::chrono::steady_clock;
constexpr int kRuns = 3;
constexpr size_t kFrames = 200;
constexpr size_t kGroup = 4;  // frames
constexpr size_t kBatch = 8;  // frames the loop encodes at once
constexpr char kQuestion[] = "Is there a car?";
constexpr char kChain[] =
    "vtokkeyframe method=interval max-interval=320000000 ! vtokenc name=enc ! vtokspatial name=spatial ! "
    "vtoktemporal name=temporal ! vtokllmsink name=llm question=\"Is there a car?\" max-new-tokens=8";

struct Seconds {
  double wall = 1e9, cpu = 1e9;
  void least(const Seconds &other) {
    wall = std::min(wall, other.wall);
    cpu = std::min(cpu, other.cpu);
  }
};

double cpu_seconds() {
  timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return double(t.tv_sec) + 1e-9 * double(t.tv_nsec);
}

template <class F>
Seconds timed(F &&work) {
  const auto start = Clock::now();
  const double cpu = cpu_seconds();
  work();
  return {std::chrono::duration<double>(Clock::now() - start).count(), cpu_seconds() - cpu};
}

GstElement *launch(const std::string &text) {
  GError *error = nullptr;
  GstElement *pipeline = gst_parse_launch(text.c_str(), &error);
  if (error) throw std::runtime_error(error->message);
  return pipeline;
}

struct Clip {
  GstCaps *caps = nullptr;
  GstVideoInfo info;
  std::vector<GstBuffer *> frames;  // RGB, system memory
};

Clip decode(const std::string &file) {
  Clip clip;
  GstElement *pipeline =
      launch("filesrc location=\"" + file +
             "\" ! decodebin ! videoconvert ! video/x-raw,format=RGB ! appsink name=out sync=false");
  GstElement *sink = gst_bin_get_by_name(GST_BIN(pipeline), "out");
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  while (clip.frames.size() < kFrames) {
    GstSample *sample = gst_app_sink_pull_sample(GST_APP_SINK(sink));
    if (!sample) break;
    if (!clip.caps) clip.caps = gst_caps_ref(gst_sample_get_caps(sample));
    clip.frames.push_back(gst_buffer_copy_deep(gst_sample_get_buffer(sample)));
    gst_sample_unref(sample);
  }
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(sink);
  gst_object_unref(pipeline);
  if (clip.frames.empty()) throw std::runtime_error(file + " has no video");
  gst_video_info_from_caps(&clip.info, clip.caps);
  return clip;
}

double number(GstElement *pipeline, const char *element, const char *field) {
  GstElement *e = gst_bin_get_by_name(GST_BIN(pipeline), element);
  GstStructure *stats = nullptr;
  g_object_get(e, "stats", &stats, nullptr);
  guint64 count = 0;
  if (!gst_structure_get_uint64(stats, field, &count))
    throw std::runtime_error(std::string(element) + " has no " + field + " in its stats");
  gst_structure_free(stats);
  gst_object_unref(e);
  return double(count);
}

struct Played {
  Seconds seconds;
  double frames = 0, tokens_in = 0, tokens_out = 0;
};

/// Plays the frames through the elements; the model is loaded before the time starts.
Played play(const Clip &clip) {
  GstElement *pipeline =
      launch(std::string("appsrc name=in format=time block=true max-buffers=8 ! ") + kChain);
  GstElement *in = gst_bin_get_by_name(GST_BIN(pipeline), "in");
  gst_app_src_set_caps(GST_APP_SRC(in), clip.caps);
  GstBus *bus = gst_element_get_bus(pipeline);
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  for (int loading = 2; loading > 0;) {  // the encoder and the LLM
    GstMessage *m = gst_bus_timed_pop_filtered(bus, 120 * GST_SECOND,
                                               GstMessageType(GST_MESSAGE_PROGRESS | GST_MESSAGE_ERROR));
    GstProgressType type = GST_PROGRESS_TYPE_START;
    if (m && GST_MESSAGE_TYPE(m) == GST_MESSAGE_PROGRESS)
      gst_message_parse_progress(m, &type, nullptr, nullptr);
    if (!m || GST_MESSAGE_TYPE(m) == GST_MESSAGE_ERROR) throw std::runtime_error("the model did not load");
    gst_message_unref(m);
    loading -= type == GST_PROGRESS_TYPE_COMPLETE;
  }
  Played played;
  played.seconds = timed([&] {
    for (GstBuffer *frame : clip.frames) gst_app_src_push_buffer(GST_APP_SRC(in), gst_buffer_ref(frame));
    gst_app_src_end_of_stream(GST_APP_SRC(in));
    GstMessage *m = gst_bus_timed_pop_filtered(bus, 300 * GST_SECOND,
                                               GstMessageType(GST_MESSAGE_EOS | GST_MESSAGE_ERROR));
    if (!m || GST_MESSAGE_TYPE(m) == GST_MESSAGE_ERROR) throw std::runtime_error("the pipeline failed");
    gst_message_unref(m);
  });
  played.frames = number(pipeline, "enc", "frames-out");
  played.tokens_in = number(pipeline, "enc", "tokens-out");
  played.tokens_out = number(pipeline, "temporal", "tokens-out");
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(bus);
  gst_object_unref(in);
  gst_object_unref(pipeline);
  return played;
}

template <class Rows>
auto &named(const Rows &rows, const std::string &name) {
  for (auto &row : rows)
    if (row.name == name) return row;
  throw std::runtime_error("no row named " + name);
}

/// The same work without GStreamer; the least time of each stage.
struct Plain {
  std::shared_ptr<vtok::Encoder> encoder;
  std::shared_ptr<vtok::Llm> llm;
  Seconds encode, compress, answer;

  Seconds run(const Clip &clip) {
    const vtok::CompressorSettings settings;
    const auto spatial = named(vtok::spatial_methods(), "scc").make(settings);
    const auto temporal = named(vtok::temporal_methods(), "scc").make(settings);
    std::vector<vtok::Tokens> tokens;
    std::vector<vtok::GroupPtr> groups;
    const Seconds e = timed([&] {
      for (size_t first = 0; first < clip.frames.size(); first += kBatch) {
        std::vector<GstVideoFrame> mapped(std::min(kBatch, clip.frames.size() - first));
        std::vector<vtok::Picture> pictures;
        for (size_t i = 0; i < mapped.size(); i++) {
          gst_video_frame_map(&mapped[i], &clip.info, clip.frames[first + i], GST_MAP_READ);
          pictures.push_back({static_cast<const uint8_t *>(GST_VIDEO_FRAME_PLANE_DATA(&mapped[i], 0)),
                              clip.info.width, clip.info.height,
                              GST_VIDEO_FRAME_PLANE_STRIDE(&mapped[i], 0)});
        }
        for (auto &t : encoder->encode(pictures)) tokens.push_back(std::move(t));
        for (auto &frame : mapped) gst_video_frame_unmap(&frame);
      }
    });
    const Seconds c = timed([&] {
      for (size_t first = 0; first < tokens.size(); first += kGroup) {
        for (size_t i = first; i < std::min(first + kGroup, tokens.size()); i++)
          temporal->add({spatial->compress(tokens[i], tokens[i].n), tokens[i], tokens[i].n});
        auto group = std::make_shared<vtok::Group>();
        group->id = groups.size() + 1;
        group->from = int64_t(GST_BUFFER_PTS(clip.frames[first]));
        group->to = group->from + 320000000;
        group->closed = true;
        group->parts.push_back(temporal->close());
        groups.push_back(group);
      }
    });
    const Seconds a = timed([&] {
      vtok::Request request;
      request.question = kQuestion;
      request.groups = groups;
      request.sampling.max_new_tokens = 8;
      llm->ask(request, [](const std::string &) {});
    });
    encode.least(e);
    compress.least(c);
    answer.least(a);
    return {e.wall + c.wall + a.wall, e.cpu + c.cpu + a.cpu};
  }
};

void row(const char *name, double value, const char *unit) {
  std::printf("{\"name\": \"%s\", \"value\": %.6g, \"unit\": \"%s\", \"floor\": null, \"peer\": null}\n",
              name, value, unit);
}

}  // namespace

int main(int argc, char **argv) try {
  if (!std::getenv("OMP_WAIT_POLICY")) {
    setenv("OMP_WAIT_POLICY", "passive", 1);
    execv("/proc/self/exe", argv);
  }
  gst_init(&argc, &argv);
  const Clip clip = decode(argc > 1 ? argv[1] : VTOK_CLIP);
  const auto checkpoint = vtok::open_checkpoint("tiny");
  const auto placement = vtok::resolve_placement("auto", vtok::DType::kAuto);
  const auto go_on = [](double) { return true; };
  Plain plain{vtok::load_encoder(checkpoint, placement, go_on),
              named(vtok::llm_backends(), "torch").make({checkpoint, placement}, go_on),
              {},
              {},
              {}};
  Played best;
  Seconds loop;
  for (int i = 0; i <= kRuns; i++) {  // the first warms up
    const Played played = play(clip);
    const Seconds l = plain.run(clip);
    if (played.frames != double(clip.frames.size())) throw std::runtime_error("the pipeline lost frames");
    if (i == 0) {
      plain.encode = plain.compress = plain.answer = Seconds();
      continue;
    }
    const Seconds least = best.seconds;
    best = played;
    best.seconds.least(least);
    loop.least(l);
  }
  row("chain_fps", best.frames / best.seconds.wall, "frames/s");
  row("chain_loop_fps", best.frames / loop.wall, "frames/s");
  row("chain_encode_fps", best.frames / plain.encode.wall, "frames/s");
  row("chain_compress_tokens_per_s", best.tokens_in / plain.compress.wall, "tokens/s");
  row("chain_answer_ms", 1e3 * plain.answer.wall, "ms");
  row("chain_retention_percent", 100 * best.tokens_out / best.tokens_in, "%");
  row("gst_overhead_percent", 100 * (best.seconds.cpu - loop.cpu) / loop.cpu, "%");
} catch (const std::exception &error) {
  std::fprintf(stderr, "bench-chain: %s\n", error.what());
  return 1;
}
