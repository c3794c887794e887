// The language model against Hugging Face's: logits, greedy answers, what is reused between questions.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <c10/core/CPUAllocator.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <climits>
#include <cmath>
#include <set>
#include <stdexcept>
#include <thread>

#include "kernels/device.h"
#include "models/encoders/frames.h"
#include "models/llms/torch.h"
#include "tests/models/golden.h"

using namespace vtok;
using test::kCases, test::reference_group, test::request, test::worst;

namespace {

std::string ask(TorchLlm &llm, const Request &r) { return llm.ask(r, nullptr).text; }

/// LibTorch's memory on the CPU, which runs out when `left` more pieces of it are taken.
class RunningOut final : public c10::Allocator {
  c10::Allocator *const real_ = c10::GetCPUAllocator();

 public:
  std::atomic<int> left{INT_MAX};
  RunningOut() { c10::SetCPUAllocator(this, 255); }
  ~RunningOut() override { c10::SetCPUAllocator(real_, 255); }
  c10::DataPtr allocate(size_t bytes) override {
    TORCH_CHECK_WITH(OutOfMemoryError, left == INT_MAX || left-- > 0, "not enough memory: you tried to allocate ", bytes, " bytes");
    return real_->allocate(bytes);
  }
  c10::DeleterFnPtr raw_deleter() const override { return real_->raw_deleter(); }
  void copy_data(void *to, const void *from, size_t bytes) const override { real_->copy_data(to, from, bytes); }
};

}  // namespace

TEST_CASE("prompt, logits and greedy answer are the reference's") {
  for (const test::Case &c : kCases) {
    CAPTURE(c.checkpoint, c.folder);
    const auto checkpoint = c.open();
    TorchLlm llm(checkpoint, {}, {});
    const Request r = request(c, {reference_group(c)});
    const std::vector<Segment> segments = build_prompt(*checkpoint, r);

    const std::vector<int> ids = test::ids_of(segments, family_of(*checkpoint).language(*checkpoint).visual_token);
    CHECK(ids == c.ids("input_ids"));
    CHECK(worst(llm.score(segments, {})[0], c.array("logits")) < 2e-4);

    std::string streamed;
    const Answer answer = llm.ask(r, [&](const std::string &piece) { streamed += piece; });
    CHECK(answer.text == c.facts()["text"].get<std::string>());
    CHECK(streamed == answer.text);
    CHECK(answer.finish_reason == "length");
    CHECK(answer.new_tokens == 32);
    CHECK(answer.prompt_tokens == int(ids.size()));
    CHECK(answer.visual_tokens == r.groups[0]->tokens());
    CHECK(answer.to == r.groups[0]->to);
    CHECK(llm.answered() == c.ids("generated"));
  }
}

TEST_CASE("from pictures to the answer") {
  for (const test::Case &c : kCases) {
    CAPTURE(c.checkpoint, c.folder);
    const auto checkpoint = c.open();
    std::string bytes;
    auto group = std::make_shared<Group>();
    group->parts = FrameEncoder(checkpoint, {}, {}).encode(test::pictures(c, bytes));
    TorchLlm llm(checkpoint, {}, {});
    CHECK(llm.ask(request(c, {group}), nullptr).text == c.facts()["text"].get<std::string>());
    CHECK(llm.answered() == c.ids("generated"));
  }
}

TEST_CASE("bfloat16 and float16 choose the reference's ids where the reference is sure") {
  const Type type = GENERATE(Type::kBfloat16, Type::kFloat16);
  for (const test::Case &c : kCases) {
    CAPTURE(c.checkpoint, c.folder, type_name(type));
    const auto checkpoint = c.open();
    TorchLlm llm(checkpoint, {.type = type}, {});
    Request r = request(c, {reference_group(c)});
    std::vector<int> ids = c.ids("generated");
    const at::Tensor logits = llm.score(build_prompt(*checkpoint, r), ids);
    CHECK(worst(logits[0], c.array("logits")) < 0.5);
    CHECK(worst(logits[0], c.array("logits")) > 2e-4);  // or it was float32 that ran
    if (checkpoint->generation.contains("repetition_penalty"))
      continue;  // its ids are not the logits' own choice
    const nlohmann::json gaps = c.facts()["gaps"];
    int sure = 0, same = 0;
    for (size_t i = 0; i < ids.size(); ++i) {
      if (gaps[i].get<double>() < 0.3) continue;
      ++sure;
      same += logits[int64_t(i)].argmax().item<int>() == ids[i];
    }
    CHECK(sure >= 15);
    CHECK(same == sure);
  }
}

TEST_CASE("rows are read in a few numbers, which leave few places unused") {
  std::set<int64_t> numbers;
  for (int64_t n = 1; n <= 512; ++n) {
    CAPTURE(n);
    const int64_t places = compiled_rows(n), whole = fitting_rows(n);
    numbers.insert(places);
    CHECK(places >= n);
    CHECK(places - n < std::max<int64_t>(16, n / 2 + 1));
    CHECK(whole <= n);
    CHECK(compiled_rows(whole) == whole);
    CHECK(compiled_rows(places) == places);
  }
  CHECK(numbers.size() == 12);
}

TEST_CASE("a second question reads only what is new, and answers as if it were the first") {
  const test::Case &c = kCases[1];
  const auto checkpoint = c.open();
  const GroupPtr first = reference_group(c, 1), second = reference_group(c, 2);
  Request r = request(c, {first});
  r.timestamps = true;
  Request other = r;
  other.question = "Why?";
  other.groups.push_back(second);

  TorchLlm fresh(checkpoint, {}, {}), used(checkpoint, {}, {});
  const std::string expected = ask(fresh, other);
  ask(used, r);
  const int64_t before = used.rows_read();
  CHECK(ask(used, other) == expected);
  CHECK(used.rows_read() - before <= fresh.rows_read() - first->tokens());
  const int64_t again = used.rows_read();
  CHECK(ask(used, other) == expected);
  CHECK(used.rows_read() - again == 1);         // the last row, for its logits
  const GroupPtr twin = reference_group(c, 1);  // equal numbers, but another group
  other.groups[0] = twin;
  CHECK(ask(used, other) == expected);
  CHECK(used.rows_read() - again > first->tokens());
}

TEST_CASE("closed groups are read ahead of the question, and shared by questions that go on from them") {
  const test::Case &c = kCases[1];
  TorchLlm llm(c.open(), {}, {});
  Request r = request(c, {reference_group(c, 1), reference_group(c, 2)});
  const GroupPtr closed = r.groups[0];
  auto open = std::make_shared<Group>(*r.groups[1]);
  open->closed = false;
  r.groups[1] = open;
  const Ahead ahead{.system_prompt = "", .timestamps = false, .beginnings = {{closed}}};
  llm.read_ahead(&c, ahead);
  llm.settle();
  const int64_t read = llm.rows_read();
  CHECK(read >= closed->tokens());
  CHECK(read < closed->tokens() + open->tokens());
  CHECK(llm.reading(&c).first == read);
  CHECK(llm.reading(&c).first_wanted == read);
  llm.read_ahead(&c, ahead);
  llm.settle();
  CHECK(llm.rows_read() == read);
  const Answer answer = llm.ask(r, nullptr);
  CHECK(llm.rows_read() == answer.prompt_tokens);
  // The next group is read behind the first; the question before it left nothing in its place.
  const GroupPtr second = reference_group(c, 3);
  llm.read_ahead(&c, {.system_prompt = "", .timestamps = false, .beginnings = {{closed, second}}});
  llm.settle();
  CHECK(llm.rows_read() == answer.prompt_tokens + second->tokens());
  llm.read_ahead(&c, {});
  llm.settle();
  CHECK(llm.reading(&c).all_wanted == 0);
}

TEST_CASE("under every memory policy the logits are a fresh reading's of what is remembered, though most of it was read ahead") {
  const test::Case &c = kCases[1];
  const auto checkpoint = c.open();
  for (const MemoryPolicy &policy : memory_policies()) {
    INFO(policy.name);
    TorchLlm kept(checkpoint, {}, {});
    const int64_t tokens = reference_group(c)->tokens();
    const auto memory = policy.make({.room = {4 * tokens, 0},
                                     .rows = [&](const Group &group) { return kept.rows(group, true); },
                                     .gist = [&](const std::string &text) { return kept.gist(text); }});
    memory->steady(true);
    for (uint64_t id = 1; id <= 14; ++id) {
      auto group = std::make_shared<Group>(*reference_group(c, id));
      group->from = int64_t(id) * 2'000'000'000;
      group->to = group->from + 2'000'000'000;
      memory->add(group);
      kept.read_ahead(&c, {.system_prompt = "", .timestamps = true, .beginnings = memory->begins()});
      kept.settle();
      if (id % 3) continue;
      Request r = request(c, {});
      r.timestamps = true;
      r.groups = memory->recall(r.question, nullptr, {4 * tokens, 0});
      REQUIRE(!r.groups.empty());
      const auto prompt = build_prompt(*checkpoint, r);
      TorchLlm fresh(checkpoint, {}, {});
      const int64_t before = kept.rows_read();
      CHECK(worst(kept.score(prompt, {1, 2, 3}), fresh.score(prompt, {1, 2, 3})) < 2e-4);
      CHECK(kept.rows_read() - before < fresh.rows_read());
      if (std::string(policy.name) != "retrieve") CHECK(kept.rows_read() - before < 64);  // what follows the groups
    }
  }
}

TEST_CASE("memory that runs out at any point of reading fails what is read, and nothing else") {
  const test::Case &c = kCases[1];
  RunningOut memory;
  TorchLlm llm(c.open(), {}, {});
  const Request r = request(c, {reference_group(c, 1), reference_group(c, 2)});
  const std::string expected = ask(llm, r);
  const Ahead ahead{.system_prompt = "", .timestamps = false, .beginnings = {r.groups}};
  for (const int pieces : {0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89}) {
    CAPTURE(pieces);
    llm.read_ahead(&c, {});
    ask(llm, request(c, {reference_group(c, 3)}));  // so that the last question's rows are not there any more
    llm.settle();
    memory.left = pieces;
    llm.read_ahead(&c, ahead);
    llm.settle();
    const Reading reading = llm.reading(&c);
    if (reading.failure.empty())
      CHECK(reading.first == reading.first_wanted);
    else
      CHECK(reading.failure.find("not enough memory") == 0);
    if (pieces < 10) {
      CHECK_FALSE(reading.failure.empty());
      memory.left = pieces;
      CHECK_THROWS_AS(llm.ask(r, nullptr), OutOfMemory);
    }
    memory.left = INT_MAX;
    CHECK(ask(llm, r) == expected);
    llm.read_ahead(&c, ahead);
    llm.settle();
    CHECK(llm.reading(&c).failure.empty());
    CHECK(llm.reading(&c).first == llm.reading(&c).first_wanted);
  }
}

TEST_CASE("blocks are given back: nothing held is left when nothing is wanted") {
  const test::Case &c = kCases[1];
  TorchLlm llm(c.open(), {}, {});
  std::vector<GroupPtr> groups;
  for (uint64_t id = 1; id <= 40; ++id) groups.push_back(reference_group(c, id));
  const int rows = 40 * groups[0]->tokens();
  for (int round = 0; round < 3; ++round) {
    llm.read_ahead(&c, {.system_prompt = "", .timestamps = false, .beginnings = {groups}});
    llm.settle();
    CHECK(llm.pool().held() == (llm.reading(&c).first + KvPool::kRows - 1) / KvPool::kRows);
    ask(llm, request(c, groups));
    CHECK(llm.pool().held() < rows / KvPool::kRows + 4);  // the last question's end beside what it shares
    llm.read_ahead(&c, {});
    llm.settle();
    CHECK(llm.pool().held() + llm.pool().spare() < rows / KvPool::kRows + 6);
  }
  CHECK(llm.pool().held() == 0);
}

TEST_CASE("questions asked at once are answered as if each were alone, and read what they share once") {
  const test::Case &c = kCases[1];
  const auto checkpoint = c.open();
  for (const Type type : {Type::kFloat32, Type::kBfloat16}) {
    TorchLlm alone(checkpoint, {.type = type}, {}), together(checkpoint, {.type = type}, {});
    const std::vector<GroupPtr> groups{reference_group(c, 1), reference_group(c, 2), reference_group(c, 3)};
    std::vector<Request> requests;
    for (const char *question : {"What?", "Why is that?", "Who was it, and when?", "Where?", "How many?"}) {
      requests.push_back(request(c, groups));
      requests.back().question = question;
      requests.back().sampling.max_new_tokens = 8 + 6 * int(requests.size());
    }
    std::vector<std::string> expected, texts(requests.size());
    for (const Request &r : requests) expected.push_back(ask(alone, r));
    together.read_ahead(&c, {.system_prompt = "", .timestamps = false, .beginnings = {groups}});
    std::vector<std::thread> threads;
    for (size_t i = 0; i < requests.size(); ++i)
      threads.emplace_back([&, i] {
        std::string streamed;
        const Answer answer =
            together.ask(requests[i], [&](const std::string &piece) { streamed += piece; });
        if (streamed == answer.text) texts[i] = streamed;
      });
    for (std::thread &thread : threads) thread.join();
    CHECK(texts == expected);
    int64_t tails = 0;
    for (const Request &r : requests) tails += int64_t(build_prompt(*checkpoint, r).back().ids.size()) + 1;
    together.settle();
    // A question may go on from another one's first words too.
    CHECK(together.rows_read() <= together.reading(&c).first + tails);
  }
}

TEST_CASE("one of several questions is cancelled, another one's listener throws, the others go on") {
  const test::Case &c = kCases[1];
  TorchLlm llm(c.open(), {}, {});
  const std::vector<GroupPtr> groups{reference_group(c, 1)};
  Request r = request(c, groups);
  const std::string whole = ask(llm, r);
  Request cancelled = r;
  cancelled.cancelled = std::make_shared<std::atomic<bool>>(false);
  std::string reason, text;
  bool thrown = false;
  std::thread one([&] {
    reason = llm.ask(cancelled, [&](const std::string &) { *cancelled.cancelled = true; }).finish_reason;
  });
  std::thread two([&] {
    try {
      llm.ask(r, [](const std::string &) { throw std::runtime_error("enough"); });
    } catch (const std::runtime_error &error) {
      thrown = std::string(error.what()) == "enough";
    }
  });
  std::thread three([&] { text = ask(llm, r); });
  for (std::thread *thread : {&one, &two, &three}) thread->join();
  CHECK(reason == "cancelled");
  CHECK(thrown);
  CHECK(text == whole);
  Request bad = request(c, {reference_group(kCases[4])});
  CHECK_THROWS_WITH(llm.ask(bad, nullptr), Catch::Contains("the language model reads"));
  llm.read_ahead(&c, {.system_prompt = "", .timestamps = false, .beginnings = {{reference_group(kCases[4])}}});
  llm.settle();
  CHECK_THAT(llm.reading(&c).failure, Catch::Contains("the language model reads"));
  CHECK(ask(llm, r) == whole);
}

TEST_CASE("an answer ends at a stop text, at the length asked for, and when it is cancelled") {
  const test::Case &c = kCases[1];
  TorchLlm llm(c.open(), {}, {});
  Request r = request(c, {reference_group(c)});
  const std::string whole = ask(llm, r);
  r.sampling.stop = {"twtw"};
  const Answer stopped = llm.ask(r, nullptr);
  CHECK(stopped.finish_reason == "stop");
  CHECK(stopped.text == whole.substr(0, whole.find("twtw")));
  r.sampling.stop.clear();
  r.sampling.max_new_tokens = 3;
  CHECK(llm.ask(r, nullptr).new_tokens == 3);
  r.sampling.max_new_tokens = 1000;
  r.cancelled = std::make_shared<std::atomic<bool>>(false);
  int pieces = 0;
  const Answer cancelled = llm.ask(r, [&](const std::string &) { *r.cancelled = ++pieces == 2; });
  CHECK(cancelled.finish_reason == "cancelled");
  CHECK(cancelled.new_tokens < 1000);
  CHECK(whole.rfind(cancelled.text.substr(0, 4), 0) == 0);
  CHECK(ask(llm, request(c, {reference_group(c)})) == whole);  // and the next question is none the worse
}

TEST_CASE("sampling repeats with its seed and changes with it") {
  const test::Case &c = kCases[0];
  TorchLlm llm(c.open(), {}, {});
  Request r = request(c, {reference_group(c)});
  r.sampling.temperature = 2;
  const std::string one = ask(llm, r);
  CHECK(ask(llm, r) == one);
  r.sampling.seed = 1;
  CHECK(ask(llm, r) != one);
  r.sampling.top_k = 1;
  r.sampling.temperature = 1;
  CHECK(ask(llm, r) == c.facts()["text"].get<std::string>());
}

TEST_CASE("tokens of another width are refused by name") {
  TorchLlm llm(kCases[0].open(), {}, {});
  CHECK_THROWS_WITH(llm.ask(request(kCases[0], {reference_group(kCases[4])}), nullptr),
                    Catch::Contains("80") && Catch::Contains("96"));
}

TEST_CASE("an answer bound to choices goes by the model's own logits, one bound to a schema parses") {
  const test::Case &c = kCases[0];
  const auto checkpoint = c.open();
  TorchLlm llm(checkpoint, {}, {});
  Request r = request(c, {reference_group(c)});
  const at::Tensor logits = llm.score(build_prompt(*checkpoint, r), {})[0];
  const auto logit = [&](const char *byte) { return logits[checkpoint->tokenizer->encode(byte).at(0)].item<double>(); };
  const double share = 1 / (1 + std::exp(logit("b") - logit("a")));
  r.sampling.temperature = 0;
  r.sampling.repetition_penalty = 1;
  r.sampling.max_new_tokens = 1;
  r.sampling.choices = {"a", "b"};
  const Answer one = llm.ask(r, nullptr);
  CHECK(one.text == (share > .5 ? "a" : "b"));
  CHECK(one.finish_reason == "stop");
  REQUIRE(one.shares.size() == 2);
  CHECK(one.shares[0] == Approx(share).epsilon(1e-3));
  CHECK(one.shares[1] == Approx(1 - share).epsilon(1e-3));
  r.sampling.choices = {"a longer thing", "something else"};
  CHECK_THAT(llm.ask(r, nullptr).text, Catch::Equals("a longer thing") || Catch::Equals("something else"));
  r.sampling.choices.clear();
  r.sampling.schema = R"({"type":"object","properties":{"car":{"type":"boolean"},"note":{"type":"string"}}})";
  CHECK_THROWS_AS(llm.ask(r, nullptr), std::runtime_error);  // one token is not enough
  r.sampling.max_new_tokens = 60;
  for (const double temperature : {0., 2.}) {
    r.sampling.temperature = temperature;
    const Answer bound = llm.ask(r, nullptr);
    CAPTURE(bound.text);
    CHECK(nlohmann::json::parse(bound.text).at("car").is_boolean());
  }
}

TEST_CASE("with weights in fewer bits, decoding stays near the checkpoint's own") {
  const auto checkpoint = open_checkpoint("tiny");
  const TextConfig config = family_of(*checkpoint).language(*checkpoint).text;
  const c10::InferenceMode guard;
  const auto make = [&](Type type, Quantization bits) {
    Weights weights(checkpoint, {.type = type, .quantization = bits}, {}, {"language_model."});
    return Decoder(weights, config);
  };
  std::vector<int> ids(24);
  for (size_t i = 0; i < ids.size(); ++i) ids[i] = int(i * 37 % size_t(config.vocabulary));
  const auto logits = [&](Decoder model) {
    KvSequence sequence;
    model.read(model.embed({1, 2, 3, 4, 5}), {{&sequence, 5}});
    std::vector<at::Tensor> rows;
    for (const int id : ids) rows.push_back(model.step({id}, {&sequence}, {sequence.length()}));
    return at::cat(rows);
  };
  for (const Type type : {Type::kFloat32, Type::kBfloat16}) {
    const at::Tensor whole = logits(make(type, Quantization::kNone));
    const auto error = [&](Quantization bits) {
      const at::Tensor narrow = logits(make(type, bits));
      return ((narrow - whole).norm() / whole.norm()).item<double>();
    };
    const double eight = error(Quantization::kInt8), four = error(Quantization::kInt4);
    CAPTURE(type_name(type), eight, four);
    CHECK(eight < 0.02);
    CHECK(four < 0.25);
    CHECK(eight > 1e-4);  // or it was not they that were read
    CHECK(four > eight);
  }
  CHECK_THROWS_WITH(resolve_placement("cpu", DType::kFloat16, Quantization::kInt8),
                    "quantization is for a CPU in float32 or bfloat16, found float16");
}
