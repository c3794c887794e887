// Answers bound to choices or to a JSON schema: whatever the logits, the text is allowed, complete and in its
// bounds.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/grammar.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <nlohmann/json.hpp>
#include <random>
#include <set>

#include "models/checkpoint.h"
#include "models/constraint.h"
#include "models/error.h"
#include "models/sampler.h"

using namespace vtok;
using Catch::Contains;
using nlohmann::json;

namespace {

std::shared_ptr<const Vocabulary> vocabulary(int end = 607) {
  static const auto checkpoint = open_checkpoint(std::string(VTOK_GOLDEN) + "/llava-onevision/checkpoint");
  return std::make_shared<const Vocabulary>(*checkpoint->tokenizer, std::vector<int>{end});
}

/// Has tokens for a and b, and c only behind b.
struct Letters : Tokenizer {
  const std::vector<std::string> tokens{"a", "b", "bc"};
  std::vector<int> encode(std::string_view, bool) const override { return {}; }
  std::string disarmed(std::string_view text) const override { return std::string(text); }
  std::string decode(const std::vector<int> &, bool) const override { return ""; }
  std::unique_ptr<TokenStream> stream() const override { return nullptr; }
  std::string bytes(int id) const override { return tokens[size_t(id)]; }
  bool special(int) const override { return false; }
  int id_of(std::string_view) const override { return -1; }
  int size() const override { return int(tokens.size()); }
};

bool whole(GrammarState &state, const std::string &text) {
  const int place = state.after(state.start(), text);
  return place != GrammarState::kNowhere && state.left(place) == 0;
}

/// What comes of logits drawn at random, at most `most` tokens.
std::string written(Constraint &constraint, const Vocabulary &vocabulary, int most, uint64_t seed,
                    double spread = 3, std::function<void(std::vector<float> &, int)> prefer = nullptr) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal(0, float(spread));
  Sampler sampler({}, 0, 640);
  std::string text;
  for (int step = 0; step < most; ++step) {
    std::vector<float> logits(640);  // more rows than the tokenizer has ids, as in real checkpoints
    for (float &logit : logits) logit = normal(random);
    if (prefer) prefer(logits, step);
    constraint.mask(logits, most - step);
    const int id = sampler.next(logits);
    if (id == vocabulary.end_tokens[0]) break;
    text += vocabulary.bytes(id);
    if (!constraint.take(id)) break;
  }
  return text;
}

std::string refused(const std::string &schema) {
  try {
    schema_grammar(schema);
  } catch (const std::runtime_error &error) {
    return error.what();
  }
  return "taken";
}

}  // namespace

TEST_CASE("choices are told byte for byte") {
  GrammarState state(choices_grammar({"red", "red car", "blue", "rot – ja"}));
  for (const char *text : {"red", "red car", "blue", "rot – ja"}) CHECK(whole(state, text));
  for (const char *text : {"", "re", "red ", "red cars", "blues", "rot", "green"})
    CHECK_FALSE(whole(state, text));
  CHECK(state.left(state.start()) == 3);
  CHECK(state.left(state.after(state.start(), "red c")) == 2);
  CHECK(state.after(state.start(), "redd") == GrammarState::kNowhere);
  CHECK(state.more(state.after(state.start(), "red")));
  CHECK_FALSE(state.more(state.after(state.start(), "blue")));
}

TEST_CASE("a schema's JSON, and no other") {
  const auto tells = [](const std::string &schema, std::vector<std::string> yes,
                        std::vector<std::string> no) {
    GrammarState state(schema_grammar(schema));
    for (const std::string &text : yes) {
      CAPTURE(schema, text);
      CHECK(whole(state, text));
      CHECK(json::accept(text));
    }
    for (const std::string &text : no) {
      CAPTURE(schema, text);
      CHECK_FALSE(whole(state, text));
    }
  };
  tells(R"({"type":"boolean"})", {"true", "false"}, {"True", "1", "", "truefalse"});
  tells(R"({"type":["null","integer"]})", {"null", "0", "-7", "120"}, {"01", "+1", "1.0", "-"});
  tells(R"({"type":"integer","minimum":-2,"maximum":10})", {"-2", "0", "10"}, {"-3", "11", "010"});
  tells(R"({"type":"number"})", {"0.5", "-12.25", "3"}, {".5", "1.", "1e5", "00"});
  tells(R"({"type":"string","minLength":1,"maxLength":3})", {"\"a\"", "\"äé€\"", "\"\\n\\\"x\"", "\"😀\""},
        {"\"\"", "\"abcd\"", "\"\n\"", "\"\\x\"", "\"\xff\"", "a"});
  tells(R"({"enum":["a",1,null,{"b":[]}]})", {"\"a\"", "1", "null", "{\"b\":[]}"}, {"a", "2"});
  tells(R"({"const":"x"})", {"\"x\""}, {"\"y\""});
  tells(R"({"anyOf":[{"type":"boolean"},{"const":"unknown"}]})", {"true", "\"unknown\""}, {"null"});
  tells(R"({"type":"array","items":{"type":"boolean"},"maxItems":2})", {"[]", "[true]", "[true, false]"},
        {"[true,]", "[true, true, true]", "["});
  tells(R"({"type":"array","items":{"type":"null"},"minItems":2,"maxItems":3})",
        {"[null, null]", "[null, null, null]"}, {"[]", "[null]"});
  tells(R"({"type":"object","properties":{"n":{"type":"integer"},"car":{"type":"boolean"}},"required":["car"],
            "additionalProperties":false,"title":"t"})",
        {R"({"car": true, "n": 3})"}, {R"({"car": true})", R"({"n": 3, "car": true})", "{}"});
  tells(R"({"type":"object"})", {"{}"}, {"{ }"});
  CHECK_THAT(refused(R"({"type":"string","pattern":"a+"})"), Contains("pattern"));
  CHECK_THAT(refused(R"({"type":"object","properties":{"a":{"$ref":"#"}}})"),
             Contains("/a") && Contains("$ref"));
  CHECK_THAT(refused(R"({"type":"object","required":["b"]})"), Contains("\"b\""));
  CHECK_THAT(refused(R"({"type":"integer","minimum":0})"), Contains("one side"));
  CHECK_THAT(refused(R"({"type":"integer","minimum":2,"maximum":1})"), Contains("above"));
  CHECK_THAT(refused(R"({"type":"integer","minimum":0,"maximum":1000000})"), Contains("more than"));
  CHECK_THAT(refused(R"({"type":"array"})"), Contains("items"));
  CHECK_THAT(refused(R"({"type":"string","minLength":9,"maxLength":3})"), Contains("above"));
  CHECK_THAT(refused(R"({"type":"string","maxLength":100000})"), Contains("maxLength"));
  CHECK_THAT(refused(R"({"type":"spline"})"), Contains("spline"));
  CHECK_THAT(refused("{}"), Contains("no type"));
  CHECK_THAT(refused("[1"), Contains("the schema"));
  CHECK_THAT(
      refused(R"({"type":"array","minItems":900,"maxItems":900,"items":{"type":"string","maxLength":900}})"),
      Contains("states"));
}

TEST_CASE("whatever the logits say, an answer keeps to the schema and comes to its end in time") {
  const std::string schema = R"({"type":"object","properties":{
    "car":{"type":"boolean"},"colour":{"enum":["white","red","none"]},"note":{"type":"string"},
    "people":{"type":"array","items":{"type":"object","properties":{"age":{"type":"integer","minimum":0,"maximum":120}}}},
    "speed":{"type":"number"}}})";
  const auto words = vocabulary();
  for (uint64_t seed = 0; seed < 60; ++seed) {
    const int most = 70 + int(seed) * 3;
    const auto constraint = Constraint::of_schema(words, schema, most);
    const std::string text = written(*constraint, *words, most, seed);
    CAPTURE(seed, text);
    const json parsed = json::parse(text);
    CHECK(parsed.size() == 5);
    CHECK(parsed.at("car").is_boolean());
    CHECK(parsed.at("note").is_string());
    for (const json &person : parsed.at("people")) CHECK(person.at("age").get<int>() <= 120);
  }
  CHECK_THROWS_WITH(Constraint::of_schema(words, schema, 20), Contains("max-new-tokens"));
}

TEST_CASE("choices: said to the end, as likely as their tokens are among what may be said") {
  const auto words = vocabulary();
  std::set<std::string> said;
  for (uint64_t seed = 0; seed < 60; ++seed) {
    const auto constraint = Constraint::of_choices(words, {"yes", "no", "yes, two"});
    said.insert(written(*constraint, *words, constraint->longest(), seed));
  }
  CHECK(said == std::set<std::string>{"no", "yes", "yes, two"});

  // One logit of ids that lead to "yes" and of those that lead to "no"; everything else is far better, and
  // not allowed.
  const auto prefer = [&](std::vector<float> &logits, int) {
    for (int id = 0; id < int(logits.size()); ++id) {
      const std::string bytes = id < words->size() ? words->bytes(id) : "";
      logits[size_t(id)] = bytes == "y" || bytes == "ye" || bytes == "yes" ? 1.f
                           : bytes == "n" || bytes == "no"                 ? 2.f
                                                                           : 50.f;
    }
  };
  int yes = 0, no = 0;
  for (int id = 0; id < words->size(); ++id) {
    const std::string &bytes = words->bytes(id);
    yes += bytes == "y" || bytes == "ye" || bytes == "yes";
    no += bytes == "n" || bytes == "no";
  }
  const auto constraint = Constraint::of_choices(words, {"yes", "no"});
  CHECK(written(*constraint, *words, 3, 1, 1, prefer) == "no");
  const double share = no * std::exp(2.) / (no * std::exp(2.) + yes * std::exp(1.));
  CHECK(constraint->shares()[1] == Approx(share).epsilon(1e-5));
  CHECK(constraint->shares()[0] == Approx(1 - share).epsilon(1e-5));
}

TEST_CASE("a word with the space before it may begin an answer where the text then begins without") {
  const auto checkpoint = open_checkpoint(std::string(VTOK_GOLDEN) + "/llava/checkpoint");
  const Tokenizer &tokenizer = *checkpoint->tokenizer;
  const auto words = std::make_shared<const Vocabulary>(tokenizer, std::vector<int>{2});
  int tried = 0;
  for (int id = 0; id < words->size() && tried < 20; ++id) {
    if (words->bytes(id).size() < 3 || words->bytes(id)[0] != ' ' || words->bytes(id).find(' ', 1) != std::string::npos) continue;
    const std::string word = tokenizer.decode({id}, true);
    CAPTURE(id, word);
    REQUIRE(" " + word == words->bytes(id));
    ++tried;
    const auto constraint = Constraint::of_choices(words, {word, "?"});
    std::vector<float> logits(size_t(words->size()), 0);
    constraint->mask(logits, 40);
    CHECK(logits[size_t(id)] == 0);
    CHECK_FALSE(constraint->take(id));  // all is said
    CHECK(constraint->shares()[0] > constraint->shares()[1]);
    // Behind another word the space is part of the text.
    const auto second = Constraint::of_choices(words, {"?" + word, "? " + word});
    const int mark = tokenizer.encode("?").back();
    REQUIRE(words->bytes(mark) == "?");
    CHECK(second->take(mark));
    CHECK_FALSE(second->take(id));
    CHECK(tokenizer.decode({mark, id}, true) == "? " + word);
  }
  CHECK(tried > 5);
}

TEST_CASE("a vocabulary that cannot spell a choice is told") {
  const auto words = vocabulary();
  const auto constraint = Constraint::of_choices(words, {"yes"});
  std::vector<float> few(3);  // ids 0 to 2 alone
  CHECK_THROWS_WITH(constraint->mask(few, 3), Contains("no token"));
  const auto letters = std::make_shared<const Vocabulary>(Letters(), std::vector<int>{9});
  CHECK_NOTHROW(Constraint::of_choices(letters, {"ab", "ba"}));
  CHECK_THROWS_WITH(Constraint::of_choices(letters, {"ab", "abc"}), Contains("cannot spell the choice 'abc'"));
  CHECK_THROWS_AS(Constraint::of_choices(letters, {"abc"}), CannotBeMet);
}
