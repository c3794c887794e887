// The whole chain on the shipped model: frames/s, the speed of each stage, and what GStreamer itself costs.
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Both sides of gst_overhead_percent do the same work on the same decoded frames, by turns: the pipeline, and
// a plain loop over the same models and kernels, in the same batches, groups and readings ahead, each with
// models just loaded. The cost is the difference in processor time (not wall time: the pipeline overlaps its
// stages, the loop does not), as a share of the loop's, the median over the rounds: the machine's speed
// drifts by more than the cost. OpenMP's threads must not spin for that, so the program sets OMP_WAIT_POLICY
// before anything starts. Speeds are those of the best round.
#include <gst/app/gstappsink.h>
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
#include "models/memory.h"
#include "models/spatial.h"
#include "models/temporal.h"

namespace {

using Clock = std::chrono::steady_clock;
constexpr int kRounds = 12;
constexpr size_t kFrames = 200;
constexpr size_t kGroup = 4;     // frames
constexpr size_t kBatch = 8;     // frames vtokenc encodes at once
constexpr int kReadAhead = 512;  // rows of closed groups that vtokllm reads at once
constexpr char kQuestion[] = "Is there a car?";
constexpr char kChain[] =
    "vtokkeyframe name=keyframe method=interval max-interval=320000000 ! vtokenc name=enc ! vtokspatial "
    "name=spatial ! "
    "vtoktemporal name=temporal ! vtokllmsink name=llm question=\"Is there a car?\" max-new-tokens=8";

struct Seconds {
  double wall = 1e9, cpu = 1e9;
  void least(const Seconds &other) {
    wall = std::min(wall, other.wall);
    cpu = std::min(cpu, other.cpu);
  }
  void add(const Seconds &other) {
    wall += other.wall;
    cpu += other.cpu;
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
  guint seen = 0;  // visual tokens, by the answer
};

/// Plays the frames through the elements; the model is loaded before the time starts.
Played play(const Clip &clip) {
  GstElement *pipeline = launch(kChain);
  GstElement *keyframe = gst_bin_get_by_name(GST_BIN(pipeline), "keyframe");
  GstPad *sink = gst_element_get_static_pad(keyframe, "sink");
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
    GstSegment segment;
    gst_segment_init(&segment, GST_FORMAT_TIME);
    gst_pad_send_event(sink, gst_event_new_stream_start("clip"));
    gst_pad_send_event(sink, gst_event_new_caps(clip.caps));
    gst_pad_send_event(sink, gst_event_new_segment(&segment));
    for (GstBuffer *frame : clip.frames)
      if (gst_pad_chain(sink, gst_buffer_ref(frame)) != GST_FLOW_OK)
        throw std::runtime_error("the pipeline takes no frames");
    gst_pad_send_event(sink, gst_event_new_eos());
    for (bool over = false; !over;) {
      GstMessage *m = gst_bus_timed_pop_filtered(
          bus, 300 * GST_SECOND, GstMessageType(GST_MESSAGE_EOS | GST_MESSAGE_ERROR | GST_MESSAGE_ELEMENT));
      if (!m || GST_MESSAGE_TYPE(m) == GST_MESSAGE_ERROR) throw std::runtime_error("the pipeline failed");
      if (GST_MESSAGE_TYPE(m) == GST_MESSAGE_ELEMENT)
        gst_structure_get_uint(gst_message_get_structure(m), "tokens", &played.seen);
      over = GST_MESSAGE_TYPE(m) == GST_MESSAGE_EOS;
      gst_message_unref(m);
    }
  });
  played.frames = number(pipeline, "enc", "frames-out");
  played.tokens_in = number(pipeline, "enc", "tokens-out");
  played.tokens_out = number(pipeline, "temporal", "tokens-out");
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(bus);
  gst_object_unref(sink);
  gst_object_unref(keyframe);
  gst_object_unref(pipeline);
  return played;
}

template <class Rows>
auto &named(const Rows &rows, const std::string &name) {
  for (auto &row : rows)
    if (row.name == name) return row;
  throw std::runtime_error("no row named " + name);
}

/// The same work without GStreamer, and the least time of each stage.
class Plain {
  std::shared_ptr<vtok::Encoder> encoder_;
  std::shared_ptr<vtok::Llm> llm_;
  std::unique_ptr<vtok::Spatial> spatial_;
  std::unique_ptr<vtok::Temporal> temporal_;
  std::unique_ptr<vtok::Memory> memory_;
  uint64_t groups_ = 0;
  int unread_ = 0;    // rows
  int64_t read_ = 0;  // rows

  std::vector<vtok::Tokens> encode(const Clip &clip, size_t first) const {
    std::vector<GstVideoFrame> mapped(std::min(kBatch, clip.frames.size() - first));
    std::vector<vtok::Picture> pictures;
    for (size_t i = 0; i < mapped.size(); i++) {
      gst_video_frame_map(&mapped[i], &clip.info, clip.frames[first + i], GST_MAP_READ);
      pictures.push_back({static_cast<const uint8_t *>(GST_VIDEO_FRAME_PLANE_DATA(&mapped[i], 0)),
                          clip.info.width, clip.info.height, GST_VIDEO_FRAME_PLANE_STRIDE(&mapped[i], 0)});
    }
    auto tokens = encoder_->encode(pictures);
    for (auto &frame : mapped) gst_video_frame_unmap(&frame);
    return tokens;
  }
  void compress(const Clip &clip, size_t first, const std::vector<vtok::Tokens> &tokens) {
    for (size_t i = 0; i < tokens.size(); i++) {
      temporal_->add({spatial_->compress(tokens[i], tokens[i].n), tokens[i], tokens[i].n});
      if ((first + i + 1) % kGroup && first + i + 1 < clip.frames.size()) continue;
      auto group = std::make_shared<vtok::Group>();
      group->id = ++groups_;
      group->from = int64_t(GST_BUFFER_PTS(clip.frames[(first + i) / kGroup * kGroup]));
      group->to = group->from + 320000000;
      group->closed = true;
      group->parts.push_back(temporal_->close());
      unread_ += llm_->rows(*group, true);
      memory_->add(std::move(group));
    }
  }
  void read() {
    unread_ = 0;
    llm_->read_ahead(this, {.system_prompt = {}, .beginnings = {memory_->recall("", nullptr, {})}});
    vtok::Reading now;
    do {
      g_usleep(200);
      now = llm_->reading(this);
      if (!now.failure.empty()) throw std::runtime_error(now.failure);
    } while (now.all_wanted <= read_ || now.all < now.all_wanted);
    read_ = now.all_wanted;
  }

 public:
  Seconds encoding, compressing, answering;
  unsigned seen = 0;  // visual tokens, by the answer

  Seconds run(const Clip &clip, const std::shared_ptr<const vtok::Checkpoint> &checkpoint) {
    const auto placement = vtok::resolve_placement("auto", vtok::DType::kAuto);
    const auto go_on = [](double) { return true; };
    encoder_ = vtok::load_encoder(checkpoint, placement, go_on);
    llm_ = named(vtok::llm_backends(), "torch").make({checkpoint, placement}, go_on);
    spatial_ = named(vtok::spatial_methods(), "scc").make({});
    temporal_ = named(vtok::temporal_methods(), "scc").make({});
    memory_ = named(vtok::memory_policies(), "window").make({.room = {.tokens = llm_->context()}});
    groups_ = 0, unread_ = 0, read_ = 0;
    Seconds e{0, 0}, c{0, 0}, a{0, 0};
    for (size_t first = 0; first < clip.frames.size(); first += kBatch) {
      std::vector<vtok::Tokens> tokens;
      e.add(timed([&] { tokens = encode(clip, first); }));
      c.add(timed([&] { compress(clip, first, tokens); }));
      if (unread_ >= kReadAhead) a.add(timed([&] { read(); }));
    }
    a.add(timed([&] {
      vtok::Request request;
      request.question = kQuestion;
      request.groups = memory_->recall(kQuestion, nullptr, {});
      request.sampling.max_new_tokens = 8;
      seen = unsigned(llm_->ask(request, [](const std::string &) {}).visual_tokens);
    }));
    encoding.least(e);
    compressing.least(c);
    answering.least(a);
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
  Plain plain;
  Played best;
  Seconds loop;
  std::vector<double> more;             // processor time of the pipeline over the loop's, less 1
  for (int i = 0; i <= kRounds; i++) {  // the first warms up
    const Played played = play(clip);
    const Seconds l = plain.run(clip, checkpoint);
    std::fprintf(stderr, "round %d of %d: pipeline %.3f s (processors %.3f s), loop %.3f s (%.3f s)\n", i + 1,
                 kRounds + 1, played.seconds.wall, played.seconds.cpu, l.wall, l.cpu);
    if (played.frames != double(clip.frames.size())) throw std::runtime_error("the pipeline lost frames");
    if (played.seen != plain.seen)
      throw std::runtime_error("the pipeline's question saw " + std::to_string(played.seen) +
                               " tokens, the loop's " + std::to_string(plain.seen));
    if (i == 0) {
      plain.encoding = plain.compressing = plain.answering = Seconds();
      continue;
    }
    const Seconds least = best.seconds;
    best = played;
    best.seconds.least(least);
    loop.least(l);
    more.push_back(played.seconds.cpu / l.cpu - 1);
  }
  row("chain_fps", best.frames / best.seconds.wall, "frames/s");
  row("chain_loop_fps", best.frames / loop.wall, "frames/s");
  row("chain_encode_fps", best.frames / plain.encoding.wall, "frames/s");
  row("chain_compress_tokens_per_s", best.tokens_in / plain.compressing.wall, "tokens/s");
  row("chain_answer_ms", 1e3 * plain.answering.wall, "ms");
  row("chain_retention_percent", 100 * best.tokens_out / best.tokens_in, "%");
  std::nth_element(more.begin(), more.begin() + kRounds / 2, more.end());
  row("gst_overhead_percent", 100 * more[kRounds / 2], "%");
} catch (const std::exception &error) {
  std::fprintf(stderr, "bench-chain: %s\n", error.what());
  return 1;
}
