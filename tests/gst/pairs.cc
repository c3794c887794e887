// Models that see two frames as one: pairs within groups, sizes of any frame, Hugging Face's answer through the elements.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <nlohmann/json.hpp>

#include "gst/bridge.h"
#include "tests/gst/pipeline.h"
#include "tests/npy.h"

namespace {

std::string model(const std::string &name) {
  return " device=cpu dtype=float32 model=" VTOK_GOLDEN "/" + name + "/checkpoint ";
}

struct Step {
  GstClockTime pts, duration;
  bool starts;
  GstVtokCounts counts;
};

/// What comes to the element named llm.
void watch(Pipeline &p, std::vector<Step> &to) {
  GstPad *pad = gst_element_get_static_pad(p["llm"], "sink");
  gst_pad_add_probe(
      pad, GST_PAD_PROBE_TYPE_BUFFER,
      [](GstPad *, GstPadProbeInfo *info, gpointer steps) {
        GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER(info);
        Step step{GST_BUFFER_PTS(buffer), GST_BUFFER_DURATION(buffer), !GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT),
                  {}};
        gst_vtok_buffer_get_counts(buffer, &step.counts);
        static_cast<std::vector<Step> *>(steps)->push_back(step);
        return GST_PAD_PROBE_OK;
      },
      &to, nullptr);
  gst_object_unref(pad);
}

}  // namespace

TEST_CASE("frames in, Hugging Face's answer out") {
  for (const std::string name : {"qwen2_5_vl/case-a", "qwen2_5_vl/case-b", "qwen2_vl-odd/case-b", "qwen3_vl/case-b"}) {
    INFO(name);
    const std::string folder = VTOK_GOLDEN "/" + name, family = model(name.substr(0, name.find('/')));
    const auto facts = nlohmann::json::parse(vtok::test::read_bytes(folder + "/case.json"));
    const int width = facts["width"], height = facts["height"], count = facts["count"], fps = facts["fps"];
    const auto grid = facts["video_grid_thw"].get<std::vector<guint>>();
    std::vector<Step> steps;
    Pipeline p("appsrc name=in format=time caps=video/x-raw,format=RGB,framerate=" + std::to_string(fps) +
               "/1,width=" + std::to_string(width) + ",height=" + std::to_string(height) + " ! vtokenc" + family +
               "! vtokllmsink name=llm" + family + "timestamps=false max-new-tokens=32");
    watch(p, steps);
    g_object_set(p["llm"], "question", facts["question"].get<std::string>().c_str(), nullptr);
    p.state(GST_STATE_PLAYING);
    const std::string frames = vtok::test::read_bytes(folder + "/frames.rgb");
    const size_t row = size_t(width) * 3, stride = GST_ROUND_UP_4(row);
    const auto time = [&](int i) { return gst_util_uint64_scale(guint64(i), GST_SECOND, guint64(fps)); };
    for (int i = 0; i < count; ++i) {
      GstBuffer *buffer = gst_buffer_new_allocate(nullptr, stride * size_t(height), nullptr);
      for (int y = 0; y < height; ++y)
        gst_buffer_fill(buffer, size_t(y) * stride, frames.data() + (size_t(i) * height + y) * row, row);
      GST_BUFFER_PTS(buffer) = time(i);
      GST_BUFFER_DURATION(buffer) = time(i + 1) - time(i);
      REQUIRE(gst_app_src_push_buffer(GST_APP_SRC(p["in"]), buffer) == GST_FLOW_OK);
    }
    gst_app_src_end_of_stream(GST_APP_SRC(p["in"]));
    REQUIRE(p.until([&] { return p.eos || !p.errors.empty(); }));
    CHECK(p.errors == std::vector<std::string>());
    CHECK(p.warnings == std::vector<std::string>());
    REQUIRE(p.answers.size() == 1);
    CHECK(p.answers[0].text == facts["text"].get<std::string>());
    CHECK(p.answers[0].to == time(count));
    REQUIRE(steps.size() == grid[0]);
    for (guint i = 0; i < grid[0]; ++i) {
      CHECK(steps[i].pts == time(int(2 * i)));
      CHECK(steps[i].pts + steps[i].duration == time(std::min(int(2 * i) + 2, count)));
      CHECK(steps[i].counts.grid_height == grid[1] / 2);
      CHECK(steps[i].counts.grid_width == grid[2] / 2);
      CHECK(steps[i].counts.n == grid[1] * grid[2] / 4);
      CHECK(steps[i].counts.frames == (int(2 * i) + 1 < count ? 2 : 1));
      CHECK(steps[i].starts == (i == 0));
    }
  }
}

TEST_CASE("a pair never reaches over the start of a group, or over a change of size") {
  std::vector<Step> steps;
  Pipeline p("videotestsrc num-buffers=7 ! video/x-raw,width=60,height=48,framerate=10/1 ! "
             "vtokkeyframe method=interval max-interval=300000000 ! vtokenc name=enc" +
             model("qwen2_5_vl") + "! fakesink name=llm");
  watch(p, steps);
  REQUIRE(p.run());
  std::vector<std::vector<GstClockTime>> found;
  for (const Step &s : steps)
    found.push_back({s.pts / GST_MSECOND, s.duration / GST_MSECOND, s.counts.frames, s.starts, s.counts.group});
  CHECK(found == std::vector<std::vector<GstClockTime>>{{0, 200, 2, 1, 0},
                                                        {200, 100, 1, 0, 0},
                                                        {300, 200, 2, 1, 1},
                                                        {500, 100, 1, 0, 1},
                                                        {600, 100, 1, 1, 2}});
}

TEST_CASE("what cannot be: a frame too long for the model, places of a model that has none") {
  Pipeline p("videotestsrc num-buffers=2 ! video/x-raw,width=2100,height=10 ! vtokenc" + model("qwen2_vl") + "! fakesink");
  p.state(GST_STATE_PLAYING);
  REQUIRE(p.until([&] { return p.eos || !p.errors.empty(); }));
  REQUIRE(p.errors.size() == 1);
  CHECK_THAT(p.errors[0], Catch::Contains("a frame of 2100x10 is too long for the model: expected sides of which one is at most "
                                          "200 times the other"));
  Pipeline other("fakesrc num-buffers=0 ! vtokllmsink positions=original" + model("llava-onevision"));
  CHECK(other.state(GST_STATE_PAUSED) == GST_STATE_CHANGE_FAILURE);
  other.poll();
  REQUIRE(other.errors.size() == 1);
  CHECK_THAT(other.errors[0], Catch::Contains("positions=original asks for times and places of tokens, which a llava_onevision "
                                              "does not tell apart: expected auto or compact"));
}
