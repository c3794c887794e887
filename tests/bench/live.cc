// A camera that stays on: time to first token and resident memory after a minute and after a day of ready-made tokens, for every
// memory policy, and beside reading the whole prompt for each question. SPDX-License-Identifier: LGPL-2.1-or-later
//
//   bench-live [rows | MODEL HOURS [POLICY | full]]    rows: what scripts/bench runs; MODEL HOURS: a checkpoint's day, cut to
//   so many hours
#include <gst/app/gstappsrc.h>
#include <gst/gst.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "models/checkpoint.h"
#include "models/family.h"
#include "models/encoder.h"
#include "models/installation.h"
#include "models/memory.h"
#include "tests/bench/peer.h"

namespace {

constexpr int kGroup = 10;  // frames
constexpr int kAsks = 9;    // of which the least counts

double rss_mb() {
  long pages = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  return double(resident) * double(sysconf(_SC_PAGESIZE)) / 1e6;
}

struct Facts {
  std::string folder, space;
  int hidden, context;
  explicit Facts(const std::string &model) {
    const auto checkpoint = vtok::open_checkpoint(model);
    folder = checkpoint->folder;
    space = vtok::describe_encoder(*checkpoint).space;
    const auto text = vtok::family_of(*checkpoint).language(*checkpoint).text;
    hidden = text.hidden;
    context = text.context;
  }
};

/// Tokens into a vtokllmsink as fast as it takes them, times as of a live stream.
class Camera {
  GstElement *pipeline_, *source_, *sink_;
  GstBus *bus_;
  const int hidden_, tokens_;
  const double seconds_;  // a frame lasts
  std::vector<float> numbers_;
  int64_t frame_ = 0;

  guint64 stat(const char *name) {
    GstStructure *stats = nullptr;
    g_object_get(sink_, "stats", &stats, nullptr);
    guint64 value = 0;
    guint waiting = 0;
    if (!gst_structure_get_uint64(stats, name, &value) && gst_structure_get_uint(stats, name, &waiting))
      value = waiting;
    gst_structure_free(stats);
    return value;
  }
  GstMessage *wait(GstMessageType types) {
    GstMessage *message =
        gst_bus_timed_pop_filtered(bus_, 600 * GST_SECOND, GstMessageType(types | GST_MESSAGE_ERROR));
    if (message && GST_MESSAGE_TYPE(message) != GST_MESSAGE_ERROR) return message;
    GError *error = nullptr;
    if (message) gst_message_parse_error(message, &error, nullptr);
    throw std::runtime_error(error ? error->message : "nothing came in ten minutes");
  }

 public:
  Camera(const Facts &facts, const std::string &memory, int memory_tokens, int tokens, double seconds)
      : hidden_(facts.hidden), tokens_(tokens), seconds_(seconds), numbers_(size_t(1) << 20) {
    std::mt19937 random(1);
    std::normal_distribution<float> normal(0, 0.05f);
    for (float &number : numbers_) number = normal(random);
    const std::string launch =
        "appsrc name=in is-live=true format=time block=true max-buffers=64 max-bytes=0 "
        "caps=application/x-visual-tokens,type=float32,hidden-size=" + std::to_string(hidden_) + ",space=(string)\\\"" +
        facts.space + "\\\",stream-format=raw,framerate=0/1,extras=none ! vtokllmsink name=llm async=false device=cpu "
        "queue-size=4096 max-new-tokens=1 memory=" + memory + " memory-tokens=" + std::to_string(memory_tokens) +
        " model=\"" + facts.folder + "\"";
    GError *error = nullptr;
    pipeline_ = gst_parse_launch(launch.c_str(), &error);
    if (error) throw std::runtime_error(error->message);
    source_ = gst_bin_get_by_name(GST_BIN(pipeline_), "in");
    sink_ = gst_bin_get_by_name(GST_BIN(pipeline_), "llm");
    bus_ = gst_element_get_bus(pipeline_);
    gst_element_set_state(pipeline_, GST_STATE_PLAYING);
    push(1);  // frames wait until the model is loaded
    while (stat("buffers-in") < 1) g_usleep(20000);
  }
  ~Camera() {
    gst_element_set_state(pipeline_, GST_STATE_NULL);
    gst_object_unref(source_);
    gst_object_unref(sink_);
    gst_object_unref(bus_);
    gst_object_unref(pipeline_);
  }
  void push(int64_t frames) {
    for (const int64_t end = frame_ + frames; frame_ < end; ++frame_) {
      const size_t count = size_t(tokens_) * size_t(hidden_);
      GstBuffer *buffer = gst_buffer_new_allocate(nullptr, count * sizeof(float), nullptr);
      gst_buffer_fill(buffer, 0, numbers_.data() + size_t(frame_) * 7919 % (numbers_.size() - count), count * sizeof(float));
      GST_BUFFER_PTS(buffer) = GstClockTime(double(frame_) * seconds_ * GST_SECOND);
      GST_BUFFER_DURATION(buffer) = GstClockTime(seconds_ * GST_SECOND);
      if (frame_ % kGroup) GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
      if (gst_app_src_push_buffer(GST_APP_SRC(source_), buffer) != GST_FLOW_OK)
        throw std::runtime_error("the pipeline takes no more");
      if (frame_ % 256 == 0)
        while (stat("queue") > 2000) g_usleep(1000);
    }
  }
  /// Waits until all that came is remembered and read ahead.
  void settle() {
    while (stat("buffers-in") + stat("dropped-full") < guint64(frame_)) g_usleep(2000);
    for (guint64 before = 0, now = 1; before != now || stat("rows-behind") > 0; before = now, now = stat("rows-ahead"))
      g_usleep(400000);
  }
  void system_prompt(const std::string &text) { g_object_set(sink_, "system-prompt", text.c_str(), nullptr); }
  /// Milliseconds to the first token; `tokens`: how many were seen.
  double ask(guint *tokens = nullptr) {
    guint64 id = 0;
    g_signal_emit_by_name(sink_, "ask", "What is happening now?", &id);
    for (;;) {
      GstMessage *message = wait(GST_MESSAGE_ELEMENT);
      const GstStructure *answer = gst_message_get_structure(message);
      const bool came = gst_structure_has_name(answer, "vtok-answer");
      double ms = 0;
      guint seen = 0;
      if (came) gst_structure_get(answer, "ttft-ms", G_TYPE_DOUBLE, &ms, "tokens", G_TYPE_UINT, &seen, nullptr);
      gst_message_unref(message);
      if (!came) continue;
      if (tokens) *tokens = seen;
      if (ms <= 0) throw std::runtime_error("a question was not answered");
      return ms;
    }
  }
  guint64 lost() { return stat("dropped-full"); }
};

void row(const std::string &name, double value, const char *unit) {
  printf("{\"name\": \"%s\", \"value\": %.4g, \"unit\": \"%s\", \"floor\": null, \"peer\": null}\n", name.c_str(), value, unit);
  fflush(stdout);
}

/// A day of 4 tokens a second, cut to `hours`, beside a minute with groups of the same size that fills the memory as well.
void day(const Facts &facts, const std::string &memory, double hours, const std::string &suffix) {
  constexpr int kMemory = 2048;
  Camera minute(facts, memory, kMemory, 4, 0.1), day(facts, memory, kMemory, 4, 1);
  minute.push(60 * 10 + kGroup / 2);
  minute.settle();
  std::vector<double> resident;  // each half hour (each tenth of the time where that is shorter), once the bound is long reached
  const int64_t frames = int64_t(hours * 3600), step = std::min<int64_t>(1800, frames / 10);
  for (int64_t at = 0; at < frames; at += step) {
    day.push(step);
    if (at >= frames / 5) resident.push_back(rss_mb());
  }
  day.push(kGroup / 2);
  day.settle();
  double now = 1e30, then = 1e30;
  guint seen_now = 0, seen_then = 0;
  for (int i = 0; i < kAsks; ++i) {
    then = std::min(then, minute.ask(&seen_then));
    now = std::min(now, day.ask(&seen_now));
  }
  fprintf(stderr, "%s: %.1f ms after %.3g hours (%u tokens), %.1f ms after a minute (%u tokens), %lu frames lost\n",
          memory.c_str(), now, hours, seen_now, then, seen_then, day.lost());
  row("ttft_24h_over_1min" + suffix, now / then, "x");
  // Least squares: MB an hour.
  double t = 0, m = 0, tt = 0, tm = 0;
  const double n = double(resident.size());
  for (size_t i = 0; i < resident.size(); ++i) {
    const double hour = double(i) * double(step) / 3600;
    t += hour, m += resident[i], tt += hour * hour, tm += hour * resident[i];
  }
  row("rss_mb_per_hour" + suffix, (n * tm - t * m) / (n * tt - t * t), "MB/h");
  row((suffix == ".half_billion" ? "rss_mb_24h" : "rss_mb_24h" + suffix), *std::max_element(resident.begin(), resident.end()), "MB");
}

/// Five minutes of 20 tokens a frame and a frame a second, asked with what was read ahead, and by reading all of it again.
void full_prefill(const Facts &facts) {
  Camera camera(facts, "window", 0, 20, 1);
  camera.push(300 + kGroup / 2);
  camera.settle();
  double ours = 1e30, full = 1e30;
  guint seen = 0, seen_full = 0;
  for (int i = 0; i < 2; ++i) {
    for (int k = 0; k < 4; ++k) ours = std::min(ours, camera.ask(&seen));
    camera.system_prompt("Asked for the " + std::to_string(i) + "th time.");  // another beginning: nothing can be shared
    full = std::min(full, camera.ask(&seen_full));
    camera.system_prompt("");
  }
  fprintf(stderr, "full prefill %.0f ms (%u tokens), ours %.1f ms (%u tokens)\n", full, seen_full, ours, seen);
  row("ttft_full_prefill_over_ours", full / ours, "x");
}

}  // namespace

int main(int argc, char **argv) try {
  gst_init(&argc, &argv);
  const std::string what = argc > 1 ? argv[1] : "rows", only = argc > 3 ? argv[3] : "";
  if (what != "rows") {
    const Facts facts(what);
    if (only == "full") return full_prefill(facts), 0;
    for (const vtok::MemoryPolicy &policy : vtok::memory_policies())
      if (only.empty() || only == policy.name) day(facts, policy.name, argc > 2 ? atof(argv[2]) : 24, "." + std::string(policy.name));
    return 0;
  }
  const Facts tiny(vtok::shipped_model("tiny")), half_billion(vtok::bench::checkpoint());
  for (const vtok::MemoryPolicy &policy : vtok::memory_policies()) day(tiny, policy.name, 24, "." + std::string(policy.name));
  day(half_billion, "window", 1, ".half_billion");  // an hour: what is held is the same from the first quarter on
  full_prefill(half_billion);
  return 0;
} catch (const std::exception &error) {
  fprintf(stderr, "bench-live: %s\n", error.what());
  return 1;
}
