// Choosing the next token: what each setting does, and where it comes from.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/sampler.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <set>

#include "models/answer_text.h"

using namespace vtok;

namespace {

/// Logits whose softmax is the given shares.
std::vector<float> logits(const std::vector<double> &shares) {
  std::vector<float> out;
  for (double share : shares) out.push_back(float(std::log(share)));
  return out;
}

/// The ids that 400 draws give.
std::set<int> drawn(const SamplingRule &rule, const std::vector<double> &shares) {
  Sampler sampler(rule, 3, int(shares.size()));
  std::set<int> ids;
  for (int i = 0; i < 400; ++i) {
    std::vector<float> l = logits(shares);
    ids.insert(sampler.next(l));
  }
  return ids;
}

}  // namespace

TEST_CASE("greedy takes the best, of equals the first") {
  Sampler sampler({}, 0, 4);
  std::vector<float> l = {1, 7, 7, 2};
  CHECK(sampler.next(l) == 1);
  l[3] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS(sampler.next(l));
}

TEST_CASE("top-k and top-p leave out the unlikely") {
  const std::vector<double> shares = {0.1, 0.4, 0.2, 0.3};
  CHECK(drawn({.greedy = false}, shares) == std::set{0, 1, 2, 3});
  CHECK(drawn({.greedy = false, .top_k = 2}, shares) == std::set{1, 3});
  CHECK(drawn({.greedy = false, .top_p = 0.65}, shares) == std::set{1, 3});
  CHECK(drawn({.greedy = false, .top_p = 0.75}, shares) == std::set{1, 2, 3});
  CHECK(drawn({.greedy = false, .top_p = 0.01}, shares) == std::set{1});
  CHECK(drawn({.greedy = false, .temperature = 0.01}, shares) == std::set{1});
}

TEST_CASE("draws come as often as their shares, which the temperature bends, and the seed orders them") {
  const std::vector<double> shares = {0.1, 0.2, 0.7};
  constexpr int kDraws = 20000;
  const auto draws = [&](double temperature, uint64_t seed) {
    Sampler sampler({.greedy = false, .temperature = temperature}, seed, 3);
    std::vector<int> ids;
    for (int i = 0; i < kDraws; ++i) {
      std::vector<float> l = logits(shares);
      ids.push_back(sampler.next(l));
    }
    return ids;
  };
  for (const double temperature : {1., 2., 0.5}) {
    INFO(temperature);
    double bent[3], sum = 0;
    for (int id = 0; id < 3; ++id) sum += bent[id] = std::pow(shares[size_t(id)], 1 / temperature);
    const std::vector<int> ids = draws(temperature, 7);
    for (int id = 0; id < 3; ++id)  // five standard deviations
      CHECK(double(std::count(ids.begin(), ids.end(), id)) / kDraws == Approx(bent[id] / sum).margin(0.018));
  }
  CHECK(draws(1, 7) == draws(1, 7));
  CHECK(draws(1, 7) != draws(1, 8));
}

TEST_CASE("top-k keeps all that are as good as the k-th") {
  CHECK(drawn({.greedy = false, .top_k = 2}, {0.2, 0.2, 0.4, 0.2}) == std::set{0, 1, 2, 3});
  CHECK(drawn({.greedy = false, .top_k = 1}, {0.2, 0.2, 0.4, 0.2}) == std::set{2});
}

TEST_CASE("the repetition penalty divides what is above 0 and multiplies what is below") {
  Sampler sampler({.repetition_penalty = 2}, 0, 3);
  sampler.see(0);
  sampler.see(1);
  sampler.see(99);  // beyond the vocabulary: ignored
  std::vector<float> l = {3, -2, -3};
  CHECK(sampler.next(l) == 0);
  CHECK(l == std::vector<float>{1.5, -4, -3});
}

TEST_CASE("unset settings come from generation_config.json") {
  const nlohmann::json file = {
      {"temperature", 0.7}, {"top_p", 0.8}, {"top_k", 20}, {"repetition_penalty", 1.1}};
  CHECK(SamplingRule::resolve({}, file).greedy);  // no do_sample: greedy, whatever the temperature
  nlohmann::json sampling = file;
  sampling["do_sample"] = true;
  const SamplingRule rule = SamplingRule::resolve({}, sampling);
  CHECK_FALSE(rule.greedy);
  CHECK(rule.temperature == 0.7);
  CHECK(rule.top_p == 0.8);
  CHECK(rule.top_k == 20);
  CHECK(rule.repetition_penalty == 1.1);
  CHECK(SamplingRule::resolve({.temperature = 0}, sampling).greedy);
  CHECK(SamplingRule::resolve({.temperature = 1.5}, file).temperature == 1.5);
  CHECK_FALSE(SamplingRule::resolve({.temperature = 1.5}, {}).greedy);
  CHECK(SamplingRule::resolve({.top_k = 0}, sampling).top_k == 0);
  CHECK_THROWS(SamplingRule::resolve({}, {{"top_p", "much"}}));
  CHECK_THROWS(SamplingRule::resolve({.repetition_penalty = 0}, {}));
}

TEST_CASE("text before a stop text is given out, and what may begin one is held back") {
  AnswerText text({"END", ""});
  CHECK(text.push("one E") == "one ");
  CHECK(text.push("N") == "");
  CHECK(text.push("X") == "ENX");
  CHECK(text.push("\xc3") == "");  // half of a character
  CHECK(text.push("\xa9 EN") == "\xc3\xa9 ");
  CHECK(text.push("D and more") == "");
  CHECK(text.stopped());
  CHECK(text.finish() == "");
  CHECK(text.text() == "one ENX\xc3\xa9 ");
  AnswerText two({"END", "X"});  // the first in the text ends it, whichever it is
  CHECK(two.push("aXbEND") == "a");
  CHECK(two.text() == "a");
  AnswerText again({"ab"});  // what had been held back is no beginning after all
  CHECK(again.push("a") == "");
  CHECK(again.push("ab") == "a");
  CHECK(again.stopped());
  CHECK(again.push("more") == "");
  AnswerText open({"END"});
  open.push("EN");
  CHECK(open.finish() == "EN");
}
