// vtokspatial: tokens per frame, what goes with them, what is refused.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "models/spatial.h"
#include "tests/gst/harness.h"

using namespace vtok::test;

namespace {

// Six tokens in three directions of the plane (pairs alike), the second of each pair longer.
const std::vector<float> kPairs = {1, 0, 0, 1, -1, 0, 3, 0, 0, 3, -3, 0};

}  // namespace

TEST_CASE("each method keeps times, flags, places and counts") {
  for (const auto &method : vtok::spatial_methods()) {
    INFO(method.name);
    Harness h("vtokspatial");
    h.set("method", method.name);
    h.set_caps(token_caps(2, ", framerate=(fraction)25/1, grid-width=(int)3, grid-height=(int)2"));
    GstBuffer *in = frame_at(kPairs, 2, 80, false, 3);
    GST_BUFFER_FLAG_SET(in, GST_BUFFER_FLAG_DISCONT);
    GstVtokCounts counts = counts_of(in);
    counts.grid_width = 3;
    counts.grid_height = 2;
    counts.source_tokens = 12;
    counts.group = 5;
    gst_vtok_buffer_set_counts(in, &counts);
    REQUIRE(h.push(in) == GST_FLOW_OK);
    auto out = h.pull();
    REQUIRE(out);
    CHECK(GST_BUFFER_PTS(out.get()) == 80 * GST_MSECOND);
    CHECK(GST_BUFFER_DURATION(out.get()) == 40 * GST_MSECOND);
    CHECK(GST_BUFFER_FLAG_IS_SET(out.get(), GST_BUFFER_FLAG_DELTA_UNIT));
    CHECK(GST_BUFFER_FLAG_IS_SET(out.get(), GST_BUFFER_FLAG_DISCONT));
    CHECK(gst_buffer_n_memory(out.get()) == 2);
    counts = counts_of(out.get());
    CHECK(counts.source_tokens == 12);
    CHECK(counts.group == 5);
    CHECK(counts.grid_width == 3);
    Opened opened(out.get(), h.out_caps());
    CHECK(opened.view.n == counts.n);
    CHECK(opened.view.n >= 1);
    CHECK(opened.view.n <= 6);
    CHECK(opened.info.c.fps_n == 25);
    CHECK(std::string(opened.info.c.extras) == "none");
    for (guint i = 0; i < opened.view.n; ++i) CHECK(opened.view.records[i].row < 2);
    CHECK(h.stat("frames-in") == 1);
    CHECK(h.stat("tokens-in") == 6);
    CHECK(h.stat("tokens-out") == counts.n);
    CHECK(!h.message(GST_MESSAGE_WARNING));
  }
}

TEST_CASE("scc gives the means of what is alike, none gives the buffer's own memory") {
  Harness h("vtokspatial");
  h.set_caps(token_caps());
  h.push(frame_at(kPairs, 2, 0, true));
  auto out = h.pull();
  REQUIRE(out);
  Opened scc(out.get(), h.out_caps());
  REQUIRE(scc.view.n == 3);
  const float means[] = {2, 0, 0, 2, -2, 0};
  for (int i = 0; i < 6; ++i) CHECK(scc.numbers()[i] == Approx(means[i]));
  CHECK(scc.view.records[1].weight == 2);
  CHECK(scc.view.records[1].column == 1);

  Harness none("vtokspatial");
  none.set("method", "none");
  none.set_caps(token_caps());
  GstBuffer *in = frame_at(kPairs, 2, 0, true);
  GstMapInfo map;
  GstMemory *memory = gst_buffer_peek_memory(in, 0);
  REQUIRE(gst_memory_map(memory, &map, GST_MAP_READ));
  const void *data = map.data;
  gst_memory_unmap(memory, &map);
  none.push(in);
  out = none.pull();
  REQUIRE(out);
  Opened opened(out.get(), none.out_caps());
  CHECK(opened.view.n == 6);
  CHECK(opened.view.tokens == data);
}

TEST_CASE("tokens without records and counts are taken") {
  Harness h("vtokspatial");
  h.set_caps(token_caps(2, ", grid-width=(int)3, grid-height=(int)2"));
  h.push(frame_at(kPairs, 2, 0, true, 3, false));
  auto out = h.pull();
  REQUIRE(out);
  Opened opened(out.get(), h.out_caps());
  CHECK(opened.view.n == 3);
  CHECK(opened.view.records[2].column == 2);
  CHECK(counts_of(out.get()).source_tokens == 6);
  CHECK(counts_of(out.get()).grid_height == 2);
}

TEST_CASE("retention counts the encoder's tokens, and properties count at once") {
  Harness h("vtokspatial");
  h.set("tau", "1");
  h.set_caps(token_caps());
  auto kept = [&](const char *property, const char *value) {
    h.set(property, value);
    const float a[] = {1, 0, .9f, .1f, .8f, .3f, .5f, .6f, .2f, .9f, 0, 1, -.5f, 1, -1, .2f};
    GstBuffer *in = frame_at({std::begin(a), std::end(a)}, 2, 0, true);
    GstVtokCounts counts = counts_of(in);
    counts.source_tokens = 16;
    gst_vtok_buffer_set_counts(in, &counts);
    h.push(in);
    auto out = h.pull();
    REQUIRE(out);
    return counts_of(out.get()).n;
  };
  CHECK(kept("retention", "0") == 8);
  CHECK(kept("retention", "0.25") == 4);
  CHECK(kept("max-tokens", "3") == 3);
  CHECK(kept("max-tokens", "5") == 4);
  CHECK(kept("retention", "0") == 5);
  CHECK(kept("max-tokens", "0") == 8);
}

TEST_CASE("max-tokens lowers the caps' bound; what downstream allows is kept to") {
  Harness own("vtokspatial max-tokens=4");
  own.set_caps(token_caps(2, ", max-tokens=(int)6"));
  CHECK(own.out_caps().find("max-tokens=(int)4") != std::string::npos);

  Harness unbounded("vtokspatial");
  unbounded.set_caps(token_caps());
  CHECK(unbounded.out_caps().find("max-tokens") == std::string::npos);

  Harness same("vtokspatial");
  same.set_caps(token_caps(2, ", max-tokens=(int)6"));
  CHECK(same.out_caps().find("max-tokens=(int)6") != std::string::npos);

  Harness asked("vtokspatial tau=1");
  asked.set_sink_caps(token_caps(2, ", max-tokens=(int)2, extras=(string)none, framerate=(fraction)0/1"));
  asked.set_caps(token_caps(2, ", max-tokens=(int)6, framerate=(fraction)0/1"));
  CHECK(asked.out_caps().find("max-tokens=(int)2") != std::string::npos);
  asked.push(frame_at(kPairs, 2, 0, true));
  auto out = asked.pull();
  REQUIRE(out);
  CHECK(counts_of(out.get()).n == 2);
}

TEST_CASE("sources go along only where downstream names them") {
  auto memories = [](const char *sink_caps) {
    Harness h("vtokspatial");
    h.set_sink_caps(sink_caps);
    h.set_caps(token_caps());
    h.push(frame_at(kPairs, 2, 0, true));
    auto out = h.pull();
    REQUIRE(out);
    Opened opened(out.get(), h.out_caps());
    if (opened.view.n_extras) {
      CHECK(opened.view.extras[0].n == 6);
      CHECK(static_cast<const float *>(opened.view.extras[0].data)[6] == 3);
      CHECK(opened.view.extras[0].records[5].column == 5);
    }
    return gst_buffer_n_memory(out.get());
  };
  CHECK(memories("ANY") == 2);
  CHECK(memories("application/x-visual-tokens") == 2);
  CHECK(memories("application/x-visual-tokens, extras=(string)none") == 2);
  CHECK(memories("application/x-visual-tokens, extras=(string)sources") == 4);
  CHECK(memories("application/x-visual-tokens, extras=(string){sources, none}") == 4);
  CHECK(memories("application/x-visual-tokens, extras=(string)none; "
                 "application/x-visual-tokens, extras=(string)sources") == 4);
}

TEST_CASE("a bad buffer is dropped with a warning, and the next one starts its group") {
  Harness h("vtokspatial");
  h.set_caps(token_caps());
  const float bad[] = {std::nanf(""), std::numeric_limits<float>::infinity()};
  guint64 dropped = 0;
  for (float value : bad) {
    auto numbers = kPairs;
    numbers[3] = value;
    CHECK(h.push(frame_at(numbers, 2, 0, true)) == GST_FLOW_OK);
    CHECK(!h.pull());
    CHECK(h.message(GST_MESSAGE_WARNING));
    CHECK(h.stat("dropped-bad-tokens") == ++dropped);
    CHECK(h.push(frame_at(kPairs, 2, 40, false)) == GST_FLOW_OK);
    auto out = h.pull();
    REQUIRE(out);
    CHECK(!GST_BUFFER_FLAG_IS_SET(out.get(), GST_BUFFER_FLAG_DELTA_UNIT));
    h.push(frame_at(kPairs, 2, 80, false));
    out = h.pull();
    REQUIRE(out);
    CHECK(GST_BUFFER_FLAG_IS_SET(out.get(), GST_BUFFER_FLAG_DELTA_UNIT));
  }
  CHECK(h.push(buffer_with("123456")) == GST_FLOW_OK);
  CHECK(h.message(GST_MESSAGE_WARNING).value_or("").find("6 bytes, expected a multiple of 8") !=
        std::string::npos);
  CHECK(h.stat("dropped-bad-tokens") == 3);
}

TEST_CASE("caps that do not fit are refused") {
  const std::string wrong[] = {"video/x-raw, format=(string)RGB, width=(int)4, height=(int)4",
                               token_caps(2, ", extras=(string)\"a,a\""),
                               token_caps(2, ", grid-width=(int)2"), token_caps(2, ", levels=(int)0")};
  for (const auto &caps : wrong) {
    INFO(caps);
    Harness h("vtokspatial");
    h.set_caps(caps);
    CHECK(h.push(frame_at(kPairs, 2, 0, true)) == GST_FLOW_NOT_NEGOTIATED);
  }
}

TEST_CASE("EOS before any frame passes") {
  Harness h("vtokspatial");
  h.set_caps(token_caps());
  CHECK(h.event(gst_event_new_eos()));
  GstEvent *eos = h.next(GST_EVENT_EOS);
  REQUIRE(eos);
  gst_event_unref(eos);
}
