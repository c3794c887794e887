// Many cameras on one model: frames/s of eight streams together over those of one, the same frames in all.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gst/gst.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

constexpr int kStreams = 8, kFrames = 640, kRounds = 4;  // kFrames: of all streams together

class Stream {
  GstElement *pipeline_;

 public:
  explicit Stream(int frames) {
    GError *error = nullptr;
    pipeline_ = gst_parse_launch(("videotestsrc pattern=ball num-buffers=" + std::to_string(frames) +
                                  " ! video/x-raw,format=RGB,width=320,height=240 ! vtokkeyframe "
                                  "method=interval max-interval=1000000000 ! "
                                  "vtokenc model=tiny ! vtokspatial ! vtoktemporal ! fakesink sync=false")
                                     .c_str(),
                                 &error);
    if (error) throw std::runtime_error(error->message);
  }
  Stream(const Stream &) = delete;
  ~Stream() {
    gst_element_set_state(pipeline_, GST_STATE_NULL);
    gst_object_unref(pipeline_);
  }
  /// Until its first frame has come through, and so the model is there.
  void preroll() {
    gst_element_set_state(pipeline_, GST_STATE_PAUSED);
    if (gst_element_get_state(pipeline_, nullptr, nullptr, 120 * GST_SECOND) != GST_STATE_CHANGE_SUCCESS)
      throw std::runtime_error("a stream does not start");
  }
  void play() { gst_element_set_state(pipeline_, GST_STATE_PLAYING); }
  void end() {
    GstBus *bus = gst_element_get_bus(pipeline_);
    GstMessage *message = gst_bus_timed_pop_filtered(bus, 300 * GST_SECOND,
                                                     GstMessageType(GST_MESSAGE_EOS | GST_MESSAGE_ERROR));
    const bool eos = message && GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS;
    if (message) gst_message_unref(message);
    gst_object_unref(bus);
    if (!eos) throw std::runtime_error("a stream failed or did not end in five minutes");
  }
};

double frames_per_second(int streams) {
  std::vector<std::unique_ptr<Stream>> all;
  for (int i = 0; i < streams; ++i) all.push_back(std::make_unique<Stream>(kFrames / streams));
  const auto start = std::chrono::steady_clock::now();
  for (const auto &one : all) one->play();
  for (const auto &one : all) one->end();
  return kFrames / std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

int main(int argc, char **argv) try {
  gst_init(&argc, &argv);
  Stream holder(100000);  // keeps the model, which streams share, from the first to the last
  holder.preroll();
  double one = 0, many = 0;
  for (int round = 0; round < kRounds; ++round) {
    one = std::max(one, frames_per_second(1));
    many = std::max(many, frames_per_second(kStreams));
  }
  fprintf(stderr, "one stream %.0f frames/s, %d streams %.0f frames/s together\n", one, kStreams, many);
  printf(
      "{\"name\": \"streams8_over_1\", \"value\": %.4g, \"unit\": \"x\", \"floor\": null, \"peer\": null}\n",
      many / one);
  return 0;
} catch (const std::exception &error) {
  fprintf(stderr, "bench-streams: %s\n", error.what());
  return 1;
}
