// Qwen2-VL, Qwen2.5-VL and Qwen3-VL against Hugging Face's: pixels, tower, tokens, prompt, positions, answers.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <catch2/catch.hpp>

#include "models/encoders/qwen_vl.h"
#include "models/llms/torch.h"
#include "tests/models/golden.h"

using namespace vtok;
using test::worst;

namespace {

constexpr test::Case kCases[] = {
    {"qwen2_5_vl", "qwen2_5_vl/case-a"},         {"qwen2_5_vl", "qwen2_5_vl/case-b"},
    {"qwen2_5_vl-odd", "qwen2_5_vl-odd/case-a"}, {"qwen2_5_vl-odd", "qwen2_5_vl-odd/case-b"},
    {"qwen2_vl", "qwen2_vl/case-a"},             {"qwen2_vl", "qwen2_vl/case-b"},
    {"qwen2_vl-odd", "qwen2_vl-odd/case-a"},     {"qwen2_vl-odd", "qwen2_vl-odd/case-b"},
    {"qwen3_vl", "qwen3_vl/case-a"},             {"qwen3_vl", "qwen3_vl/case-b"},
    {"qwen3_vl-odd", "qwen3_vl-odd/case-a"},     {"qwen3_vl-odd", "qwen3_vl-odd/case-b"}};

bool has_levels(const test::Case &c) { return std::string(c.checkpoint).starts_with("qwen3_vl"); }

/// [steps, tokens, levels * hidden].
at::Tensor reference_tokens(const test::Case &c) {
  std::vector<at::Tensor> levels = {c.array("tokens")};
  if (has_levels(c))
    for (const at::Tensor &level : c.array("deepstack").unbind(0)) levels.push_back(level);
  return at::cat(levels, 2);
}

/// Steps of frame pairs as one closed group, each a part that begins when its first frame does.
GroupPtr group_of(const test::Case &c, std::vector<Tokens> steps, uint64_t id = 1) {
  auto group = std::make_shared<Group>();
  group->id = id;
  group->closed = true;
  const double frame = 1e9 / c.facts()["fps"].get<double>();
  for (size_t i = 0; i < steps.size(); ++i) {
    group->starts.push_back(int64_t(2 * frame * double(i)));
    // Qwen3-VL is told the mean of the pair's times.
    const bool pair = 2 * i + 1 < c.facts()["count"].get<size_t>();
    for (Record &record : steps[i].records) record.time = has_levels(c) && pair ? int64_t(frame / 2) : 0;
  }
  group->to = group->starts.back() + 1'000'000'000;
  group->parts = std::move(steps);
  return group;
}

/// The reference's own tokens.
GroupPtr group_of_steps(const test::Case &c, uint64_t id = 1) {
  const auto grid = c.facts()["video_grid_thw"].get<std::vector<int>>();
  const at::Tensor all = reference_tokens(c);
  std::vector<Tokens> steps;
  for (int64_t t = 0; t < all.size(0); ++t) {
    auto numbers = std::make_shared<at::Tensor>(all[t].contiguous());
    Tokens step{Type::kFloat32, int(numbers->size(0)), int(numbers->size(1)),
                std::shared_ptr<const void>(numbers, numbers->data_ptr()), {}};
    if (has_levels(c)) step.levels = int(1 + c.array("deepstack").size(0));
    for (int i = 0; i < step.n; ++i)
      step.records.push_back({.row = uint16_t(i / (grid[2] / 2)), .column = uint16_t(i % (grid[2] / 2))});
    steps.push_back(std::move(step));
  }
  return group_of(c, std::move(steps), id);
}

/// [3, rows], as the reference keeps them.
at::Tensor as_tensor(const std::vector<Position> &positions) {
  std::vector<int> flat;
  for (const Position &p : positions) flat.insert(flat.end(), {p.time, p.row, p.column});
  return at::tensor(flat, at::kInt).view({-1, 3}).t().contiguous();
}

}  // namespace

TEST_CASE("float32: every stage is the reference's") {
  for (const test::Case &c : kCases) {
    CAPTURE(c.folder);
    const auto checkpoint = c.open();
    QwenVl encoder(checkpoint, {}, {});
    std::string bytes;
    QwenVl::Stages stages;
    const std::vector<Picture> pictures = test::pictures(c, bytes);
    const std::vector<Tokens> steps = encoder.encode(pictures, &stages);
    CHECK(worst(stages.pixels, c.array("pixel_values")) <= 1e-6);
    CHECK(worst(stages.tower.vision, c.array("vision")) < 1e-4);
    CHECK(worst(stages.tower.projector, c.array("projector")) < 1e-4);
    CHECK(worst(stages.tokens, reference_tokens(c)) < 1e-4);
    CHECK(worst(test::stacked(steps), reference_tokens(c)) < 1e-4);

    const EncoderInfo info = describe_encoder(*checkpoint);
    const Grid grid = info.grid_of(pictures[0].width, pictures[0].height);
    const auto thw = c.facts()["video_grid_thw"].get<std::vector<int>>();
    CHECK(info.frames == 2);
    CHECK(steps.size() == size_t(thw[0]));
    CHECK(grid.height == thw[1] / 2);
    CHECK(grid.width == thw[2] / 2);
    CHECK(steps[0].n == grid.width * grid.height);
    const GroupPtr reference = group_of_steps(c), made = group_of(c, steps);
    CHECK((made->parts[0].records == reference->parts[0].records));
    CHECK(steps[0].levels == reference->parts[0].levels);
    CHECK(info.levels == steps[0].levels);
    CHECK(info.hidden_size * info.levels == steps[0].dim);
  }
}

TEST_CASE("pairs of several sizes are encoded each as if alone") {
  const test::Case &one = kCases[0], &other = kCases[1];
  QwenVl encoder(one.open(), {}, {});
  std::string bytes, more;
  std::vector<Picture> pictures = test::pictures(one, bytes);
  const size_t first = pictures.size();
  for (const Picture &picture : test::pictures(other, more)) pictures.push_back(picture);
  const std::vector<Tokens> steps = encoder.encode(pictures);
  const size_t pairs = first / 2;
  CHECK(worst(test::stacked({steps.begin(), steps.begin() + int64_t(pairs)}), one.array("tokens")) < 1e-4);
  CHECK(worst(test::stacked({steps.begin() + int64_t(pairs), steps.end()}), other.array("tokens")) < 1e-4);
}

TEST_CASE("prompt, positions, logits and greedy answer are the reference's") {
  for (const test::Case &c : kCases) {
    CAPTURE(c.folder);
    const auto checkpoint = c.open();
    check_llm(*checkpoint);
    TorchLlm llm(checkpoint, {}, {});
    const LanguageInfo info = family_of(*checkpoint).language(*checkpoint);
    const Request r = test::request(c, {group_of_steps(c)});
    const std::vector<Segment> segments = build_prompt(*checkpoint, r);
    std::vector<int> ids;
    for (const Segment &s : segments) {
      ids.insert(ids.end(), s.ids.begin(), s.ids.end());
      if (s.kind != Segment::kText) ids.insert(ids.end(), size_t(s.size()), info.visual_token);
    }
    CHECK(ids == c.ids("input_ids"));
    CHECK(as_tensor(positions_of(segments, info.positions)).equal(c.array("position_ids")));
    const PromptRows rows = PromptRows::of(segments, info.positions);
    CHECK(rows.position_after(0) - int64_t(rows.size()) == c.facts()["rope_delta"].get<int>());
    CHECK(worst(llm.score(segments, {})[0], c.array("logits")) < 2e-4);
    const Answer answer = llm.ask(r, nullptr);
    CHECK(answer.text == c.facts()["text"].get<std::string>());
    CHECK(llm.answered() == c.ids("generated"));
    CHECK(answer.visual_tokens == r.groups[0]->tokens());
  }
}

TEST_CASE("from pictures to the answer") {
  for (const test::Case &c : kCases) {
    CAPTURE(c.folder);
    const auto checkpoint = c.open();
    std::string bytes;
    QwenVl encoder(checkpoint, {}, {});
    TorchLlm llm(checkpoint, {}, {});
    llm.ask(test::request(c, {group_of(c, encoder.encode(test::pictures(c, bytes)))}), nullptr);
    CHECK(llm.answered() == c.ids("generated"));
  }
}

TEST_CASE("16 bits choose the reference's ids in at least 95 of 100 steps") {
  const Type type = GENERATE(Type::kBfloat16, Type::kFloat16);
  CAPTURE(type_name(type));
  int steps = 0, same = 0;
  for (const test::Case &c : kCases) {
    CAPTURE(c.folder);
    const auto checkpoint = c.open();
    std::string bytes;
    QwenVl encoder(checkpoint, {.type = type}, {});
    TorchLlm llm(checkpoint, {.type = type}, {});
    const GroupPtr group = group_of(c, encoder.encode(test::pictures(c, bytes)));
    REQUIRE(group->parts[0].type == type);
    const std::vector<int> ids = c.ids("generated");
    const at::Tensor logits = llm.score(build_prompt(*checkpoint, test::request(c, {group})), ids);
    for (size_t i = 0; i < ids.size(); ++i, ++steps) same += logits[int64_t(i)].argmax().item<int>() == ids[i];
  }
  CAPTURE(same, steps);
  CHECK(same >= 0.95 * steps);
  CHECK(steps == 384);
}

TEST_CASE("what was read ahead is gone on from, and answers as a fresh prefill does") {
  for (const auto &[index, timestamps] : {std::pair{1, false}, {1, true}, {9, false}, {9, true}}) {
    const test::Case &c = kCases[index];
    const auto checkpoint = c.open();
    CAPTURE(c.folder, timestamps);
    TorchLlm fresh(checkpoint, {}, {}), used(checkpoint, {}, {});
    auto later = std::make_shared<Group>(*group_of_steps(c, 2));
    for (int64_t *time : {&later->from, &later->to, &later->starts[0], &later->starts[1], &later->starts[2]})
      *time += 5'000'000'000;
    Request r = test::request(c, {group_of_steps(c, 1), later});
    r.timestamps = timestamps;
    used.read_ahead(&c, {.system_prompt = "", .timestamps = timestamps, .beginnings = {{r.groups[0]}}});
    used.settle();
    const int64_t ahead = used.rows_read();
    CHECK(ahead > r.groups[0]->tokens());
    const Answer expected = fresh.ask(r, nullptr), answer = used.ask(r, nullptr);
    CHECK(used.answered() == fresh.answered());
    CHECK(used.rows_read() == fresh.rows_read());
    r.question = "Why?";
    const int64_t before = used.rows_read();
    TorchLlm alone(checkpoint, {}, {});
    CHECK(used.ask(r, nullptr).text == alone.ask(r, nullptr).text);
    CHECK(used.answered() == alone.answered());
    CHECK(used.rows_read() - before < alone.rows_read() / 2);
    r.compact = true;  // other positions: nothing that was read fits
    const int64_t again = used.rows_read();
    used.ask(r, nullptr);
    CHECK(used.rows_read() - again > 2 * r.groups[0]->tokens());
  }
}
