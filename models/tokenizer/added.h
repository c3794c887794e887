// Added tokens: texts such as "<|im_end|>" that are one token wherever they stand.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace vtok {

struct AddedToken {
  int id = 0;
  std::string content;
  bool lstrip = false, rstrip = false;  // swallows white space before, after it
  bool single_word = false;             // only where no word character touches it
  bool normalized = false;              // is looked for in the normalised text
  bool special = false;                 // left out where special tokens are skipped
};
/// `tokens`: tokenizer.json's added_tokens. Throws std::runtime_error.
std::vector<AddedToken> read_added_tokens(const nlohmann::json &tokens, const std::string &name);

/// A stretch of text: an added token, or text between them (id -1).
struct Stretch {
  std::string_view text;
  int id = -1;
};

/// Finds added tokens: at each place the longest one, from left to right.
class AddedFinder {
  std::vector<AddedToken> tokens_;
  std::unordered_map<uint64_t, int> children_;  // a trie: (node << 8 | byte) -> node; node 0 is the root
  std::vector<int> ends_;                       // by node: index in tokens_, -1: none ends here

 public:
  AddedFinder() : ends_{-1} {}
  void add(const AddedToken &token, std::string_view pattern);
  std::vector<Stretch> split(std::string_view text) const;  // text: valid UTF-8
};

}  // namespace vtok
