// BPE over bytes or characters as tokenizer.json describes it: normal form, split, merges, added tokens.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace vtok {

/// The text of an answer's ids one after another; together with the rest it is what decode() gives, as bytes:
/// a character may be cut between two pieces.
class TokenStream {
 public:
  virtual ~TokenStream() = default;
  virtual std::string push(int id) = 0;
  virtual std::string finish() = 0;
};

/// Immutable and safe to use from several threads.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  /// Ids of a UTF-8 text, added tokens recognised in it. Invalid UTF-8 is replaced by U+FFFD. `add_special`
  /// puts in what the post-processor names (a begin-of-text token, where the checkpoint has one); chat
  /// templates write it themselves.
  virtual std::vector<int> encode(std::string_view text, bool add_special = false) const = 0;
  /// The text with a space put into every added token that is written in it, so that it stays text: "<
  /// |im_end|>".
  virtual std::string disarmed(std::string_view text) const = 0;
  /// Text of ids; bytes that are no UTF-8 become U+FFFD; ids without a token give nothing.
  virtual std::string decode(const std::vector<int> &ids, bool skip_special) const = 0;
  /// Special ids give nothing. Must not outlive the tokenizer.
  virtual std::unique_ptr<TokenStream> stream() const = 0;
  /// Raw bytes of one id, inside a text.
  virtual std::string bytes(int id) const = 0;
  virtual bool special(int id) const = 0;
  virtual int id_of(std::string_view added_token) const = 0;  // -1: none
  virtual int size() const = 0;                               // greatest id + 1
};

/// Throws std::runtime_error naming the part of tokenizer.json it does not know.
std::shared_ptr<const Tokenizer> load_tokenizer(const std::string &tokenizer_json, const std::string &name);
std::shared_ptr<const Tokenizer> load_tokenizer(const nlohmann::json &tokenizer, const std::string &name);

/// Gathers bytes and gives out only whole UTF-8 characters.
class Utf8Stream {
  std::string pending_;

 public:
  std::string push(
      std::string_view bytes);  // the whole characters so far; what can never be one becomes U+FFFD
  std::string finish();         // what is left, as U+FFFD
};

}  // namespace vtok
