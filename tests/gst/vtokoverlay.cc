// vtokoverlay: what is drawn where and when, in step with tokens that come late, early or not at all.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gst/video/video.h>

#include <chrono>
#include <thread>

#include "gst/busy.h"
#include "gst/cell_drawing.h"
#include "tests/gst/fed.h"
#include "tests/gst/harness.h"

using namespace vtok;
using namespace vtok::test;

namespace {

constexpr int kWidth = 64, kHeight = 48;  // cells of 16 x 16 on a grid of 4 x 3
constexpr char kVideo[] =
    "video/x-raw, format=(string)BGRx, width=(int)64, height=(int)48, framerate=(fraction)25/1";

/// A vtokoverlay between two sources and a sink of our own.
class Overlay {
  GstElement *element_;
  GstHarness *video_, *tokens_;

 public:
  explicit Overlay(bool wait = true) : element_(gst_element_factory_make("vtokoverlay", nullptr)) {
    gst_object_ref_sink(element_);
    g_object_set(element_, "wait", gboolean(wait), nullptr);
    video_ = gst_harness_new_with_element(element_, "video", "src");
    tokens_ = gst_harness_new_with_element(element_, "tokens", nullptr);
    for (GstHarness *h : {video_, tokens_}) gst_harness_set_live(h, FALSE);
    gst_harness_set_src_caps_str(video_, kVideo);
    gst_harness_set_src_caps_str(tokens_, token_caps(2, ", grid-width=(int)4, grid-height=(int)3").c_str());
  }
  ~Overlay() {
    gst_harness_teardown(tokens_);
    gst_harness_teardown(video_);
    gst_object_unref(element_);
  }
  GstElement *element() { return element_; }
  GstHarness *video() { return video_; }
  GstHarness *tokens() { return tokens_; }

  static GstBuffer *picture(int ms) {
    GstBuffer *buffer = gst_buffer_new_allocate(nullptr, size_t(kWidth) * kHeight * 4, nullptr);
    gst_buffer_memset(buffer, 0, 200, gsize(-1));
    GST_BUFFER_PTS(buffer) = GstClockTime(ms) * GST_MSECOND;
    GST_BUFFER_DURATION(buffer) = 40 * GST_MSECOND;
    return buffer;
  }
  GstFlowReturn show(int ms) { return gst_harness_push(video_, picture(ms)); }
  struct Mark {
    int row, column;
    guint weight = 1;
    int ms = 0;  // from the buffer's PTS
  };
  /// Tokens of the frames from `ms` on.
  GstFlowReturn keep(int ms, int duration_ms, const std::vector<Mark> &marks, bool replaces = false) {
    Info info(2);
    info.c.grid_width = 4, info.c.grid_height = 3;
    std::vector<GstVtokRecord> records;
    for (const Mark &m : marks)
      records.push_back(
          {gint64(m.ms) * gint64(GST_MSECOND), guint16(m.row), guint16(m.column), m.weight, 1.f, 0});
    GstBuffer *buffer = buffer_of(info.c, ramp(int(marks.size()), 2), records);
    GstVtokCounts counts = counts_of(buffer);
    counts.replaces = replaces;
    gst_vtok_buffer_set_counts(buffer, &counts);
    GST_BUFFER_PTS(buffer) = GstClockTime(ms) * GST_MSECOND;
    GST_BUFFER_DURATION(buffer) = GstClockTime(duration_ms) * GST_MSECOND;
    return gst_harness_push(tokens_, buffer);
  }
  bool gap(int ms, int duration_ms) {
    return gst_harness_push_event(
        tokens_, gst_event_new_gap(GstClockTime(ms) * GST_MSECOND, GstClockTime(duration_ms) * GST_MSECOND));
  }
  /// The cells of the next picture: '#' kept, 'x' merged, '.' gone, ' ' nothing drawn; "" where none came.
  std::string next() {
    GstBuffer *buffer = gst_harness_try_pull(video_);
    if (!buffer) return "";
    GstMapInfo map;
    REQUIRE(gst_buffer_map(buffer, &map, GST_MAP_READ));
    const auto *pixels = reinterpret_cast<const uint32_t *>(map.data);
    std::string cells;
    for (int cell = 0; cell < 12; ++cell) {
      const int x = cell % 4 * 16, y = cell / 4 * 16;
      const uint32_t edge = pixels[y * kWidth + x] & 0xffffff;
      cells += edge == (kKeptColour & 0xffffff)     ? '#'
               : edge == (kMergedColour & 0xffffff) ? 'x'
               : edge == 0xc8c8c8                   ? ' '
                                                    : '.';
    }
    gst_buffer_unmap(buffer, &map);
    gst_buffer_unref(buffer);
    return cells;
  }
  guint64 stat(const char *name) {
    GstStructure *stats = nullptr;
    g_object_get(element_, "stats", &stats, nullptr);
    guint64 value = 0;
    REQUIRE(gst_structure_get_uint64(stats, name, &value));
    gst_structure_free(stats);
    return value;
  }
};

/// The harness's source answers LATENCY queries as a live one with these.
void be_live(GstHarness *h, GstClockTime min, GstClockTime max) {
  using Times = std::pair<GstClockTime, GstClockTime>;
  g_object_set_data_full(G_OBJECT(h->srcpad), "times", new Times(min, max),
                         [](gpointer times) { delete static_cast<Times *>(times); });
  constexpr auto answer = [](GstPad *pad, GstObject *parent, GstQuery *query) -> gboolean {
    if (GST_QUERY_TYPE(query) != GST_QUERY_LATENCY) return gst_pad_query_default(pad, parent, query);
    const auto *times = static_cast<Times *>(g_object_get_data(G_OBJECT(pad), "times"));
    gst_query_set_latency(query, TRUE, times->first, times->second);
    return TRUE;
  };
  gst_pad_set_query_function(h->srcpad, answer);
}

}  // namespace

TEST_CASE("each cell is drawn as what became of its token") {
  KeptCells kept;
  kept.columns = 4, kept.rows = 3;
  kept.cells = {{0, 0, 1}, {1, 2, 12}, {2, 3, 2}};
  std::vector<uint32_t> pixels(320 * 240);
  draw_cells(kept, {.alpha = .6, .weights = true}, 320, 240, pixels.data());
  const auto at = [&](int x, int y) { return pixels[size_t(y) * 320 + size_t(x)]; };
  CHECK(at(0, 0) == kKeptColour);
  CHECK(at(79, 79) == kKeptColour);
  CHECK(at(40, 40) == 0);          // its inside is left as it is
  CHECK(at(80, 0) == 153u << 24);  // gone: 0.6 of black
  CHECK(at(160, 80) == kMergedColour);
  CHECK(at(319, 239) == kMergedColour);
  CHECK(at(167, 82) == 0xffffffff);  // the top of the 1 of "×12"
  int white[2] = {};
  for (int y = 80; y < 160; ++y)
    for (int x = 160; x < 240; ++x) white[0] += at(x, y) == 0xffffffff;
  CHECK(white[0] == 5 + 8 + 11);  // dots of ×, 1, 2
  draw_cells(kept, {.alpha = .6, .weights = false}, 320, 240, pixels.data());
  for (int y = 80; y < 160; ++y)
    for (int x = 160; x < 240; ++x) white[1] += at(x, y) == 0xffffffff;
  CHECK(white[1] == 0);
  // A picture smaller than its grid has no room for numbers, and nothing is written outside of it.
  for (const auto &[width, height] : {std::pair{1, 1}, {3, 2}, {17, 5}}) {
    std::vector<uint32_t> small(size_t(width * height) + 16, 7);
    draw_cells(kept, {}, width, height, small.data());
    CHECK(std::count(small.begin() + width * height, small.end(), 7u) == 16);
  }
}

TEST_CASE("a picture shows the newest tokens at or before its time") {
  Overlay o;
  o.keep(0, 40, {{0, 0}, {2, 3, 11}});
  o.keep(40, 40, {{1, 1, 12}});
  o.gap(80, 1000);
  for (int ms : {0, 40, 80, 1040}) CHECK(o.show(ms) == GST_FLOW_OK);
  CHECK(o.next() == "#..........x");
  CHECK(o.next() == ".....x......");
  CHECK(o.next() == ".....x......");
  CHECK(o.next() == ".....x......");
  CHECK(o.stat("drawn") == 4);
  CHECK(o.stat("before-tokens") == 0);
}

TEST_CASE("a group's tokens are shown by the times in their records, and replaced where it closes") {
  Overlay o;
  o.keep(0, 40, {{0, 0}});
  o.keep(40, 40, {{0, 1}});
  o.keep(0, 120, {{2, 0, 5, 0}, {2, 1, 7, 80}}, true);
  for (int ms : {0, 40, 80}) o.show(ms);
  CHECK(o.next() == "........x...");
  CHECK(o.next() == "........x...");
  CHECK(o.next() == ".........x..");
}

TEST_CASE("records that no encoder would write do no harm") {
  Kept kept;
  void *unused;
  Tokens tokens = allocate_tokens(Type::kFloat32, 3, 1, unused);
  tokens.records = {{.time = INT64_MAX, .row = 65535, .column = 65535, .weight = UINT32_MAX},
                    {.time = INT64_MIN, .row = 65535, .column = 65535, .weight = UINT32_MAX},
                    {.time = 0, .row = 65535, .column = 0, .weight = 0}};
  kept.add(GST_SECOND, GST_CLOCK_TIME_NONE, tokens, {});
  const auto frame = kept.at(GST_SECOND);
  REQUIRE(frame);
  CHECK(frame->rows == 65536);
  std::vector<uint32_t> pixels(64 * 48);
  draw_cells(*frame, {}, 64, 48, pixels.data());
  CHECK(kept.size() == 1);
}

TEST_CASE("a picture waits for its tokens, and not for more") {
  Overlay o;
  std::thread late([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(150));
    o.keep(0, 40, {{0, 0}});
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    o.gap(40, 40);
  });
  o.show(0);
  CHECK(o.next() == "#...........");
  o.show(40);
  CHECK(o.next() == "#...........");
  late.join();
  CHECK(o.stat("before-tokens") == 0);

  Overlay hasty(false);
  hasty.show(0);
  CHECK(hasty.next() == std::string(12, ' '));
  hasty.keep(0, 40, {{0, 0}});
  hasty.show(40);
  CHECK(hasty.next() == "#...........");
  CHECK(hasty.stat("before-tokens") == 2);
}

TEST_CASE("where no tokens come at all the video goes on, until they do") {
  Overlay o;
  for (int ms = 0; ms < 2000; ms += 40) REQUIRE(o.show(ms) == GST_FLOW_OK);  // one wait, not fifty
  for (int i = 0; i < 50; ++i) CHECK(o.next() == std::string(12, ' '));
  CHECK(o.stat("before-tokens") == 50);
  o.keep(1000, 40, {{1, 0}});
  o.gap(1040, 2000);
  o.show(2000);
  CHECK(o.next() == "....#.......");
  CHECK(o.stat("before-tokens") == 50);
}

TEST_CASE("tokens that an element still works on are waited for, however long it takes") {
  Overlay o;
  std::atomic<bool> busy{true};
  g_object_set_data(G_OBJECT(o.tokens()->srcpad), "busy", &busy);
  constexpr auto answer = [](GstPad *pad, GstObject *parent, GstQuery *query) -> gboolean {
    const auto *working = static_cast<std::atomic<bool> *>(g_object_get_data(G_OBJECT(pad), "busy"));
    return answer_busy(query, *working) || gst_pad_query_default(pad, parent, query);
  };
  gst_pad_set_query_function(o.tokens()->srcpad, answer);
  std::thread slow([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(2600));
    o.keep(0, 40, {{0, 0}});
    busy = false;
  });
  o.show(0);
  slow.join();
  CHECK(o.next() == "#...........");
  CHECK(o.stat("before-tokens") == 0);
  o.show(40);
  CHECK(o.stat("before-tokens") == 1);
}

TEST_CASE("EOS of the tokens, a flush and a state change end the wait") {
  for (const char *how : {"eos", "flush", "state"}) {
    INFO(how);
    Overlay o;
    std::thread other([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      if (g_str_equal(how, "eos")) gst_harness_push_event(o.tokens(), gst_event_new_eos());
      if (g_str_equal(how, "flush")) gst_harness_push_event(o.video(), gst_event_new_flush_start());
      if (g_str_equal(how, "state")) gst_element_set_state(o.element(), GST_STATE_READY);
    });
    CHECK(o.show(0) == (g_str_equal(how, "eos") ? GST_FLOW_OK : GST_FLOW_FLUSHING));
    other.join();
  }
}

TEST_CASE("after a flush of both, times begin anew") {
  Overlay o;
  o.keep(0, 40, {{0, 0}});
  o.keep(200, 40, {{1, 1}});
  o.show(0);
  CHECK(o.next() == "#...........");
  for (GstHarness *h : {o.video(), o.tokens()}) {
    gst_harness_push_event(h, gst_event_new_flush_start());
    gst_harness_push_event(h, gst_event_new_flush_stop(TRUE));
    GstSegment segment;
    gst_segment_init(&segment, GST_FORMAT_TIME);
    segment.start = segment.time = segment.position = 5 * GST_SECOND;
    gst_harness_push_event(h, gst_event_new_segment(&segment));
  }
  o.keep(5000, 40, {{2, 2}});
  CHECK(o.show(5000) == GST_FLOW_OK);
  CHECK(o.next() == "..........#.");
  o.gap(5040, 400);
  CHECK(o.show(5200) == GST_FLOW_OK);
  CHECK(o.next() == "..........#.");
}

TEST_CASE("tokens that do not fit are dropped with a warning, pictures go on") {
  Overlay o(false);
  GstBus *bus = gst_bus_new();
  gst_element_set_bus(o.element(), bus);
  CHECK(gst_harness_push(o.tokens(), buffer_with("123456")) == GST_FLOW_OK);
  GstMessage *warning = gst_bus_pop_filtered(bus, GST_MESSAGE_WARNING);
  CHECK(warning);
  if (warning) gst_message_unref(warning);
  CHECK(o.stat("dropped-bad-tokens") == 1);
  CHECK(o.show(0) == GST_FLOW_OK);
  gst_element_set_bus(o.element(), nullptr);
  gst_object_unref(bus);
}

TEST_CASE("LATENCY: the video is held back by what the tokens are later, as far as it can be") {
  Overlay o;
  const auto asked = [&](GstClockTime video_min, GstClockTime video_max, GstClockTime tokens_min) {
    be_live(o.video(), video_min, video_max);
    be_live(o.tokens(), tokens_min, GST_CLOCK_TIME_NONE);
    GstQuery *query = gst_query_new_latency();
    GstPad *src = gst_element_get_static_pad(o.element(), "src");
    REQUIRE(gst_pad_query(src, query));
    gst_object_unref(src);
    GstClockTime min;
    gst_query_parse_latency(query, nullptr, &min, nullptr);
    gst_query_unref(query);
    return min / GST_MSECOND;
  };
  constexpr GstClockTime ms = GST_MSECOND;
  CHECK(asked(40 * ms, GST_CLOCK_TIME_NONE, 300 * ms) == 300);
  CHECK(asked(40 * ms, 140 * ms, 300 * ms) == 140);
  CHECK(asked(40 * ms, 40 * ms, 300 * ms) == 40);
  CHECK(asked(400 * ms, GST_CLOCK_TIME_NONE, 300 * ms) == 400);
  g_object_set(o.element(), "wait", FALSE, nullptr);
  CHECK(asked(40 * ms, GST_CLOCK_TIME_NONE, 300 * ms) == 40);
}

TEST_CASE("live: a picture waits as long as the tokens are said to take, no longer") {
  GstClock *clock = gst_system_clock_obtain();
  for (const int later_ms : {10000, 100}) {  // than the video, says their branch
    INFO(later_ms);
    Overlay o;
    be_live(o.video(), 0, GST_CLOCK_TIME_NONE);
    be_live(o.tokens(), GstClockTime(later_ms) * GST_MSECOND, GST_CLOCK_TIME_NONE);
    gst_element_set_clock(o.element(), clock);
    gst_element_set_base_time(o.element(), gst_clock_get_time(clock));
    std::thread late([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(1200));
      o.keep(0, 40, {{0, 0}});
    });
    o.show(0);
    CHECK(o.next() == (later_ms > 1200 ? "#..........." : std::string(12, ' ')));
    late.join();
  }
  gst_object_unref(clock);
}

TEST_CASE("one source, tee and queues: in every format, nothing stands still") {
  // Each frame vtokkeyframe keeps becomes two tokens: no model is needed.
  for (const char *format : {"I420", "RGB", "NV12", "GRAY8"}) {
    INFO(format);
    ::Pipeline p(
        std::string("videotestsrc num-buffers=100 pattern=ball ! video/x-raw,width=64,height=48,format=") +
        format +
        " ! tee name=t t. ! queue ! vtokoverlay name=o ! fakesink "
        "t. ! queue ! vtokkeyframe name=k max-interval=500000000 ! fakesink async=false "
        "appsrc name=in format=time ! o.tokens");
    GstElement *in = p["in"];
    GstCaps *caps = gst_caps_from_string(token_caps(2, ", grid-width=(int)4, grid-height=(int)3").c_str());
    gst_app_src_set_caps(GST_APP_SRC(in), caps);
    gst_caps_unref(caps);
    const auto encode = [](GstPad *, GstPadProbeInfo *probed, gpointer source) {
      if (probed->type & GST_PAD_PROBE_TYPE_BUFFER) {
        auto *frame = GST_PAD_PROBE_INFO_BUFFER(probed);
        Info info(2);
        info.c.grid_width = 4, info.c.grid_height = 3;
        GstBuffer *tokens = buffer_of(info.c, ramp(2, 2), records_of(2, 4));
        GST_BUFFER_PTS(tokens) = GST_BUFFER_PTS(frame);
        GST_BUFFER_DURATION(tokens) = GST_BUFFER_DURATION(frame);
        gst_app_src_push_buffer(GST_APP_SRC(source), tokens);
        return GST_PAD_PROBE_DROP;  // a sink would hold on to it in PAUSED
      }
      if (GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(probed)) == GST_EVENT_EOS)
        gst_app_src_end_of_stream(GST_APP_SRC(source));
      return GST_PAD_PROBE_OK;
    };
    GstPad *kept = gst_element_get_static_pad(p["k"], "src");
    gst_pad_add_probe(kept, GstPadProbeType(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM),
                      encode, in, nullptr);
    gst_object_unref(kept);
    CHECK(p.run(40));
    CHECK(p.stat("o", "frames") == 100);
    CHECK(p.stat("o", "drawn") == 100);
    CHECK(p.stat("o", "tokens-in") == p.stat("k", "frames-out"));
  }
}

TEST_CASE("tokens far ahead of the video wait for it, and a stop lets them go") {
  Overlay o;
  std::atomic<int> taken{0};
  std::thread ahead([&] {
    for (int i = 0; i < 5000; ++i)
      if (o.keep(40 * i, 40, {{0, 0}}) == GST_FLOW_OK) taken = i + 1;
  });
  const auto until = [&](int wanted) {
    for (int i = 0; i < 20000 && taken < wanted; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
  };
  until(4096);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  CHECK(taken == 4096);
  o.show(40 * 100);  // what is older than this makes room
  until(4196);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  CHECK(taken == 4196);
  gst_element_set_state(o.element(), GST_STATE_READY);
  ahead.join();
  CHECK(taken == 4196);
}
