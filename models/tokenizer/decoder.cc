// How a token's text becomes text again, as tokenizer.json's decoder says.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/tokenizer/decoder.h"

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "models/tokenizer/utf8.h"

namespace vtok {
namespace {

using nlohmann::json;

std::string text_at(const json &step, const char *key) {
  const auto found = step.find(key);
  return found != step.end() && found->is_string() ? found->get<std::string>() : std::string();
}

int count_at(const json &step, const char *key) {
  const auto found = step.find(key);
  return found != step.end() && found->is_number_integer() && *found >= 0 && *found < 1000 ? found->get<int>()
                                                                                           : -1;
}

/// The steps there are, in the only order in which they are known.
enum Stage { kReplace, kByteFallback, kFuse, kStrip };

}  // namespace

TokenDecoder::TokenDecoder(const json &description, const std::string &name) {
  json steps = json::array({description});
  if (description.is_object() && description.value("type", json()) == "Sequence" &&
      description.contains("decoders") && description["decoders"].is_array())
    steps = description["decoders"];
  int reached = kReplace;
  bool fused = false;
  for (const json &step : steps) {
    const std::string type = step.is_object() && step.contains("type") ? step["type"].dump() : step.dump();
    const auto follow = [&](Stage stage) {
      if (byte_level || reached > stage)
        throw std::runtime_error(
            name + ": decoder " + type +
            " stands where it is not supported; the order is Replace or Metaspace, ByteFallback, "
            "Fuse, Strip");
      reached = stage;
    };
    if (type == "\"ByteLevel\"" && steps.size() == 1) {
      byte_level = true;
    } else if (type == "\"Replace\"") {
      follow(kReplace);
      const json pattern = step.value("pattern", json());
      const std::string from = pattern.is_object() ? text_at(pattern, "String") : "";
      if (from.empty())
        throw std::runtime_error(name + ": decoder Replace has pattern " + pattern.dump() +
                                 ", expected {\"String\": ...}");
      replacements.emplace_back(from, text_at(step, "content"));
    } else if (type == "\"Metaspace\"") {
      follow(kReplace);
      const std::string mark = text_at(step, "replacement");
      if (mark.empty()) throw std::runtime_error(name + ": decoder Metaspace has no replacement");
      if (text_at(step, "prepend_scheme") != "never" && step.value("add_prefix_space", json()) != false)
        dropped_in_first = mark;
      replacements.emplace_back(mark, " ");
    } else if (type == "\"ByteFallback\"") {
      follow(kByteFallback);
      byte_fallback = true;
    } else if (type == "\"Fuse\"") {
      follow(kFuse);
      fused = true;
    } else if (type == "\"Strip\"") {
      follow(kStrip);
      stripped = text_at(step, "content");
      strips = count_at(step, "start");
      if (!fused || strips < 0 || stripped.empty() || count_at(step, "stop") != 0)
        throw std::runtime_error(name + ": decoder Strip is " + step.dump() +
                                 ", expected one that follows Fuse and strips the start alone");
    } else {
      throw std::runtime_error(
          name + ": decoder " + type +
          " is not supported; there are ByteLevel, and Replace, Metaspace, ByteFallback, Fuse and "
          "Strip");
    }
  }
}

std::string TokenDecoder::replaced(std::string_view token) const {
  std::string text(token);
  for (const auto &[from, to] : replacements)
    for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
      text.replace(at, from.size(), to);
  return text;
}

int TokenDecoder::byte_of(std::string_view token) const {
  if (!byte_fallback || token.size() != 6 || !token.starts_with("<0x") || token[5] != '>') return -1;
  int byte = 0;
  for (const char c : token.substr(3, 2)) {
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                             : -1;
    if (digit < 0) return -1;
    byte = byte * 16 + digit;
  }
  return byte;
}

std::string DecoderStream::stripped(std::string text) {
  while (strips_left_ > 0 && !text.empty()) {
    if (text.starts_with(decoder_.stripped)) {
      text.erase(0, decoder_.stripped.size());
      --strips_left_;
    } else {
      strips_left_ = 0;
    }
  }
  return text;
}

std::string DecoderStream::push(std::string_view token) {
  std::string own(token);
  if (first_ && !decoder_.dropped_in_first.empty()) {
    for (size_t at; (at = own.find(decoder_.dropped_in_first)) != std::string::npos;)
      own.erase(at, decoder_.dropped_in_first.size());
  }
  first_ = false;
  own = decoder_.replaced(own);
  if (const int byte = decoder_.byte_of(own); byte >= 0) {
    run_ += char(byte);
    return "";
  }
  std::string before = finish();
  return before + stripped(std::move(own));
}

std::string DecoderStream::finish() {
  std::string text;
  if (valid_utf8(run_))
    text = run_;
  else
    for (size_t i = 0; i < run_.size(); ++i) append_utf8(text, 0xFFFD);
  run_.clear();
  return stripped(std::move(text));
}

}  // namespace vtok
