// Keyframe methods: what any row must keep to; noise and flicker are no change, small objects and cuts are.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/keyframe.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "models/error.h"
#include "tests/models/frames.h"
#include "tests/scc_cases.h"

using namespace vtok;

namespace {

struct Picture {
  std::vector<uint8_t> luma;
  int width, height, stride;
  Thumbnail view() const { return {luma.data(), width, height, stride}; }
};

// A room: gradients and edges, plus noise of the camera.
Picture room(int noise_seed, double deviation = 4, double brightness = 0, int width = 160, int height = 90) {
  Picture p{{}, width, height, width + 7};
  std::mt19937 random(static_cast<uint32_t>(noise_seed));
  std::normal_distribution<double> noise(0, deviation);
  for (int y = 0; y < height; y++)
    for (int x = 0; x < p.stride; x++) {
      const double level = 70 + 60. * x / width + (y > height / 2 ? 40 : 0) + (x / 20 + y / 30) % 2 * 15;
      p.luma.push_back(uint8_t(std::clamp(level + brightness + noise(random), 0., 255.)));
    }
  return p;
}

void draw(Picture &p, int left, int top, int width, int height, int contrast) {
  for (int y = top; y < top + height; y++)
    for (int x = left; x < left + width; x++) {
      uint8_t &v = p.luma[size_t(y * p.stride + x)];
      v = uint8_t(std::clamp(v + contrast, 0, 255));
    }
}

}  // namespace

TEST_CASE("every method: 1 before anything is kept and after reset, in 0..1, sizes of 1 and changing sizes") {
  for (const KeyframeMethod &method : keyframe_methods()) {
    INFO(method.name);
    CHECK(method.threshold >= 0);
    CHECK(method.threshold < 1);
    const auto m = method.make();
    const Picture usual = room(1), dot = room(1, 4, 0, 1, 1), line = room(1, 4, 0, 300, 1),
                  other = room(2, 90);
    CHECK(m->change(usual.view()) == 1);
    m->keep(usual.view());
    for (const Picture *p : {&other, &dot, &line, &usual}) {
      const double change = m->change(p->view());
      CHECK(change >= 0);
      CHECK(change <= 1);
      m->keep(p->view());
    }
    CHECK(m->change(usual.view()) == (std::string(method.name) == "interval" ? 1 : 0));
    m->reset();
    CHECK(m->change(usual.view()) == 1);
  }
}

TEST_CASE(
    "difference: noise, flicker and slow drift of the light are no change; an object of 5 % is, wherever it "
    "is") {
  const auto &row = test::method(keyframe_methods(), "difference");
  const auto m = row.make();
  m->keep(room(0).view());
  for (int i = 1; i < 30; i++) CHECK(m->change(room(i, 4, i % 7 - 3).view()) < row.threshold);
  for (int i = 1; i < 10; i++) CHECK(m->change(room(i, 8).view()) < row.threshold);
  for (int left = 0; left + 36 <= 160; left += 31)
    for (int top = 0; top + 20 <= 90; top += 23)
      for (int contrast : {40, -40}) {
        Picture p = room(left);
        draw(p, left, top, 36, 20, contrast);  // 5 % of the picture
        INFO(left << ", " << top);
        CHECK(m->change(p.view()) > row.threshold);
      }
}

TEST_CASE("difference: the last kept frame counts, not the last seen") {
  const auto m = test::method(keyframe_methods(), "difference").make();
  m->keep(room(0, 0).view());
  double before = 0;
  for (int step = 1; step <= 8; step++) {
    const double change = m->change(room(0, 0, step * 5).view());
    CHECK(change > before);
    before = change;
  }
  m->keep(room(0, 0, 40).view());
  CHECK(m->change(room(0, 0, 40).view()) == 0);
}

TEST_CASE("scene: movement and flicker are no cut, another scene is, until a frame is kept") {
  const auto &row = test::method(keyframe_methods(), "scene");
  CHECK(row.opens_groups);
  const auto m = row.make();
  m->keep(room(0).view());
  for (int i = 1; i < 20; i++) {
    Picture p = room(i, 4, i % 5);
    draw(p, i * 5, 30, 40, 40, 60);
    CHECK(m->change(p.view()) < row.threshold);
  }
  Picture night = room(0, 4, -60);
  CHECK(m->change(night.view()) > row.threshold);
  CHECK(m->change(night.view()) > row.threshold);
  m->keep(night.view());
  CHECK(m->change(room(1, 4, -60).view()) < row.threshold);
}

TEST_CASE("interval: every frame") {
  const auto m = test::method(keyframe_methods(), "interval").make();
  for (int i = 0; i < 3; i++) {
    CHECK(m->change(room(0).view()) == 1);
    m->keep(room(0).view());
  }
}

TEST_CASE("every method for tokens: 1 before anything is kept, after reset and for other shapes, in 0..1, no frame kept alive") {
  for (const KeyframeMethod &method : keyframe_methods()) {
    if (!method.make_for_tokens) continue;
    INFO(method.name);
    CHECK(method.token_threshold >= 0);
    CHECK(method.token_threshold < 1);
    const auto m = method.make_for_tokens();
    Tokens usual = test::frame({1, 0, 0, 1, 1, 1}, 2), moved = usual;
    const std::weak_ptr<const void> numbers = usual.data;
    moved.records[2].column = 9;
    CHECK(m->change(usual) == 1);
    m->keep(usual);
    for (const Tokens &other : {test::frame({1, 0}, 2), test::frame({1, 0, 0, 1, 1, 1}, 3), moved}) CHECK(m->change(other) == 1);
    CHECK(m->change(usual) == (method.looks ? 0 : 1));
    CHECK(m->change(test::frame({2, 0, 0, 3, -1, -1}, 2)) == 1);
    m->reset();
    CHECK(m->change(usual) == 1);
    m->keep(usual);
    usual = moved = {};
    CHECK(numbers.expired());
  }
}

TEST_CASE("difference of tokens: 1 minus the least cosine to the token in its place, by hand") {
  const auto m = test::method(keyframe_methods(), "difference").make_for_tokens();
  m->keep(test::frame({3, 0, 0, 0, 2, 0}, 3));
  CHECK(m->change(test::frame({9, 0, 0, 0, 1, 0}, 3)) == Approx(0).margin(1e-7));
  CHECK(m->change(test::frame({4, 3, 0, 0, 1, 0}, 3)) == Approx(.2));             // 4 / 5
  CHECK(m->change(test::frame({4, 3, 0, 0, 1, 1}, 3)) == Approx(1 - std::sqrt(.5)));
  CHECK(m->change(test::frame({-1, 0, 0, 0, 1, 0}, 3)) == 1);
  CHECK(m->change(test::frame({0, 0, 0, 0, 1, 0}, 3)) == 1);  // no direction at all
  CHECK_THROWS_AS(m->change(test::frame({NAN, 0, 0, 0, 1, 0}, 3)), BadTokens);
  CHECK(m->change(test::frame({4, 3, 0, 0, 1, 0}, 3)) == Approx(.2));
}

TEST_CASE("difference of tokens: numbers from NumPy in double precision, in every number type; the last kept frame counts") {
  // The reference case smooth_8x196x128: max over tokens of 1 - cos to frame 0, and to the frame before.
  constexpr double kToFirst[] = {0.232879, 0.469949, 0.770795, 0.999542, 1, 1, 1};
  constexpr double kToLast[] = {0.232879, 0.234846, 0.352839, 0.195642, 0.228658, 0.241095, 0.205319};
  const auto cases = test::scc_cases();
  const auto found = std::find_if(cases.begin(), cases.end(), [](const auto &c) { return c.name == "smooth_8x196x128"; });
  REQUIRE(found != cases.end());
  for (const Type type : {Type::kFloat32, Type::kBfloat16, Type::kInt8}) {
    const double margin = type == Type::kFloat32 ? 1e-6 : 0.02;
    const auto to_first = test::method(keyframe_methods(), "difference").make_for_tokens(),
               to_last = test::method(keyframe_methods(), "difference").make_for_tokens();
    for (int f = 0; f < found->frames; f++) {
      const Tokens frame = from_float32(test::frame(found->frame(f), found->n, found->d), type);
      if (f > 0) {
        CHECK(to_first->change(frame) == Approx(kToFirst[f - 1]).margin(margin));
        CHECK(to_last->change(frame) == Approx(kToLast[f - 1]).margin(margin));
      }
      if (f == 0) to_first->keep(frame);
      to_last->keep(frame);
    }
  }
}

TEST_CASE("difference of tokens of several levels: the first counts") {
  const auto m = test::method(keyframe_methods(), "difference").make_for_tokens();
  Tokens kept = test::frame({1, 0, 5, 0}, 4), now = test::frame({1, 0, 0, 5}, 4);
  kept.levels = now.levels = 2;
  m->keep(kept);
  CHECK(m->change(now) == Approx(0).margin(1e-7));
}
