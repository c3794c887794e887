// vtokkeyframe: which frames pass, where groups start, what downstream hears in between.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gst/video/video.h>

#include <catch2/catch.hpp>

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
  const std::pair<const char *, void (*)(Harness &)> restarts[] = {
      {"flush",
       [](Harness &h) {
         h.event(gst_event_new_flush_start());
         h.event(gst_event_new_flush_stop(TRUE));
         h.event(segment_event());
       }},
      {"segment", [](Harness &h) { h.event(segment_event()); }},
      {"caps", [](Harness &h) { h.set_caps(video_caps(48, 64)); }},
      {"time runs back", [](Harness &) {}}};
  for (const auto &[name, restart] : restarts) {
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

TEST_CASE("EOS before any frame passes; tokens are refused in caps") {
  Harness h("vtokkeyframe");
  h.set_caps(video_caps());
  h.event(gst_event_new_eos());
  GstEvent *eos = h.next(GST_EVENT_EOS);
  REQUIRE(eos);
  gst_event_unref(eos);
  Harness tokens("vtokkeyframe");
  tokens.set_caps(token_caps());
  CHECK(tokens.push(buffer_with("12345678")) == GST_FLOW_NOT_NEGOTIATED);
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
