// The safetensors reader: good files, every truncation of one, headers that lie.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/safetensors.h"

#include <catch2/catch.hpp>

#include "scratch.h"

using namespace vtok;
using Catch::Contains;

static std::string parse(const std::string &bytes) {
  return refusal([&] { parse_safetensors(std::as_bytes(std::span(bytes)), "x.safetensors"); });
}

static std::string with_header(const std::string &header, const std::string &data) {
  const uint64_t length = header.size();
  return std::string(reinterpret_cast<const char *>(&length), sizeof length) + header + data;
}

TEST_CASE("tensors are views of the file") {
  const std::string bytes = safetensors_bytes(
      {{"a", {"F32", {2, 1}, "01234567"}}, {"b", {"BF16", {3}, "abcdef"}}, {"none", {"F32", {0, 4}, ""}}});
  const auto tensors = parse_safetensors(std::as_bytes(std::span(bytes)), "x");
  REQUIRE(tensors.size() == 3);
  CHECK(tensors.at("a").shape == std::vector<int64_t>{2, 1});
  CHECK(tensors.at("b").dtype == "BF16");
  CHECK(std::memcmp(tensors.at("b").data.data(), "abcdef", 6) == 0);
  CHECK(reinterpret_cast<const char *>(tensors.at("a").data.data()) == bytes.data() + bytes.size() - 14);
}

TEST_CASE("every truncation of a good file is refused") {
  const std::string bytes =
      safetensors_bytes({{"a", {"F32", {2, 1}, "01234567"}}, {"b", {"BF16", {3}, "abcdef"}}});
  CHECK(parse(bytes) == "none");
  for (size_t n = 0; n < bytes.size(); ++n) {
    INFO(n << " bytes");
    CHECK(parse(bytes.substr(0, n)) != "none");
  }
  CHECK_THAT(parse(bytes + "x"), Contains("has 15 bytes of data, its tensors need 14"));
}

TEST_CASE("a header that lies is refused") {
  const std::string data(8, 'x');
  const auto entry = [&](const std::string &fields) {
    return parse(with_header("{\"t\":{" + fields + "}}", data));
  };
  CHECK(entry(R"("dtype":"F32","shape":[2],"data_offsets":[0,8])") == "none");
  CHECK_THAT(entry(R"("dtype":"F32","shape":[3],"data_offsets":[0,8])"),
             Contains("its shape and type need 12"));
  CHECK_THAT(entry(R"("dtype":"F32","shape":[2],"data_offsets":[0,9])"), Contains("truncated or corrupt"));
  CHECK_THAT(entry(R"("dtype":"F32","shape":[2],"data_offsets":[8,0])"), Contains("truncated or corrupt"));
  CHECK_THAT(entry(R"("dtype":"F33","shape":[2],"data_offsets":[0,8])"),
             Contains("unknown number type 'F33'"));
  CHECK_THAT(entry(R"("dtype":"F32","shape":[-2],"data_offsets":[0,8])"), Contains("found -2"));
  CHECK_THAT(entry(R"("dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,8])"),
             Contains("overflows"));
  CHECK_THAT(entry(R"("dtype":"F32","shape":[1],"data_offsets":[0,4])"), Contains("its tensors need 4"));
  CHECK_THAT(entry(R"("dtype":"F32","shape":[1],"data_offsets":[4,8])"), Contains("no tensor owns"));
  CHECK_THAT(entry(R"("shape":[1],"data_offsets":[4,8])"), Contains("expected dtype"));
  CHECK_THAT(
      parse(with_header(
          R"({"t":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},"u":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}})",
          data)),
      Contains("two tensors share"));
  CHECK_THAT(parse(with_header("[]", "")), Contains("no object"));
  CHECK_THAT(parse(with_header(std::string(1000, '['), "")), Contains("nests 1000 levels deep"));
  CHECK_THAT(parse(std::string(8, '\xff')), Contains("no safetensors file"));
}

TEST_CASE("shards are read together") {
  const Scratch scratch("");
  const auto write_index = [&](const nlohmann::json &map) {
    write_text(scratch.path("model.safetensors.index.json"), nlohmann::json{{"weight_map", map}}.dump());
  };
  CHECK_THAT(refusal([&] { open_safetensors(scratch.folder()); }), Contains("neither model.safetensors nor"));
  write_text(scratch.path("1.safetensors"), safetensors_bytes({{"a", {"U8", {2}, "aa"}}}));
  write_text(scratch.path("2.safetensors"), safetensors_bytes({{"b", {"U8", {2}, "bb"}}}));
  write_index({{"a", "1.safetensors"}, {"b", "2.safetensors"}});
  CHECK(open_safetensors(scratch.folder()).tensors.size() == 2);
  write_index({{"a", "1.safetensors"}, {"b", "2.safetensors"}, {"c", "2.safetensors"}});
  CHECK_THAT(refusal([&] { open_safetensors(scratch.folder()); }),
             Contains("names tensor c, which \"2.safetensors\" lacks"));
  write_index({{"a", "1.safetensors"}, {"b", "3.safetensors"}});
  CHECK_THAT(refusal([&] { open_safetensors(scratch.folder()); }), Contains("cannot open"));
  write_index({{"a", "../1.safetensors"}});
  CHECK_THAT(refusal([&] { open_safetensors(scratch.folder()); }), Contains("expected a file name"));
  write_text(scratch.path("2.safetensors"), safetensors_bytes({{"a", {"U8", {2}, "bb"}}}));
  write_index({{"a", "1.safetensors"}, {"b", "2.safetensors"}});
  CHECK_THAT(refusal([&] { open_safetensors(scratch.folder()); }),
             Contains("tensor a is in another file too"));
}

TEST_CASE("what is let go is found again as it was, and nothing else is touched") {
  const Scratch scratch("");
  std::string bytes(300'001, ' ');  // of dozens of pages, the first and the last one shared with other tensors
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = char(i % 251);
  const std::string file = safetensors_bytes({{"a", {"U8", {5}, "abcde"}},
                                              {"b", {"U8", {int64_t(bytes.size())}, bytes}},
                                              {"c", {"U8", {5}, "fghij"}}});
  write_text(scratch.path("model.safetensors"), file);
  const Safetensors read = open_safetensors(scratch.folder());
  const auto text = [](const TensorView &view) {
    return std::string(reinterpret_cast<const char *>(view.data.data()), view.data.size());
  };
  for (const auto &[name, view] : read.tensors) {
    read.make_resident(view.data);
    read.let_go(view.data);
  }
  CHECK(text(read.tensors.at("a")) == "abcde");
  CHECK((text(read.tensors.at("b")) == bytes));
  CHECK(text(read.tensors.at("c")) == "fghij");
  std::string own = file;  // not mapped: to let its pages go would lose them
  for (const auto &[name, view] : parse_safetensors(std::as_bytes(std::span(own)), "x")) read.let_go(view.data);
  CHECK((own == file));
}
