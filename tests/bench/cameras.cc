// Several live cameras on one model beside as many with a model each: frames a second from cameras that are faster than the
// encoder, and four questions at once over the same one by one. SPDX-License-Identifier: LGPL-2.1-or-later
#include <gst/gst.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "models/installation.h"
#include "tests/bench/camera.h"
#include "tests/bench/peer.h"

namespace {

namespace fs = std::filesystem;
using vtok::bench::Camera, vtok::bench::Facts;

constexpr int kCameras = 4, kRounds = 3;

/// A live camera of 30 small pictures a second: more than any of four can have encoded on two cores.
class Video {
  GstElement *pipeline_, *encoder_;

 public:
  explicit Video(const std::string &model) {
    GError *error = nullptr;
    pipeline_ = gst_parse_launch(("videotestsrc is-live=true pattern=ball ! video/x-raw,format=RGB,width=160,height=120,framerate=30/1 ! "
                                  "vtokenc name=enc queue-size=4 drop-policy=oldest device=cpu model=\"" + model +
                                  "\" ! vtokspatial ! vtoktemporal ! fakesink async=false").c_str(), &error);
    if (error) throw std::runtime_error(error->message);
    encoder_ = gst_bin_get_by_name(GST_BIN(pipeline_), "enc");
  }
  Video(const Video &) = delete;
  ~Video() {
    gst_element_set_state(pipeline_, GST_STATE_NULL);
    gst_object_unref(encoder_);
    gst_object_unref(pipeline_);
  }
  void state(GstState state) { gst_element_set_state(pipeline_, state); }
  guint64 frames() {
    GstStructure *stats = nullptr;
    g_object_get(encoder_, "stats", &stats, nullptr);
    guint64 value = 0;
    gst_structure_get_uint64(stats, "frames-out", &value);
    gst_structure_free(stats);
    return value;
  }
};

using Videos = std::vector<std::unique_ptr<Video>>;

guint64 frames(const Videos &videos) {
  guint64 sum = 0;
  for (const auto &one : videos) sum += one->frames();
  return sum;
}

double frames_per_second(const Videos &videos) {
  for (const auto &one : videos) one->state(GST_STATE_PLAYING);
  for (const auto &one : videos)  // models load, and the first frames compile what they need
    for (const guint64 before = one->frames(); one->frames() < before + 5;) g_usleep(20000);
  const auto start = std::chrono::steady_clock::now();
  const guint64 before = frames(videos);
  g_usleep(3 * G_USEC_PER_SEC);
  const double rate = double(frames(videos) - before) / std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  for (const auto &one : videos) one->state(GST_STATE_PAUSED);
  fprintf(stderr, "%.0f frames/s\n", rate);
  return rate;
}

/// A folder with the model's files for each camera: models are shared by folder.
class Copies {
  const fs::path root_ = fs::temp_directory_path() / ("vtok-cameras-" + std::to_string(getpid()));

 public:
  std::string of(const std::string &model, int number) const {
    const fs::path to = root_ / std::to_string(number);
    fs::create_directories(to);
    for (const auto &entry : fs::directory_iterator(model))
      if (entry.is_regular_file()) fs::copy_file(entry.path(), to / entry.path().filename(), fs::copy_options::overwrite_existing);
    return to.string();
  }
  ~Copies() {
    std::error_code ignored;
    fs::remove_all(root_, ignored);
  }
};

void row(const char *name, double value) {
  printf("{\"name\": \"%s\", \"value\": %.4g, \"unit\": \"x\", \"floor\": null, \"peer\": null}\n", name, value);
  fflush(stdout);
}

void encoding() {
  const std::string tiny = vtok::shipped_model("tiny");
  const Copies copies;
  Videos together, apart;
  for (int i = 0; i < kCameras; ++i) {
    together.push_back(std::make_unique<Video>(tiny));
    apart.push_back(std::make_unique<Video>(copies.of(tiny, i)));
  }
  double shared = 0, own = 0;
  for (int round = 0; round < kRounds; ++round) {
    shared = std::max(shared, frames_per_second(together));
    own = std::max(own, frames_per_second(apart));
  }
  fprintf(stderr, "%d live cameras: %.0f frames/s on one model, %.0f with a model each\n", kCameras, shared, own);
  row("live4_together_over_apart", shared / own);
}

/// Four cameras go on while each is asked for 16 tokens.
void answering() {
  const Facts facts(vtok::bench::checkpoint());
  std::vector<std::unique_ptr<Camera>> cameras;
  for (int i = 0; i < kCameras; ++i) {
    cameras.push_back(std::make_unique<Camera>(facts, "window", 512, 4, 1, "max-new-tokens=16 temperature=0 "));
    cameras.back()->push(65);
    cameras.back()->settle();
  }
  std::atomic<bool> over{false};
  std::thread feed([&] {
    for (; !over; g_usleep(G_USEC_PER_SEC / 4))
      for (const auto &one : cameras) one->push(1);
  });
  const auto seconds = [&](bool together) {
    const auto start = std::chrono::steady_clock::now();
    for (const auto &one : cameras) {
      one->begin_ask();
      if (!together) one->answer("length");
    }
    if (together)
      for (const auto &one : cameras) one->answer("length");
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  double at_once = 1e30, in_turn = 1e30;
  for (int round = 0; round < kRounds; ++round) {
    at_once = std::min(at_once, seconds(true));
    in_turn = std::min(in_turn, seconds(false));
  }
  over = true;
  feed.join();
  fprintf(stderr, "%d live cameras asked: %.2f s at once, %.2f s one by one\n", kCameras, at_once, in_turn);
  row("live4_asked_one_by_one_over_at_once", in_turn / at_once);
}

}  // namespace

int main(int argc, char **argv) try {
  gst_init(&argc, &argv);
  encoding();
  answering();
  return 0;
} catch (const std::exception &error) {
  fprintf(stderr, "bench-cameras: %s\n", error.what());
  return 1;
}
