// vtoktemporal: groups opened, lengthened and closed; what comes out when; caps and latency.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <catch2/catch.hpp>
#include <cmath>

#include "models/temporal.h"
#include "tests/gst/harness.h"

using namespace vtok::test;

namespace {

const std::vector<float> kRight = {1, 0, 2, 0}, kUp = {0, 1, 0, 2}, kBoth = {1, 0, 0, 1};

struct Out {
  GstClockTime pts, duration;
  bool starts;
  GstVtokCounts counts;
  std::vector<gint64> times;  // of the records
};

Out described(GstBuffer *buffer, const std::string &caps) {
  Out out{GST_BUFFER_PTS(buffer),
          GST_BUFFER_DURATION(buffer),
          !GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT),
          counts_of(buffer),
          {}};
  Opened opened(buffer, caps);
  CHECK(opened.view.n == out.counts.n);
  for (guint i = 0; i < opened.view.n; ++i) out.times.push_back(opened.view.records[i].time);
  return out;
}

std::optional<Out> pulled(Harness &h) {
  auto buffer = h.pull();
  if (!buffer) return {};
  return described(buffer.get(), h.out_caps());
}

GstEvent *segment_event() {
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  return gst_event_new_segment(&segment);
}

}  // namespace

TEST_CASE("mode=group: one buffer when the next group starts, its span up to there") {
  for (const auto &method : vtok::temporal_methods()) {
    INFO(method.name);
    Harness h("vtoktemporal");
    h.set("method", method.name);
    h.set_caps(token_caps(2, ", framerate=(fraction)25/1"));
    h.push(frame_at(kRight, 2, 1000, true));
    h.push(frame_at(kUp, 2, 1040, false));
    h.push(frame_at(kRight, 2, 1400, false));
    CHECK(!h.pull());
    h.push(frame_at(kUp, 2, 2000, true));
    const auto out = pulled(h);
    REQUIRE(out);
    CHECK(out->pts == 1000 * GST_MSECOND);
    CHECK(out->duration == 1000 * GST_MSECOND);
    CHECK(out->starts);
    CHECK(out->counts.frames == 3);
    CHECK(out->counts.source_tokens == 6);
    CHECK(out->counts.group == 0);
    CHECK(!out->counts.replaces);
    for (gint64 time : out->times)
      CHECK((time == 0 || time == 40 * GST_MSECOND || time == 400 * GST_MSECOND));
    CHECK(std::count(out->times.begin(), out->times.end(), 40 * GST_MSECOND) > 0);
    CHECK(!h.pull());
    h.event(gst_event_new_eos());
    const auto last = pulled(h);
    REQUIRE(last);
    CHECK(last->pts == 2000 * GST_MSECOND);
    CHECK(last->duration == 40 * GST_MSECOND);
    CHECK(last->counts.group == 1);
    CHECK(h.stat("groups") == 2);
    CHECK(h.stat("frames-in") == 4);
    CHECK(h.stat("frames-out") == 2);
    CHECK(h.out_caps().find("framerate=(fraction)0/1") != std::string::npos);
  }
}

TEST_CASE("scc joins what is alike over the frames of a group") {
  Harness h("vtoktemporal");
  h.set_caps(token_caps());
  h.push(frame_at(kRight, 2, 0, true));
  h.push(frame_at(kRight, 2, 40, false));
  h.push(frame_at(kUp, 2, 80, false));
  h.event(gst_event_new_eos());
  auto buffer = h.pull();
  REQUIRE(buffer);
  Opened out(buffer.get(), h.out_caps());
  REQUIRE(out.view.n == 2);
  CHECK(out.view.records[0].weight == 4);
  CHECK(out.view.records[1].weight == 2);
  CHECK(out.view.records[1].time == 80 * GST_MSECOND);
}

TEST_CASE("EOS, SEGMENT and a caps change close the group; FLUSH forgets it") {
  auto closes = [](auto &&end) {
    Harness h("vtoktemporal");
    h.set_caps(token_caps());
    h.push(frame_at(kRight, 2, 0, true));
    h.push(frame_at(kUp, 2, 40, false));
    const std::string caps = h.out_caps();
    end(h);
    const auto buffer = h.pull();
    std::optional<Out> out;
    if (buffer) out = described(buffer.get(), caps);
    if (out) {
      CHECK(out->duration == 80 * GST_MSECOND);
      CHECK(out->counts.frames == 2);
    }
    CHECK(!h.pull());
    return out.has_value();
  };
  CHECK(closes([](Harness &h) { h.event(gst_event_new_eos()); }));
  CHECK(closes([](Harness &h) { h.event(segment_event()); }));
  CHECK(closes([](Harness &h) { h.set_caps(token_caps(4)); }));
  CHECK(!closes([](Harness &h) {  // the same caps once more
    GstCaps *caps = gst_caps_from_string(token_caps().c_str());
    h.event(gst_event_new_caps(caps));
    gst_caps_unref(caps);
  }));
  CHECK(!closes([](Harness &h) {
    h.event(gst_event_new_flush_start());
    h.event(gst_event_new_flush_stop(TRUE));
    h.event(segment_event());
    h.event(gst_event_new_eos());
  }));
}

TEST_CASE("the frame after a flush starts a group, whatever its flag") {
  Harness h("vtoktemporal");
  h.set_caps(token_caps());
  h.push(frame_at(kRight, 2, 0, true));
  h.event(gst_event_new_flush_start());
  h.event(gst_event_new_flush_stop(TRUE));
  h.event(segment_event());
  h.push(frame_at(kUp, 2, 400, false));
  h.event(gst_event_new_eos());
  const auto out = pulled(h);
  REQUIRE(out);
  CHECK(out->pts == 400 * GST_MSECOND);
  CHECK(out->counts.frames == 1);
}

TEST_CASE("a GAP lengthens an open group and passes where none is open") {
  Harness h("vtoktemporal");
  h.set_caps(token_caps());
  h.event(gst_event_new_gap(0, GST_SECOND));
  GstEvent *gap = h.next(GST_EVENT_GAP);
  REQUIRE(gap);
  gst_event_unref(gap);
  h.push(frame_at(kRight, 2, 1000, true));
  h.event(gst_event_new_gap(1040 * GST_MSECOND, 960 * GST_MSECOND));
  h.event(gst_event_new_eos());
  const auto out = pulled(h);
  REQUIRE(out);
  CHECK(out->duration == GST_SECOND);
}

TEST_CASE("mode=incremental: what is new at once, and all of it when the group closes") {
  Harness h("vtoktemporal mode=incremental");
  h.set_caps(token_caps());
  h.push(frame_at(kRight, 2, 1000, true));
  auto out = pulled(h);
  REQUIRE(out);
  CHECK(out->pts == 1000 * GST_MSECOND);
  CHECK(out->duration == 40 * GST_MSECOND);
  CHECK(out->starts);
  CHECK(out->counts.n == 1);
  CHECK(out->counts.frames == 1);
  CHECK(!out->counts.replaces);

  h.push(frame_at(kRight, 2, 1040, false));  // nothing new
  CHECK(!h.pull());
  GstEvent *gap = h.next(GST_EVENT_GAP);
  REQUIRE(gap);
  GstClockTime from, length;
  gst_event_parse_gap(gap, &from, &length);
  CHECK(from == 1040 * GST_MSECOND);
  CHECK(length == 40 * GST_MSECOND);
  gst_event_unref(gap);

  h.push(frame_at(kBoth, 2, 1080, false));
  out = pulled(h);
  REQUIRE(out);
  CHECK(out->pts == 1080 * GST_MSECOND);
  CHECK(!out->starts);
  CHECK(out->counts.n == 1);
  CHECK(out->counts.frames == 2);  // with the one before, which had nothing to send
  CHECK(out->times == std::vector<gint64>{0});  // from its own PTS

  h.push(frame_at(kUp, 2, 1500, true));
  out = pulled(h);
  REQUIRE(out);
  CHECK(out->counts.replaces);
  CHECK(out->counts.group == 0);
  CHECK(out->counts.n == 2);
  CHECK(out->counts.frames == 3);
  CHECK(out->pts == 1000 * GST_MSECOND);
  CHECK(out->duration == 500 * GST_MSECOND);
  CHECK(!out->starts);
  out = pulled(h);
  REQUIRE(out);
  CHECK(out->starts);
  CHECK(out->counts.group == 1);
  CHECK(out->counts.frames == 1);
  CHECK(out->pts == 1500 * GST_MSECOND);
}

TEST_CASE("stats say how far what was sent ahead is from the groups' exact tokens") {
  Harness h("vtoktemporal mode=incremental tau=0.99");
  h.set_caps(token_caps());
  h.push(frame_at({3, 4}, 2, 0, true));    // sent as it is
  h.push(frame_at({4, 3}, 2, 40, false));  // cosine .96: sent too
  CHECK(h.stat("exact-tokens") == 0);
  h.push(frame_at({1, 0}, 2, 80, true));  // closes the group: (3, 4) and (4, 3), as sent
  CHECK(h.stat("exact-tokens") == 2);
  CHECK(h.stat("ahead-tokens") == 2);
  CHECK(h.number("ahead-distance-mean") == Approx(0).margin(1e-6));
  h.push(frame_at({.9636f, .2672f}, 2, 120, false));    // cosine .96: sent
  h.push(frame_at({.9909f, .1348f}, 2, 160, false));  // .991 to both: joins them
  h.event(gst_event_new_eos());                     // the second group is one token, the mean of the three
  CHECK(h.stat("exact-tokens") == 3);
  CHECK(h.stat("ahead-tokens") == 4);
  const double off = h.number("ahead-distance-most");
  CHECK(off > .001);
  CHECK(off < .02);
  CHECK(h.number("ahead-distance-mean") == Approx(off / 3).margin(1e-6));

  Harness whole("vtoktemporal");
  whole.set_caps(token_caps());
  whole.push(frame_at(kBoth, 2, 0, true));
  whole.event(gst_event_new_eos());
  CHECK(whole.stat("exact-tokens") == 0);
  CHECK(whole.number("ahead-distance-mean") == 0);
}

TEST_CASE("tokens of two levels: compressed by the first, both merged, sources too") {
  // Two tokens alike in the first level, one not; the second level is carried along.
  const std::vector<float> numbers = {1, 0, 0, 1, 3, 0, 4, 5, 0, 1, 7, 7};
  for (const char *launch : {"vtokspatial", "vtoktemporal", "vtokspatial ! vtoktemporal"}) {
    INFO(launch);
    Harness h(launch);
    h.set_caps(token_caps(2, ", levels=(int)2"));
    h.push(frame_at(numbers, 4, 0, true));
    h.event(gst_event_new_eos());
    const auto buffer = h.pull();
    REQUIRE(buffer);
    CHECK(h.out_caps().find("levels=(int)2") != std::string::npos);
    Opened out(buffer.get(), h.out_caps());
    REQUIRE(out.view.n == 2);
    CHECK(out.view.records[0].weight == 2);
    const float want[] = {2, 0, 2, 3, 0, 1, 7, 7};
    for (int i = 0; i < 8; ++i) CHECK(out.numbers()[i] == Approx(want[i]));
  }
  Harness none("vtokspatial method=none ! vtoktemporal method=none");
  none.set_caps(token_caps(2, ", levels=(int)2"));
  none.push(frame_at(numbers, 4, 0, true));
  none.event(gst_event_new_eos());
  const auto buffer = none.pull();
  REQUIRE(buffer);
  Opened out(buffer.get(), none.out_caps());
  REQUIRE(out.view.n == 3);
  for (size_t i = 0; i < numbers.size(); ++i) CHECK(out.numbers()[i] == numbers[i]);
}

TEST_CASE("sources are asked for and merged, an earlier compressor passes them on") {
  Harness h("vtokspatial ! vtoktemporal");
  GstPad *pad = gst_element_get_static_pad(h.element(), "sink");
  gst_object_unref(pad);
  h.set_caps(token_caps());
  GstElement *spatial = GST_ELEMENT(g_list_last(GST_BIN_CHILDREN(h.element()))->data);
  pad = gst_element_get_static_pad(spatial, "src");
  GstCaps *between = gst_pad_get_current_caps(pad);
  REQUIRE(between);
  CHECK(std::string(gst_structure_get_string(gst_caps_get_structure(between, 0), "extras")) == "sources");
  gst_caps_unref(between);
  gst_object_unref(pad);
  CHECK(h.out_caps().find("extras=(string)none") != std::string::npos);
  h.push(frame_at({1, 0, .95f, .1f, 0, 1}, 2, 0, true));
  h.event(gst_event_new_eos());
  auto buffer = h.pull();
  REQUIRE(buffer);
  CHECK(gst_buffer_n_memory(buffer.get()) == 2);
  Opened out(buffer.get(), h.out_caps());
  REQUIRE(out.view.n == 2);
  CHECK(out.view.records[0].weight == 2);
}

TEST_CASE("a bad buffer is dropped with a warning; a start it would have made is made up for") {
  Harness h("vtoktemporal");
  h.set_caps(token_caps());
  h.push(frame_at(kRight, 2, 0, true));
  h.push(frame_at({std::nanf(""), 0}, 2, 40, true));
  CHECK(h.message(GST_MESSAGE_WARNING));
  auto out = pulled(h);  // closed by the start that was bad
  REQUIRE(out);
  CHECK(out->duration == 40 * GST_MSECOND);
  h.push(frame_at(kUp, 2, 80, false));
  h.push(frame_at({std::nanf(""), 0}, 2, 120, false));
  GstBuffer *cut = buffer_with("1234567");
  GST_BUFFER_FLAG_SET(cut, GST_BUFFER_FLAG_DELTA_UNIT);
  h.push(cut);
  h.push(frame_at(kUp, 2, 160, false));
  h.event(gst_event_new_eos());
  out = pulled(h);
  REQUIRE(out);
  CHECK(out->pts == 80 * GST_MSECOND);
  CHECK(out->counts.frames == 2);
  CHECK(out->counts.group == 1);
  CHECK(h.stat("dropped-bad-tokens") == 3);
}

TEST_CASE("a stream without times is compressed all the same") {
  Harness h("vtoktemporal");
  h.set_caps(token_caps());
  for (bool starts : {true, false}) {
    GstBuffer *in = frame_at(kBoth, 2, 0, starts);
    GST_BUFFER_PTS(in) = GST_BUFFER_DURATION(in) = GST_CLOCK_TIME_NONE;
    CHECK(h.push(in) == GST_FLOW_OK);
  }
  h.event(gst_event_new_eos());
  const auto out = pulled(h);
  REQUIRE(out);
  CHECK(out->counts.frames == 2);
  CHECK(out->pts == GST_CLOCK_TIME_NONE);
}

TEST_CASE("EOS before any frame gives nothing, and passes") {
  Harness h("vtoktemporal");
  h.set_caps(token_caps());
  h.event(gst_event_new_eos());
  CHECK(!h.pull());
  GstEvent *eos = h.next(GST_EVENT_EOS);
  REQUIRE(eos);
  gst_event_unref(eos);
}

TEST_CASE("max-tokens bounds a group and is in the caps") {
  Harness h("vtoktemporal max-tokens=2 tau=1");
  h.set_caps(token_caps(2, ", max-tokens=(int)196"));
  CHECK(h.out_caps().find("max-tokens=(int)2") != std::string::npos);
  h.push(frame_at({1, 0, 1, .1f, 0, 1, .1f, 1}, 2, 0, true));
  h.push(frame_at({1, 0, 1, .1f, 0, 1, .1f, 1}, 2, 40, false));
  h.event(gst_event_new_eos());
  const auto out = pulled(h);
  REQUIRE(out);
  CHECK(out->counts.n == 2);

  Harness unbounded("vtoktemporal");
  unbounded.set_caps(token_caps(2, ", max-tokens=(int)196"));
  CHECK(unbounded.out_caps().find("max-tokens") == std::string::npos);
}

TEST_CASE("mode=group holds tokens back as long as its longest group, and says so") {
  for (const bool incremental : {false, true}) {
    Harness h("vtoktemporal");
    h.set("mode", incremental ? "incremental" : "group");
    // started again, so that the mode counts
    gst_element_set_state(h.element(), GST_STATE_READY);
    gst_element_set_state(h.element(), GST_STATE_PLAYING);
    gst_harness_set_upstream_latency(h.get(), 10 * GST_MSECOND);
    h.set_caps(token_caps());
    CHECK(gst_harness_query_latency(h.get()) == 10 * GST_MSECOND);
    h.push(frame_at(kRight, 2, 0, true));
    h.push(frame_at(kRight, 2, 3000, true));
    h.event(gst_event_new_eos());
    CHECK(gst_harness_query_latency(h.get()) == (incremental ? 10 : 3010) * GST_MSECOND);
    CHECK(h.message(GST_MESSAGE_LATENCY).has_value() == !incremental);
  }
}

TEST_CASE("tokens-per-second is held over groups of any length, in both modes, by every method that has a choice") {
  for (const char *mode : {"group", "incremental"})
    for (const char *method : {"scc", "uniform", "random"}) {
      INFO(mode << " " << method);
      Harness h((std::string("vtoktemporal tokens-per-second=5 mode=") + mode + " method=" + method).c_str());
      h.set_caps(token_caps(2, ", framerate=(fraction)10/1"));
      uint64_t sum = 0, ahead = 0;
      const auto drained = [&] {
        while (const auto out = pulled(h)) (out->counts.replaces || mode == std::string("group") ? sum : ahead) += out->counts.n;
      };
      // Groups of 0.3, 0.7, ... 4.3 s, each frame of four tokens that differ.
      int frame = 0;
      for (int group = 0; frame < 1200; ++group)
        for (int i = 0, length = 3 + group * 4 % 44; i < length; ++i, ++frame) {
          std::vector<float> rows;
          for (int k = 0; k < 4; ++k) {
            const float angle = float(frame * 4 + k);
            rows.insert(rows.end(), {std::cos(angle), std::sin(angle)});
          }
          h.push(frame_at(rows, 2, guint64(frame) * 100, i == 0));
          drained();
        }
      h.event(gst_event_new_eos());
      drained();
      const double wanted = 5 * frame / 10.;
      CHECK(double(sum) == Approx(wanted).margin(1));
      CHECK(double(ahead) <= wanted + 1);
      CHECK(h.number("tokens-per-second") == Approx(5).epsilon(.05));
      CHECK(h.number("tokens-per-second-wanted") == 5);
    }
}

TEST_CASE("a rate that cannot be had is told; other bounds hold all the same") {
  Harness h("vtoktemporal tokens-per-second=100 max-tokens=3 tau=-1");
  h.set_caps(token_caps(2, ", framerate=(fraction)10/1"));
  for (int i = 0; i < 20; ++i) h.push(frame_at({1, 0, 0, 1, -1, 0, 0, -1}, 2, guint64(i) * 100, i % 10 == 0));
  h.event(gst_event_new_eos());
  for (int i = 0; i < 2; ++i) {
    const auto out = pulled(h);
    REQUIRE(out);
    CHECK(out->counts.n == 3);
  }
  CHECK(h.number("tokens-per-second") == Approx(3).epsilon(.05));
}
