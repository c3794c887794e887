// Byte-pair encoding of one word: its bytes or characters become tokens, then again and again the pair learnt
// first merges.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace vtok {

/// The printable character by which byte-level tokenizers write a byte (GPT-2's table): itself where it is
/// printable Latin-1, else U+0100 and up.
char32_t byte_character(uint8_t byte);
/// The bytes that a token's text stands for; the text itself where a character is none of the table's.
std::string bytes_of_token(std::string_view token);

class Bpe {
  struct Merge {
    int rank;  // 0: learnt first
    int id;    // of the merged token
  };
  bool byte_level_;                             // tokens are written in byte_character(); else as they are
  std::unordered_map<std::string, int> ids_;    // by raw bytes
  std::unordered_map<uint64_t, Merge> merges_;  // by (left id << 32 | right id)
  std::vector<std::string> bytes_;              // by id
  int byte_ids_[256];                           // of "<0x41>", where characters fall back to bytes; -1: none
  int unknown_ = -1;
  bool fuse_unknown_ = false;       // a run of unknown characters is one unknown token
  bool whole_words_first_ = false;  // ignore_merges: a word in the vocabulary is one token

  std::string raw(std::string_view token) const;
  std::vector<int> units(std::string_view word) const;  // what merging starts from
  void read_merges(const nlohmann::json &merges, const std::unordered_map<std::string, int> &vocabulary,
                   const std::string &name);

 public:
  /// `model`: tokenizer.json's. Throws std::runtime_error.
  Bpe(const nlohmann::json &model, const std::string &name, bool byte_level);
  /// Appends the tokens of one word (raw bytes); n log n in its length.
  void encode(std::string_view word, std::vector<int> &out) const;
  int id_of(std::string_view token) const;  // by its text in the vocabulary; -1: none
  const std::string &bytes(int id) const { return bytes_[size_t(id)]; }
  int size() const { return int(bytes_.size()); }
};

}  // namespace vtok
