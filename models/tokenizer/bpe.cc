// Byte-pair encoding of one word: its bytes or characters become tokens, then again and again the pair learnt
// first merges.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/tokenizer/bpe.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <queue>
#include <stdexcept>
#include <utility>

#include "models/tokenizer/utf8.h"

namespace vtok {
namespace {

constexpr int kLargestId = 1 << 24;  // far above any vocabulary; bounds the tables by id

bool prints_itself(int byte) { return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte != 0xAD); }

std::array<char32_t, 256> make_characters() {
  std::array<char32_t, 256> table;
  char32_t next = 0x100;
  for (int byte = 0; byte < 256; ++byte) table[size_t(byte)] = prints_itself(byte) ? char32_t(byte) : next++;
  return table;
}
const std::array<char32_t, 256> kCharacters = make_characters();

/// Byte of each of the table's characters, all below U+0200; -1: none.
std::array<int, 0x200> make_bytes() {
  std::array<int, 0x200> table;
  table.fill(-1);
  for (int byte = 0; byte < 256; ++byte) table[kCharacters[size_t(byte)]] = byte;
  return table;
}
const std::array<int, 0x200> kBytes = make_bytes();

void refuse(bool wrong, const std::string &name, const std::string &what) {
  if (wrong) throw std::runtime_error(name + ": " + what);
}

/// A setting that only some tokenizers have: anything but absent, null, false, 0 and "" is one we do not
/// know.
void refuse_setting(const nlohmann::json &model, const char *key, const std::string &name) {
  const auto found = model.find(key);
  if (found == model.end() || found->is_null() || *found == false || *found == 0 || *found == "") return;
  throw std::runtime_error(name + ": model setting " + key + "=" + found->dump() + " is not supported");
}

uint64_t pair_key(int left, int right) { return uint64_t(left) << 32 | uint32_t(right); }

}  // namespace

char32_t byte_character(uint8_t byte) { return kCharacters[byte]; }

std::string bytes_of_token(std::string_view token) {
  std::string bytes;
  for (std::string_view rest = token; !rest.empty();) {
    const auto step = next_utf8(rest);
    if (!step.valid || step.code >= kBytes.size() || kBytes[step.code] < 0) return std::string(token);
    bytes += char(kBytes[step.code]);
    rest.remove_prefix(size_t(step.bytes));
  }
  return bytes;
}

std::string Bpe::raw(std::string_view token) const {
  return byte_level_ ? bytes_of_token(token) : std::string(token);
}

Bpe::Bpe(const nlohmann::json &model, const std::string &name, bool byte_level) : byte_level_(byte_level) {
  const std::string type = model.is_object() ? model.value("type", nlohmann::json("BPE")).dump() : "null";
  refuse(type != "\"BPE\"", name, "model " + type + " is not supported; there is \"BPE\"");
  for (const char *key : {"dropout", "continuing_subword_prefix", "end_of_word_suffix"})
    refuse_setting(model, key, name);
  if (byte_level) refuse_setting(model, "byte_fallback", name);  // every byte is a character there
  fuse_unknown_ = model.contains("fuse_unk") && model["fuse_unk"] == true;
  whole_words_first_ = model.contains("ignore_merges") && model["ignore_merges"] == true;

  const auto vocabulary = model.find("vocab");
  refuse(vocabulary == model.end() || !vocabulary->is_object() || vocabulary->empty(), name,
         "model has no vocab, expected an object of token: id");
  std::unordered_map<std::string, int> by_text;
  std::fill(std::begin(byte_ids_), std::end(byte_ids_), -1);
  for (const auto &[token, id] : vocabulary->items()) {
    refuse(!id.is_number_unsigned() || id.get<uint64_t>() >= kLargestId, name,
           "token '" + token + "' has id " + id.dump() + ", expected 0 to " + std::to_string(kLargestId - 1));
    const int number = id.get<int>();
    if (size_t(number) >= bytes_.size()) bytes_.resize(size_t(number) + 1);
    const std::string bytes = raw(token);
    bytes_[size_t(number)] = bytes;
    ids_.emplace(bytes, number);
    by_text.emplace(token, number);
  }
  if (model.contains("byte_fallback") && model["byte_fallback"] == true) {
    for (int byte = 0; byte < 256; ++byte) {
      char text[8];
      std::snprintf(text, sizeof text, "<0x%02X>", byte);
      const auto found = by_text.find(text);
      if (found != by_text.end()) byte_ids_[byte] = found->second;
    }
  }
  if (const auto token = model.find("unk_token"); token != model.end() && token->is_string()) {
    const auto found = by_text.find(token->get<std::string>());
    unknown_ = found == by_text.end() ? -1 : found->second;
  }
  const auto merges = model.find("merges");
  refuse(merges == model.end() || !merges->is_array(), name, "model has no merges, expected an array");
  read_merges(*merges, by_text, name);
}

/// A merge is ["a", "b"] or, in older files, "a b".
void Bpe::read_merges(const nlohmann::json &merges, const std::unordered_map<std::string, int> &vocabulary,
                      const std::string &name) {
  merges_.reserve(merges.size());
  for (size_t rank = 0; rank < merges.size(); ++rank) {
    const auto &merge = merges[rank];
    std::string left, right;
    if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
      left = merge[0].get<std::string>();
      right = merge[1].get<std::string>();
    } else if (merge.is_string()) {
      const auto text = merge.get<std::string>();
      const auto space = text.find(' ');
      if (space != std::string::npos) {
        left = text.substr(0, space);
        right = text.substr(space + 1);
      }
    }
    const auto a = vocabulary.find(left), b = vocabulary.find(right), both = vocabulary.find(left + right);
    refuse(
        a == vocabulary.end() || b == vocabulary.end() || both == vocabulary.end(), name,
        "merge " + std::to_string(rank) + " (" + merge.dump() + ") is no pair of tokens that make a third");
    merges_.insert_or_assign(pair_key(a->second, b->second), Merge{int(rank), both->second});
  }
}

int Bpe::id_of(std::string_view token) const {
  const auto found = ids_.find(raw(token));
  return found == ids_.end() ? -1 : found->second;
}

std::vector<int> Bpe::units(std::string_view word) const {
  std::vector<int> ids;
  ids.reserve(word.size());
  bool unknown = false;  // one is owed: it comes before the next character that is known
  while (!word.empty()) {
    const std::string unit(word.substr(0, byte_level_ ? 1 : size_t(next_utf8(word).bytes)));
    word.remove_prefix(unit.size());
    if (const auto found = ids_.find(unit); found != ids_.end()) {
      if (std::exchange(unknown, false)) ids.push_back(unknown_);
      ids.push_back(found->second);
    } else if (std::all_of(unit.begin(), unit.end(), [&](char c) { return byte_ids_[uint8_t(c)] >= 0; })) {
      for (const char c : unit) ids.push_back(byte_ids_[uint8_t(c)]);
    } else if (unknown_ >= 0) {  // where there is none, the character is left out, as the reference does
      if (std::exchange(unknown, true) && !fuse_unknown_) ids.push_back(unknown_);
    }
  }
  if (unknown) ids.push_back(unknown_);
  return ids;
}

void Bpe::encode(std::string_view word, std::vector<int> &out) const {
  if (whole_words_first_) {
    if (const auto whole = ids_.find(std::string(word)); whole != ids_.end()) {
      out.push_back(whole->second);
      return;
    }
  }
  // A doubly linked list of tokens in arrays; a token merged into its left neighbour has id -1.
  struct Piece {
    int id, previous, next;  // next: -1 at the end
  };
  std::vector<Piece> pieces;
  for (const int id : units(word)) {
    const int here = int(pieces.size());
    if (here) pieces.back().next = here;
    pieces.push_back({id, here - 1, -1});
  }
  struct Candidate {
    int rank, at, left, right,
        id;  // merging pieces[at] with its next; left, right: their ids when it was seen
    bool operator>(const Candidate &other) const {
      return rank != other.rank ? rank > other.rank : at > other.at;
    }
  };
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue;
  const auto consider = [&](int at) {
    if (at < 0 || pieces[size_t(at)].next < 0) return;
    const int left = pieces[size_t(at)].id, right = pieces[size_t(pieces[size_t(at)].next)].id;
    if (const auto merge = merges_.find(pair_key(left, right)); merge != merges_.end())
      queue.push({merge->second.rank, at, left, right, merge->second.id});
  };
  for (int i = 0; i + 1 < int(pieces.size()); ++i) consider(i);
  while (!queue.empty()) {
    const Candidate best = queue.top();
    queue.pop();
    Piece &piece = pieces[size_t(best.at)];
    if (piece.id != best.left || piece.next < 0 || pieces[size_t(piece.next)].id != best.right)
      continue;  // outdated
    Piece &gone = pieces[size_t(piece.next)];
    piece.id = best.id;
    piece.next = gone.next;
    gone.id = -1;
    if (piece.next >= 0) pieces[size_t(piece.next)].previous = best.at;
    consider(piece.previous);
    consider(best.at);
  }
  for (int at = pieces.empty() ? -1 : 0; at >= 0; at = pieces[size_t(at)].next)
    out.push_back(pieces[size_t(at)].id);
}

}  // namespace vtok
