// vtokkeyframe: which frames pass, where groups start, what downstream hears in between.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gst/video/video.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "gst/groups.h"
#include "models/keyframe.h"
#include "tests/gst/harness.h"

using namespace vtok::test;

namespace {

std::string video_caps(int width = 64, int height = 48, const char *format = "GRAY8") {
  return "video/x-raw, format=(string)" + std::string(format) + ", width=(int)" + std::to_string(width) +
         ", height=(int)" + std::to_string(height) + ", framerate=(fraction)25/1";
}

// A grey picture of one brightness at `ms`, lasting 40 ms.
GstBuffer *grey(int value, int ms, int width = 64, int height = 48) {
  GstBuffer *buffer = gst_buffer_new_allocate(nullptr, size_t(width) * height, nullptr);
  gst_buffer_memset(buffer, 0, guint8(value), size_t(width) * height);
  GST_BUFFER_PTS(buffer) = ms * GST_MSECOND;
  GST_BUFFER_DURATION(buffer) = 40 * GST_MSECOND;
  return buffer;
}

GstEvent *segment_event() {
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  return gst_event_new_segment(&segment);
}

// The group of the frame that came out, -1 where none did.
int pushed(Harness &h, GstBuffer *buffer) {
  REQUIRE(h.push(buffer) == GST_FLOW_OK);
  auto out = h.pull();
  if (!out) return -1;
  const auto group = vtok::video_group(out.get());
  REQUIRE(group);
  return int(*group);
}

struct Gap {
  GstClockTime from, length;
};
std::vector<Gap> gaps(Harness &h) {
  std::vector<Gap> found;
  while (GstEvent *event = h.next(GST_EVENT_GAP)) {
    Gap gap;
    gst_event_parse_gap(event, &gap.from, &gap.length);
    gst_event_unref(event);
    found.push_back(gap);
  }
  return found;
}

/// What makes the next frame begin a group: `caps` and what any stream has.
std::vector<std::pair<std::string, std::function<void(Harness &)>>> restarts(
    std::vector<std::pair<std::string, std::function<void(Harness &)>>> caps) {
  caps.emplace_back("flush", [](Harness &h) {
    h.event(gst_event_new_flush_start());
    h.event(gst_event_new_flush_stop(TRUE));
    h.event(segment_event());
  });
  caps.emplace_back("segment", [](Harness &h) { h.event(segment_event()); });
  caps.emplace_back("time runs back", [](Harness &) {});
  return caps;
}

}  // namespace

TEST_CASE("difference: only frames that differ from the last kept one pass") {
  Harness h("vtokkeyframe");
  h.set_caps(video_caps());
  CHECK(pushed(h, grey(100, 0)) == 0);
  CHECK(pushed(h, grey(100, 40)) == -1);
  CHECK(pushed(h, grey(200, 80)) == 0);
  CHECK(pushed(h, grey(200, 120)) == -1);
  CHECK(pushed(h, grey(100, 160)) == 0);
  CHECK(h.stat("frames-in") == 5);
  CHECK(h.stat("frames-out") == 3);
  CHECK(h.stat("groups") == 1);
  CHECK(h.stat("dropped-duplicate") == 2);
}

TEST_CASE("a slow change is seen, for frames are compared with the last kept one") {
  Harness h("vtokkeyframe threshold=0.1");
  h.set_caps(video_caps());
  int kept = 0;
  for (int i = 0; i < 100; ++i) kept += pushed(h, grey(50 + i, 40 * i)) >= 0;
  CHECK(kept >= 3);
  CHECK(kept <= 5);
}

TEST_CASE("threshold=1 keeps what max-interval keeps, threshold=0 what changes at all") {
  Harness none("vtokkeyframe threshold=1");
  none.set_caps(video_caps());
  CHECK(pushed(none, grey(0, 0)) == 0);
  CHECK(pushed(none, grey(255, 40)) == -1);
  Harness all("vtokkeyframe threshold=0");
  all.set_caps(video_caps());
  CHECK(pushed(all, grey(10, 0)) == 0);
  CHECK(pushed(all, grey(13, 40)) == 0);
  CHECK(pushed(all, grey(13, 80)) == -1);
}

TEST_CASE("no group is longer than max-interval") {
  for (const int max : {0, 200, 1000}) {
    Harness h("vtokkeyframe");
    h.set("max-interval", std::to_string(max * GST_MSECOND).c_str());
    h.set_caps(video_caps());
    int start = 0, group = -1;
    for (int ms = 0; ms < 3000; ms += 40) {
      const int now = pushed(h, grey(100, ms));
      if (now == group || now < 0) continue;
      if (group >= 0) CHECK(ms - start <= max);
      CHECK(now == group + 1);
      group = now;
      start = ms;
    }
    CHECK(group == (max == 0 ? 0 : max == 200 ? 14 : 2));
  }
}

TEST_CASE("a pause ends a group with what was seen before it, and a frame after it is kept and says so") {
  Harness h("vtokkeyframe");
  h.set_caps(video_caps());
  const auto discont = [&](GstBuffer *buffer) {
    REQUIRE(h.push(buffer) == GST_FLOW_OK);
    const auto out = h.pull();
    return out ? int(GST_BUFFER_IS_DISCONT(out.get())) : -1;
  };
  CHECK(discont(grey(100, 0)) == 0);
  CHECK(discont(grey(100, 40)) == -1);
  CHECK(discont(grey(100, 1000)) == -1);  // a second is no pause
  CHECK(discont(grey(100, 4800)) == -1);  // nor what is not much longer than the distance before
  CHECK(discont(grey(100, 4920)) == -1);
  CHECK(h.stat("groups") == 1);
  gaps(h);
  CHECK(discont(grey(100, 7000)) == 1);  // nothing new is seen, but time has passed that nobody saw
  CHECK(h.stat("groups") == 2);
  const auto told = gaps(h);
  REQUIRE(told.size() == 1);
  CHECK(told[0].from + told[0].length == 4960 * GST_MSECOND);
  CHECK(discont(grey(100, 7040)) == -1);
  for (int second = 7; second < 10; ++second) h.event(gst_event_new_gap(second * GST_SECOND, GST_SECOND));
  CHECK(discont(grey(100, 10040)) == -1);  // somebody upstream has looked on
}

TEST_CASE("min-interval keeps frames apart") {
  Harness h("vtokkeyframe min-interval=100000000");
  h.set_caps(video_caps());
  std::vector<int> kept;
  for (int ms = 0; ms < 400; ms += 40)
    if (pushed(h, grey(ms % 80 ? 0 : 255, ms)) >= 0) kept.push_back(ms);
  REQUIRE(kept.size() >= 2);
  for (size_t i = 1; i < kept.size(); ++i) CHECK(kept[i] - kept[i - 1] >= 100);
  CHECK(h.stat("dropped-min-interval") > 0);
}

TEST_CASE("scene: a cut starts a group") {
  Harness h("vtokkeyframe method=scene");
  h.set_caps(video_caps());
  CHECK(pushed(h, grey(20, 0)) == 0);
  CHECK(pushed(h, grey(20, 40)) == -1);
  CHECK(pushed(h, grey(230, 80)) == 1);
}

TEST_CASE("each method keeps the first frame and never starves") {
  for (const auto &method : vtok::keyframe_methods()) {
    INFO(method.name);
    Harness h("vtokkeyframe");
    h.set("method", method.name);
    h.set_caps(video_caps());
    GstClockTime told = 0;
    for (int ms = 0; ms < 12000; ms += 40) {
      GstBuffer *in = grey(90, ms);
      REQUIRE(h.push(in) == GST_FLOW_OK);
      if (auto out = h.pull())
        told = GST_BUFFER_PTS(out.get()) + GST_BUFFER_DURATION(out.get());
      else if (ms == 0)
        FAIL("the first frame is dropped");
      for (const auto &gap : gaps(h)) {
        CHECK(gap.from == told);
        told = gap.from + gap.length;
      }
      CHECK((ms + 40) * GST_MSECOND - told < GST_SECOND);
    }
    CHECK(h.stat("gaps") <= 12);
    h.event(gst_event_new_eos());
    for (const auto &gap : gaps(h)) told = gap.from + gap.length;
    CHECK(told == 12 * GST_SECOND);
  }
}

TEST_CASE("FLUSH, SEGMENT and a caps change start a group with the next frame") {
  for (const auto &[name, restart] : restarts({{"caps", [](Harness &h) { h.set_caps(video_caps(48, 64)); }}})) {
    INFO(name);
    Harness h("vtokkeyframe");
    h.set_caps(video_caps());
    CHECK(pushed(h, grey(100, 400)) == 0);
    CHECK(pushed(h, grey(100, 440)) == -1);
    restart(h);
    CHECK(pushed(h, grey(100, 80)) == 1);
    CHECK(pushed(h, grey(100, 120)) == -1);
  }
}

TEST_CASE("frames pass unchanged and uncopied, 1 x 1 and 4096 x 2160 too") {
  const int sizes[][2] = {{1, 1}, {4096, 2160}, {64, 48}};
  for (const auto &[width, height] : sizes) {
    Harness h("vtokkeyframe");
    h.set_caps(video_caps(width, height));
    const int stride = GST_ROUND_UP_4(width);
    GstBuffer *in = grey(100, 0, stride, height);
    GstMemory *memory = gst_buffer_peek_memory(in, 0);
    h.push(in);
    auto out = h.pull();
    REQUIRE(out);
    CHECK(gst_buffer_peek_memory(out.get(), 0) == memory);
    CHECK(GST_BUFFER_PTS(out.get()) == 0);
    CHECK(GST_BUFFER_DURATION(out.get()) == 40 * GST_MSECOND);
    CHECK(pushed(h, grey(100, 40, stride, height)) == -1);
  }
}

TEST_CASE("no frame is held back: a DRAIN query finds all of them let go of, and is passed on") {
  for (const auto &method : vtok::keyframe_methods()) {
    INFO(method.name);
    Harness h("vtokkeyframe");
    h.set("method", method.name);
    h.set_caps(video_caps());
    int freed = 0, asked = 0;
    const auto count = [](gpointer counter, GstMiniObject *) { ++*static_cast<int *>(counter); };
    for (int i = 0; i < 4; ++i) {
      GstBuffer *in = grey(i / 2 * 200, 40 * i);
      gst_mini_object_weak_ref(GST_MINI_OBJECT(in), count, &freed);
      REQUIRE(h.push(in) == GST_FLOW_OK);
      h.pull();
    }
    gst_pad_add_probe(
        h->sinkpad, GST_PAD_PROBE_TYPE_QUERY_DOWNSTREAM,
        [](GstPad *, GstPadProbeInfo *info, gpointer counter) {
          *static_cast<int *>(counter) += GST_QUERY_TYPE(GST_PAD_PROBE_INFO_QUERY(info)) == GST_QUERY_DRAIN;
          return GST_PAD_PROBE_OK;
        },
        &asked, nullptr);
    GstQuery *drain = gst_query_new_drain();
    gst_pad_peer_query(h->srcpad, drain);
    gst_query_unref(drain);
    CHECK(asked > 0);
    CHECK(freed == 4);
  }
}

TEST_CASE("a frame of the wrong size is dropped with a warning, and the next is the first") {
  Harness h("vtokkeyframe");
  h.set_caps(video_caps());
  CHECK(pushed(h, grey(100, 0, 10, 10)) == -1);
  CHECK(h.message(GST_MESSAGE_WARNING).value_or("").find("64 x 48") != std::string::npos);
  CHECK(h.stat("dropped-bad-frame") == 1);
  CHECK(pushed(h, grey(100, 40)) == 0);
}

TEST_CASE("interval does not look at frames: what they hold is the next element's business") {
  Harness h("vtokkeyframe method=interval");
  h.set_caps(video_caps());
  CHECK(pushed(h, grey(100, 0, 10, 10)) == 0);
  CHECK(pushed(h, grey(100, 40)) == 0);
  CHECK(h.stat("dropped-bad-frame") == 0);
}

TEST_CASE("frames without times pass by what they show") {
  Harness h("vtokkeyframe min-interval=1000000000");
  h.set_caps(video_caps());
  for (const int value : {10, 10, 200}) {
    GstBuffer *in = grey(value, 0);
    GST_BUFFER_PTS(in) = GST_BUFFER_DURATION(in) = GST_CLOCK_TIME_NONE;
    pushed(h, in);
  }
  CHECK(h.stat("frames-out") == 2);
}

TEST_CASE("EOS before any frame passes") {
  Harness h("vtokkeyframe");
  h.set_caps(video_caps());
  h.event(gst_event_new_eos());
  GstEvent *eos = h.next(GST_EVENT_EOS);
  REQUIRE(eos);
  gst_event_unref(eos);
}

TEST_CASE("a group whose first frame is lost starts with its second") {
  vtok::GroupStarts starts;
  auto at = [&](std::optional<uint64_t> group) {
    GstBuffer *video = gst_buffer_new();
    if (group) vtok::set_video_group(video, *group);
    const bool start = starts.starts(video);
    gst_buffer_unref(video);
    return start;
  };
  CHECK(at(4));
  CHECK(!at(4));
  CHECK(at(6));
  CHECK(starts.group() == 1);
  starts.restart();
  CHECK(at(6));
  CHECK(starts.group() == 2);
  starts.reset();
  CHECK(at({}));  // no vtokkeyframe upstream
  CHECK(!at({}));
  CHECK(starts.group() == 0);
  starts.restart();
  CHECK(at({}));
  CHECK(starts.group() == 1);
}

TEST_CASE("the group's number survives conversion and scaling") {
  Harness h("vtokkeyframe ! videoconvert ! videoscale ! capsfilter caps=video/x-raw,format=RGB,width=20");
  h.set_caps(video_caps());
  CHECK(h.push(grey(100, 0)) == GST_FLOW_OK);
  auto out = h.pull();
  REQUIRE(out);
  CHECK(vtok::video_group(out.get()) == std::optional<uint64_t>(0));
}

namespace {

// Two tokens; the second's direction turns by `turn` of a right angle.
GstBuffer *turned(double turn, int ms, bool starts = false, guint64 group = 7) {
  const float x = float(std::cos(turn * M_PI_2)), y = float(std::sin(turn * M_PI_2));
  GstBuffer *buffer = frame_at({1, 0, x, y}, 2, ms, starts);
  GstVtokCounts counts = counts_of(buffer);
  counts.group = group;
  gst_vtok_buffer_set_counts(buffer, &counts);
  return buffer;
}

// 'S' where the frame of tokens came out and starts a group, 'k' where it came out, '-' where not.
char passed(Harness &h, GstBuffer *buffer, guint64 *group = nullptr) {
  GstMemory *memory = gst_buffer_peek_memory(buffer, 0);
  REQUIRE(h.push(buffer) == GST_FLOW_OK);
  const auto out = h.pull();
  if (!out) return '-';
  CHECK(gst_buffer_peek_memory(out.get(), 0) == memory);
  if (group) *group = counts_of(out.get()).group;
  return GST_BUFFER_FLAG_IS_SET(out.get(), GST_BUFFER_FLAG_DELTA_UNIT) ? 'k' : 'S';
}

const std::string kTokens = token_caps(2, ", extras=(string)none, framerate=(fraction)25/1");

}  // namespace

TEST_CASE("tokens: only frames in which a token has turned pass, DELTA_UNIT and counts tell the groups") {
  Harness h("vtokkeyframe");
  h.set_caps(kTokens);
  CHECK(h.out_caps() != "");
  guint64 group = 99;
  CHECK(passed(h, turned(0, 0, true), &group) == 'S');
  CHECK(group == 0);
  CHECK(passed(h, turned(.1, 40)) == '-');      // 1 - cos 9 degrees = 0.012
  CHECK(passed(h, turned(.4, 80), &group) == 'k');  // 1 - cos 36 degrees = 0.19
  CHECK(group == 0);
  CHECK(passed(h, turned(.3, 120)) == '-');     // against the last kept one
  CHECK(passed(h, turned(0, 160)) == 'k');
  CHECK(passed(h, turned(0, 200, true), &group) == 'S');  // upstream says so
  CHECK(group == 1);
  CHECK(passed(h, turned(0, 240)) == '-');
  CHECK(h.stat("frames-in") == 7);
  CHECK(h.stat("frames-out") == 4);
  CHECK(h.stat("groups") == 2);
  CHECK(h.stat("dropped-duplicate") == 3);
}

TEST_CASE("tokens: threshold, min-interval, max-interval and GAPs are as for video") {
  for (const int max : {0, 200, 1000}) {
    Harness h("vtokkeyframe");
    h.set("max-interval", std::to_string(max * GST_MSECOND).c_str());
    h.set_caps(kTokens);
    int start = 0, groups = 0;
    GstClockTime told = 0;
    for (int ms = 0; ms < 3000; ms += 40) {
      const char out = passed(h, turned(0, ms, ms == 0));
      CHECK(out != 'k');
      if (out == 'S') {
        if (groups++) CHECK(ms - start <= max);
        start = ms;
        told = (ms + 40) * GST_MSECOND;
      }
      for (const auto &gap : gaps(h)) {
        CHECK(gap.from == told);
        told = gap.from + gap.length;
      }
      CHECK((ms + 40) * GST_MSECOND - told < GST_SECOND);
    }
    CHECK(groups == (max == 0 ? 1 : max == 200 ? 15 : 3));
    h.event(gst_event_new_eos());
    for (const auto &gap : gaps(h)) told = gap.from + gap.length;
    CHECK(told == 3 * GST_SECOND);
  }
  Harness apart("vtokkeyframe min-interval=100000000 threshold=0.5");
  apart.set_caps(kTokens);
  std::string out;
  for (int ms = 0; ms < 400; ms += 40) out += passed(apart, turned(ms % 80 ? 1 : 0, ms, ms == 0));
  CHECK(out == "S--k--k--k");
  CHECK(apart.stat("dropped-min-interval") > 0);
}

TEST_CASE("tokens: FLUSH, SEGMENT, a caps change and time that runs back start a group with the next frame") {
  for (const auto &[name, restart] : restarts({{"caps", [](Harness &h) { h.set_caps(token_caps(2, ", extras=(string)none, framerate=(fraction)5/1")); }},
                                              {"from video to tokens", [](Harness &h) { h.set_caps(video_caps()), h.set_caps(kTokens); }}})) {
    INFO(name);
    Harness h("vtokkeyframe");
    h.set_caps(kTokens);
    CHECK(passed(h, turned(0, 400, true)) == 'S');
    CHECK(passed(h, turned(0, 440)) == '-');
    restart(h);
    CHECK(passed(h, turned(0, 80)) == 'S');
    CHECK(passed(h, turned(0, 120)) == '-');
  }
}

TEST_CASE("tokens that are not finite or do not fit their caps are dropped with a warning; a start among them is not lost") {
  Harness h("vtokkeyframe");
  h.set_caps(kTokens);
  CHECK(passed(h, turned(0, 0, true)) == 'S');
  CHECK(passed(h, frame_at({1, 0, NAN, 0}, 2, 40, true)) == '-');
  CHECK(h.message(GST_MESSAGE_WARNING).value_or("").find("NaN") != std::string::npos);
  CHECK(passed(h, turned(0, 80)) == 'S');
  CHECK(passed(h, frame_at({1, 0, 1}, 3, 120, false)) == '-');
  CHECK(h.message(GST_MESSAGE_WARNING));
  CHECK(h.stat("dropped-bad-frame") == 2);
}

TEST_CASE("tokens: what closes an incremental group has no place here, and scene looks at pictures only") {
  Harness h("vtokkeyframe");
  h.set_caps(kTokens);
  GstBuffer *closing = turned(0, 0);
  GstVtokCounts counts = counts_of(closing);
  counts.replaces = TRUE;
  gst_vtok_buffer_set_counts(closing, &counts);
  CHECK(passed(h, closing) == '-');
  CHECK(h.message(GST_MESSAGE_WARNING).value_or("").find("before vtoktemporal") != std::string::npos);
  Harness scene("vtokkeyframe method=scene");
  scene.set_caps(kTokens);
  CHECK(scene.push(turned(0, 0, true)) == GST_FLOW_NOT_NEGOTIATED);
  CHECK(scene.message(GST_MESSAGE_ERROR).value_or("").find("looks at pictures") != std::string::npos);
}

TEST_CASE("video does not become tokens, nor tokens video, in the caps of either side") {
  Harness h("vtokkeyframe");
  h.set_sink_caps(kTokens);
  GstPad *pad = gst_element_get_static_pad(h.element(), "sink");
  GstCaps *caps = gst_pad_query_caps(pad, nullptr);
  gst_object_unref(pad);
  REQUIRE(gst_caps_get_size(caps) == 1);
  CHECK(gst_structure_has_name(gst_caps_get_structure(caps, 0), "application/x-visual-tokens"));
  gst_caps_unref(caps);
  Harness video("vtokkeyframe");
  video.set_sink_caps(video_caps());
  video.set_caps(kTokens);
  CHECK(video.push(turned(0, 0, true)) == GST_FLOW_NOT_NEGOTIATED);
}
