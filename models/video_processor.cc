// How a frame becomes pixel values, as a checkpoint's processor files say it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <cmath>

#include "models/config.h"
#include "models/section.h"

namespace vtok {
namespace {

using nlohmann::json;

/// {"height": h, "width": w}, or one number for both.
void read_sides(const Section &file, const char *key, VideoProcessor &config) {
  if (file.at(key).is_number()) {
    config.height = config.width = file.whole(key, 0, 1, 8192);
    return;
  }
  const Section size = file.section(key);
  for (const char *side : {"height", "width"})
    if (size.at(side).is_null()) file.refuse(key, "height and width");
  config.height = size.whole("height", 0, 1, 8192);
  config.width = size.whole("width", 0, 1, 8192);
}

void read_size(const Section &file, VideoProcessor &config) {
  const json &size = file.at("size"), &sampling = file.at("video_sampling");
  const auto edge = [](const Section &of, const char *name) { return of.whole(name, 0, 1, 8192); };
  if (size.is_object() && size.contains("shortest_edge") && !size.contains("longest_edge")) {
    config.shortest = edge(file.section("size"), "shortest_edge");
    file.only("do_center_crop", true);
    read_sides(file, "crop_size", config);
    if (std::max(config.width, config.height) > config.shortest)
      file.refuse("crop_size", "at most size.shortest_edge " + std::to_string(config.shortest));
    return;
  }
  const bool twice = !file.at("max_image_size").is_null();
  if (!twice) {
    file.only("do_center_crop", false);
    if (!size.is_null()) read_sides(file, "size", config);
    return;
  }
  // HF takes what video_sampling says over the size beside it.
  const Section sampled = file.section("video_sampling"), side = file.section("max_image_size");
  config.longest = sampling.is_null() ? edge(file.section("size"), "longest_edge")
                                      : edge(sampled.section("video_size"), "longest_edge");
  config.width = config.height = edge(side, "longest_edge");
}

}  // namespace

VideoProcessor read_video(const Section &file) {
  VideoProcessor config;
  file.only("do_resize", true);
  switch (file.whole("resample", config.filter, 0, 5)) {
    case 1:
      config.filter = VideoProcessor::kLanczos;
      break;
    case 2:
      config.filter = VideoProcessor::kBilinear;
      break;
    case 3:
      config.filter = VideoProcessor::kBicubic;
      break;
    default:
      file.refuse("resample", "1 (Lanczos), 2 (bilinear) or 3 (bicubic)");
  }
  read_size(file, config);
  read_normalization(file, config);
  return config;
}

void read_normalization(const Section &file, VideoProcessor &config) {
  config.rescale = file.truth("do_rescale", true) ? file.number("rescale_factor", config.rescale) : 1;
  const bool normalize = file.truth("do_normalize", true);
  const auto channels = [&](const char *key, double(&out)[3], double off, bool above_zero) {
    const json &value = file.at(key);
    if (!normalize) {
      for (double &x : out) x = off;
    } else if (!value.is_null()) {
      if (!value.is_array() || value.size() != 3) file.refuse(key, "three numbers");
      for (size_t i = 0; i < 3; ++i) {
        if (!value[i].is_number() || !std::isfinite(value[i].get<double>()) || (above_zero && value[i] <= 0))
          file.refuse(key, above_zero ? "three numbers above 0" : "three numbers");
        out[i] = value[i].get<double>();
      }
    }
  };
  channels("image_mean", config.mean, 0, false);
  channels("image_std", config.std, 1, true);
}

}  // namespace vtok
