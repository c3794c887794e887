// A real clip through the elements with the shipped model: which frames of tokens are kept, what the open group tells.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cmath>
#include <map>

#include "gst/bridge.h"
#include "tests/gst/pipeline.h"

namespace {

// Its first 16 seconds, four frames a second.
const std::string kClip = "filesrc location=\"" VTOK_GOLDEN "/../../pipelines/media/car-detection.mp4\" ! decodebin ! "
                          "videorate drop-only=true ! video/x-raw,framerate=4/1 ! identity eos-after=64 ! videoconvert ! ";
const std::string kModel = "device=cpu dtype=float32 model=tiny ";

struct Frame {
  GstClockTime pts;
  bool starts;
  int n;
  guint64 group;
  bool replaces;
  std::string bytes;  // of all memories
  std::vector<float> numbers;  // [n, 256]
};

/// What goes through an element's pad, as it comes.
std::vector<Frame> &watch(Pipeline &p, const char *element, const char *name, std::vector<Frame> &to) {
  GstPad *pad = gst_element_get_static_pad(p[element], name);
  gst_pad_add_probe(
      pad, GST_PAD_PROBE_TYPE_BUFFER,
      [](GstPad *, GstPadProbeInfo *info, gpointer frames) {
        GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER(info);
        GstVtokCounts counts{};
        gst_vtok_buffer_get_counts(buffer, &counts);
        Frame frame{GST_BUFFER_PTS(buffer), !GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT), int(counts.n),
                    counts.group, bool(counts.replaces), bytes(buffer), {}};
        frame.numbers.resize(size_t(frame.n) * 256);
        gst_buffer_extract(buffer, 0, frame.numbers.data(), frame.numbers.size() * sizeof(float));
        static_cast<std::vector<Frame> *>(frames)->push_back(std::move(frame));
        return GST_PAD_PROBE_OK;
      },
      &to, nullptr);
  gst_object_unref(pad);
  return to;
}

/// 1 minus the least cosine of tokens in the same places, in double precision.
double difference(const Frame &a, const Frame &b) {
  double most = 0;
  for (int i = 0; i < a.n; ++i) {
    double dot = 0, aa = 0, bb = 0;
    for (int c = 0; c < 256; ++c) {
      const double x = a.numbers[size_t(i * 256 + c)], y = b.numbers[size_t(i * 256 + c)];
      dot += x * y, aa += x * x, bb += y * y;
    }
    most = std::max(most, 1 - dot / std::sqrt(aa * bb));
  }
  return most;
}

}  // namespace

TEST_CASE("vtokkeyframe behind vtokenc keeps the frames that a plain loop over the tokens keeps; no other reaches a compressor") {
  std::vector<Frame> all, kept;
  Pipeline p(kClip + "vtokenc name=enc " + kModel +
             "! vtokkeyframe name=key max-interval=5000000000 ! vtokspatial name=spatial ! vtoktemporal name=temporal ! fakesink");
  watch(p, "key", "sink", all);
  watch(p, "key", "src", kept);
  REQUIRE(p.run(120));
  REQUIRE(all.size() >= 60);
  constexpr double kThreshold = 0.1;  // the method's own
  std::vector<GstClockTime> expected;
  const Frame *last = nullptr;
  GstClockTime start = 0;
  guint64 groups = 0;
  for (const Frame &frame : all) {
    const double change = last ? difference(frame, *last) : 1;
    INFO(frame.pts << ": " << change);
    const bool starts = !last || frame.pts + GST_SECOND / 4 - start > 5 * GST_SECOND;
    if (last) CHECK(std::abs(change - kThreshold) > 1e-5);  // else rounding decides, and the test tells nothing
    if (!starts && change <= kThreshold) continue;
    if (starts) start = frame.pts, ++groups;
    last = &frame;
    expected.push_back(frame.pts);
    REQUIRE(expected.size() <= kept.size());
    const Frame &passed = kept[expected.size() - 1];
    CHECK(passed.pts == frame.pts);
    CHECK(passed.starts == starts);
    CHECK(passed.group == groups - 1);
    CHECK((passed.bytes == frame.bytes));
  }
  CHECK(kept.size() == expected.size());
  CHECK(kept.size() > all.size() / 10);
  CHECK(kept.size() < all.size() * 2 / 3);  // the street is empty half of the time
  CHECK(groups == 4);
  CHECK(p.stat("spatial", "frames-in") == kept.size());
  CHECK(p.stat("temporal", "frames-in") == kept.size());
  CHECK(p.stat("temporal", "groups") == groups);
  CHECK(p.stat("key", "dropped-duplicate") == all.size() - kept.size());
  CHECK(p.warnings.empty());
}

TEST_CASE("mode=incremental on a real clip: questions in the open group see what was sent, closed groups are mode=group's") {
  // One encoder for both: what it makes of a frame may differ in the last bits from run to run.
  Pipeline p(kClip + "vtokkeyframe min-interval=500000000 max-interval=4000000000 ! vtokenc " + kModel +
             "! vtokspatial ! tee name=t ! queue ! vtoktemporal mode=group ! fakesink name=groups t. ! queue ! "
             "vtoktemporal mode=incremental ! vtokllmsink name=llm backend=echo timestamps=false");
  std::vector<Frame> exact, sent;
  watch(p, "groups", "sink", exact);
  struct Asking {
    Pipeline &p;
    std::vector<Frame> &sent;
    std::map<guint64, size_t> asked;  // question: buffers before it
  } asking{p, sent, {}};
  GstPad *pad = gst_element_get_static_pad(p["llm"], "sink");
  gst_pad_add_probe(
      pad, GST_PAD_PROBE_TYPE_BUFFER,
      [](GstPad *, GstPadProbeInfo *, gpointer data) {
        auto &self = *static_cast<Asking *>(data);
        if (!self.sent.empty()) self.asked[self.p.ask("llm", "Now?")] = self.sent.size();
        return GST_PAD_PROBE_OK;
      },
      &asking, nullptr);
  gst_object_unref(pad);
  watch(p, "llm", "sink", sent);
  REQUIRE(p.run(120));
  CHECK(exact.size() >= 4);
  CHECK(asking.asked.size() == sent.size() - 1);
  REQUIRE(p.until([&] { return p.answers.size() == asking.asked.size(); }, 60));

  size_t closed = 0, open_seen = 0;
  for (const Frame &buffer : sent) {
    if (!buffer.replaces) continue;
    REQUIRE(closed < exact.size());
    CHECK((buffer.bytes == exact[closed].bytes));  // too long to be shown
    CHECK(buffer.pts == exact[closed].pts);
    CHECK(buffer.group == exact[closed].group);
    ++closed;
  }
  CHECK(closed == exact.size());

  for (const Answered &answer : p.answers) {
    std::vector<int> groups;  // tokens of each that the question may see
    bool open = false;
    for (size_t i = 0; i < asking.asked.at(answer.id); ++i) {
      const Frame &buffer = sent[i];
      if (buffer.replaces) {
        groups.back() = buffer.n;
        open = false;
      } else if (buffer.starts) {
        groups.push_back(buffer.n);
        open = true;  // and not replaced yet
      } else {
        groups.back() += buffer.n;
      }
    }
    std::string list;
    int tokens = 0;
    for (const int n : groups) {
      tokens += n;
      list += (list.empty() ? ": " : ", ") + std::to_string(n);
    }
    open_seen += open;
    const auto counted = [](size_t n, const char *noun) { return std::to_string(n) + " " + noun + (n == 1 ? "" : "s"); };
    CHECK(answer.text == "question \"Now?\", " + counted(groups.size(), "group") + ", " + counted(size_t(tokens), "token") +
                             list + " (open)");
  }
  CHECK(open_seen >= 4);
}
