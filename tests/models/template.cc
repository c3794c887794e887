// The template interpreter against what Jinja renders, and against templates that are wrong or hostile.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/template.h"

#include <catch2/catch.hpp>

#include "scratch.h"

using namespace vtok;
using Catch::Contains;
using json = nlohmann::ordered_json;

static json golden() { return json::parse(read_text(std::string(VTOK_GOLDEN) + "/template/cases.json")); }

static std::string render_refusal(const std::string &source, const json &variables = json::object()) {
  return refusal([&] { render_template(source, variables); });
}

TEST_CASE("templates render as in Jinja") {
  const json file = golden();
  REQUIRE(file["cases"].size() >= 13);
  for (const auto &c : file["cases"]) {
    INFO(c["name"]);
    CHECK(render_template(c["template"], c["variables"]) == c["expected"].get<std::string>());
  }
}

TEST_CASE("what fails in Jinja fails here, with a line") {
  const json file = golden();
  REQUIRE(file["failing"].size() >= 15);
  for (const auto &c : file["failing"]) {
    INFO(c["template"]);
    CHECK_THAT(render_refusal(c["template"]),
               Contains("chat template, line ") && Contains(c["message"].get<std::string>()));
  }
}

TEST_CASE("a construct that is not supported is named with its line") {
  CHECK_THAT(render_refusal("a\n\n{% include 'x' %}"),
             Contains("line 3: the tag 'include' is not supported"));
  CHECK_THAT(render_refusal("\n{{ x | frobnicate }}", {{"x", 1}}),
             Contains("line 2: the filter 'frobnicate' is not supported"));
  CHECK_THAT(render_refusal("{{ x is frobnicated }}", {{"x", 1}}),
             Contains("line 1: the test 'frobnicated' is not supported"));
  CHECK_THAT(render_refusal("{{ 'x'.format(1) }}"), Contains("a string has no method 'format'"));
  CHECK_THAT(render_refusal("{{ lipsum() }}"), Contains("the function 'lipsum' is not supported"));
  CHECK_THAT(render_refusal("{{ x | tojson(sort_keys=true) }}", {{"x", 1}}),
             Contains("the argument 'sort_keys' is not supported"));
  CHECK_THAT(render_refusal("{% for x in y recursive %}{% endfor %}"),
             Contains("recursive loops are not supported"));
  CHECK_THAT(render_refusal("{{ f(*x) }}"), Contains("unpacking of arguments"));
}

TEST_CASE("a hostile template ends with an error") {
  CHECK_THAT(render_refusal("{% for a in range(999999999999) %}{% endfor %}"), Contains("too many steps"));
  CHECK_THAT(render_refusal("{% for a in range(3000) %}{% for b in range(3000) %}x{% endfor %}{% endfor %}"),
             Contains("too many steps"));
  CHECK_THAT(
      render_refusal(
          "{% set n = namespace(s='x') %}{% for i in range(99) %}{% set n.s = n.s ~ n.s %}{% endfor %}"),
      Contains("too many steps"));
  CHECK_THAT(
      render_refusal(
          "{% set n = namespace(s=[1]) %}{% for i in range(99) %}{% set n.s = [n.s, n.s] %}{% endfor %}"),
      Contains("deep"));
  CHECK_THAT(render_refusal("{% set n = namespace(s=[1]) %}{% for i in range(60) %}{% set n.s = [n.s, n.s] "
                            "%}{% endfor %}{{ n.s }}"),
             Contains("too many steps"));
  CHECK_THAT(render_refusal("{% set n = namespace(s=[1]) %}{% for i in range(60) %}{% set n.s = [n.s, n.s] "
                            "%}{% endfor %}{{ n.s == n.s }}"),
             Contains("too many steps"));
  CHECK_THAT(render_refusal("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}"), Contains("nests too deep"));
  CHECK_THAT(render_refusal("{{ 'x' * 999999999999 }}"), Contains("too many steps"));
  CHECK_THAT(render_refusal("{{ 'x'.replace('', 'xxxxxxxxx') * 99999999 }}"), Contains("too many steps"));
  CHECK_THAT(render_refusal("{{ " + std::string(5000, '(') + "1" + std::string(5000, ')') + " }}"),
             Contains("deep"));
  CHECK_THAT(render_refusal("{{ " + std::string(5000, '-') + "1 }}"), Contains("deep"));
  std::string sum = "{{ 1", ifs;
  for (int i = 0; i < 100000; ++i) sum += "+1";
  for (int i = 0; i < 5000; ++i) ifs += "{% if 1 %}";
  CHECK_THAT(render_refusal(sum + " }}"), Contains("more than 1000 terms"));
  CHECK_THAT(render_refusal(ifs), Contains("deep"));
  CHECK_THAT(render_refusal("{{ 9223372036854775807 + 1 }}"), Contains("too large"));
  CHECK_THAT(render_refusal("{{ (-9223372036854775807 - 1) // -1 }}"), Contains("too large"));
  CHECK_THAT(render_refusal("{{ 10 ** 99 }}"), Contains("too large"));
}

TEST_CASE("a namespace may hold itself") {
  CHECK(render_template("{% set n = namespace(x=1) %}{% set n.n = n %}{{ n.n.n.x }}", json::object()) == "1");
}

TEST_CASE("every truncation of a template ends") {
  const json file = golden();
  int refused = 0;
  for (const auto &c : file["cases"]) {
    const auto source = c["template"].get<std::string>();
    for (size_t n = 0; n < source.size(); n += 3) refused += !render_refusal(source.substr(0, n), c["variables"]).empty();
  }
  CHECK(refused > 100);
}
