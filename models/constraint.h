// Keeps an answer to what it may be while it is decoded: whatever the model prefers, the text is complete and
// allowed.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <bitset>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/grammar.h"
#include "models/tokenizer.h"

namespace vtok {

/// Each id's bytes; empty for special ids and those that have none. Immutable, for many questions.
class Vocabulary {
  std::vector<std::string> bytes_;
  std::map<int, std::string> openings_;  // of ids that say something else where a text begins
  std::bitset<256> alone_;  // bytes that are a token by themselves

 public:
  Vocabulary(const Tokenizer &tokenizer, std::vector<int> end_tokens);
  const std::string &bytes(int id) const { return bytes_[size_t(id)]; }
  /// The same of an answer's first id: tokenizers of Llama's kind have words with the space before them, which
  /// no text begins with.
  const std::string &opening(int id) const {
    const auto found = openings_.find(id);
    return found == openings_.end() ? bytes(id) : found->second;
  }
  int size() const { return int(bytes_.size()); }
  bool spells(std::string_view text) const;  // a token for each of its bytes alone: no way to it has a dead end
  const std::vector<int> end_tokens;
};

/// One answer's. mask(), then take() with what was chosen, until take() says that nothing can follow.
class Constraint {
  const std::shared_ptr<const Vocabulary> vocabulary_;
  const std::vector<std::string> choices_;  // empty: a schema's
  std::vector<double> shares_;              // of each choice so far; those passed by keep theirs
  std::vector<bool> possible_;              // choices that begin with what was taken
  size_t taken_ = 0;                        // bytes
  bool begun_ = false;                      // an id was taken
  GrammarState grammar_;
  int place_;

  const std::string &bytes(int id) const { return begun_ ? vocabulary_->bytes(id) : vocabulary_->opening(id); }
  bool allowed(int id, int left);
  void weigh(std::span<const float> logits, const std::vector<int> &ids);

 public:
  /// Throws CannotBeMet where the vocabulary has no way to say a choice.
  static std::unique_ptr<Constraint> of_choices(std::shared_ptr<const Vocabulary> vocabulary,
                                                std::vector<std::string> choices);
  /// Throws CannotBeMet where not even the shortest of what is allowed fits `most` tokens, of a byte each at worst.
  static std::unique_ptr<Constraint> of_schema(std::shared_ptr<const Vocabulary> vocabulary,
                                               const std::string &schema, int most);
  Constraint(std::shared_ptr<const Vocabulary> vocabulary, Grammar grammar, std::vector<std::string> choices);

  int longest() const;  // bytes of the longest choice
  /// Ids that lead nowhere become -inf, and those after which `left` - 1 more tokens might not do. Throws
  /// CannotBeMet where none is left.
  void mask(std::span<float> logits, int left);
  /// False: the text is complete and nothing can follow. Not for end tokens.
  bool take(int id);
  /// How likely the model would say each choice if it had to say one: exact for the answer, and for two
  /// choices that begin differently; for the others as far as they were come to.
  const std::vector<double> &shares() const { return shares_; }
};

}  // namespace vtok
