// BPE over bytes or characters as tokenizer.json describes it: normal form, split, merges, added tokens.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/tokenizer.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <unordered_map>

#include "models/json.h"
#include "models/tokenizer/added.h"
#include "models/tokenizer/bpe.h"
#include "models/tokenizer/decoder.h"
#include "models/tokenizer/normalizer.h"
#include "models/tokenizer/post_processor.h"
#include "models/tokenizer/pretokenizer.h"
#include "models/tokenizer/utf8.h"

namespace vtok {
namespace {

constexpr size_t kRememberedWord = 64;  // bytes; longer words hardly come twice

const nlohmann::json &part(const nlohmann::json &object, const char *key) {
  static const nlohmann::json kNull;
  const auto found = object.is_object() ? object.find(key) : object.end();
  return found == object.end() ? kNull : *found;
}

std::string type_of(const nlohmann::json &step) {
  return step.is_object() && step.contains("type") ? step["type"].dump() : step.dump();
}

class BpeTokenizer : public Tokenizer {
  Normalizer normalizer_;
  PreTokenizers split_;
  TokenDecoder decoder_;
  Bpe bpe_;
  AddedFinder raw_, normalized_;  // added tokens looked for before and after normalising
  AddedFinder normalized_as_written_;
  std::unordered_map<int, std::string> normal_;  // texts that normalized_ looks for
  std::unordered_map<int, AddedToken> added_;
  std::unordered_map<std::string, int> added_ids_;
  Surroundings frame_;
  int size_;

  struct ByteStream : TokenStream {
    const BpeTokenizer &tokenizer;
    explicit ByteStream(const BpeTokenizer &from) : tokenizer(from) {}
    std::string push(int id) override { return tokenizer.special(id) ? "" : tokenizer.bytes(id); }
    std::string finish() override { return ""; }
  };
  struct PieceStream : TokenStream {
    const BpeTokenizer &tokenizer;
    DecoderStream stream;
    explicit PieceStream(const BpeTokenizer &from) : tokenizer(from), stream(from.decoder_) {}
    std::string push(int id) override {
      return tokenizer.skipped(id) || !tokenizer.known(id) ? "" : stream.push(tokenizer.text(id));
    }
    std::string finish() override { return stream.finish(); }
  };

  bool known(int id) const {
    return added_.contains(id) || (id >= 0 && id < bpe_.size() && !bpe_.bytes(id).empty());
  }
  /// As it is written in the vocabulary, where that is not byte-level. The reference writes an added token
  /// that is looked for after normalising as it is looked for,
  const std::string &text(int id) const {
    const auto token = added_.find(id);
    return token == added_.end()      ? bpe_.bytes(id)
           : token->second.normalized ? normal_.at(id)
                                      : token->second.content;
  }
  /// and does not know it as special then.
  bool skipped(int id) const { return special(id) && text(id) == added_.at(id).content; }

  using Memo = std::unordered_map<std::string_view, std::vector<int>>;  // words of one encode()

  void encode_plain(std::string_view text, Memo &memo, Words &words, std::vector<int> &out) const {
    words.words = {text};
    for (const auto &step : split_.steps) step->split(words);
    words.at_start = false;
    for (const auto word : words.words) {
      if (word.size() > kRememberedWord) {
        bpe_.encode(word, out);
        continue;
      }
      const auto [entry, fresh] = memo.try_emplace(word);
      if (fresh) bpe_.encode(word, entry->second);
      out.insert(out.end(), entry->second.begin(), entry->second.end());
    }
  }

 public:
  BpeTokenizer(const nlohmann::json &file, const std::string &name)
      : normalizer_(part(file, "normalizer"), name),
        split_(make_pre_tokenizers(part(file, "pre_tokenizer"), name)),
        decoder_(part(file, "decoder"), name),
        bpe_(part(file, "model"), name, split_.byte_level),
        size_(bpe_.size()) {
    if (decoder_.byte_level != split_.byte_level)
      throw std::runtime_error(name + ": decoder " + type_of(part(file, "decoder")) +
                               " does not fit pre_tokenizer " + type_of(part(file, "pre_tokenizer")) +
                               ", expected ByteLevel in both or neither");
    frame_ = read_post_processor(part(file, "post_processor"), name);
    for (AddedToken token : read_added_tokens(part(file, "added_tokens"), name)) {
      // Hugging Face tokenizers keep the vocabulary's id where the text is in both.
      if (const int id = bpe_.id_of(token.content); id >= 0) token.id = id;
      if (token.normalized) {
        normal_[token.id] = normalizer_.apply(token.content);
        normalized_.add(token, normal_[token.id]);
        normalized_as_written_.add(token, token.content);
      } else {
        raw_.add(token, token.content);
      }
      added_ids_.emplace(token.content, token.id);
      size_ = std::max(size_, token.id + 1);
      added_.emplace(token.id, token);
    }
  }

  std::vector<int> encode(std::string_view text, bool add_special) const override {
    std::string repaired;
    if (!valid_utf8(text)) text = repaired = repaired_utf8(text);
    std::vector<int> out = add_special ? frame_.before : std::vector<int>{};
    for (const Stretch &stretch : raw_.split(text)) {
      if (stretch.id >= 0) {
        out.push_back(stretch.id);
        continue;
      }
      const std::string normal = normalizer_.apply(stretch.text);
      Memo memo;
      Words words;
      words.at_start = stretch.text.data() == text.data();
      for (const Stretch &inner : normalized_.split(normal)) {
        if (inner.id < 0)
          encode_plain(inner.text, memo, words, out);
        else
          out.push_back(inner.id), words.at_start = false;
      }
    }
    if (add_special) out.insert(out.end(), frame_.after.begin(), frame_.after.end());
    return out;
  }

  std::string disarmed(std::string_view text) const override {
    std::string out(text);
    for (bool found = true; found;) {  // taking one apart may leave another in one piece
      found = false;
      for (const AddedFinder *finder : {&raw_, &normalized_, &normalized_as_written_}) {
        std::string apart;
        for (const Stretch &stretch : finder->split(out)) {
          std::string piece(stretch.text);
          if (stretch.id >= 0) {
            size_t at = piece.find_first_not_of(" \t\r\n");
            at = at == std::string::npos ? 0 : at;
            at += size_t(next_utf8(std::string_view(piece).substr(at)).bytes);
            if (at < piece.size()) {
              piece.insert(at, " ");
              found = true;
            }
          }
          apart += piece;
        }
        out = std::move(apart);
      }
      if (out.size() > 2 * text.size() + 64)
        break;  // a token that holds its own disarmed form: each pass adds a space
    }
    return out;
  }

  std::string decode(const std::vector<int> &ids, bool skip_special) const override {
    std::string all;
    if (decoder_.byte_level) {
      for (const int id : ids)
        if (!skip_special || !special(id)) all += bytes(id);
      return repaired_utf8(all);
    }
    DecoderStream stream(decoder_);
    for (const int id : ids)
      if (known(id) && (!skip_special || !skipped(id))) all += stream.push(text(id));
    return all + stream.finish();
  }

  std::unique_ptr<TokenStream> stream() const override {
    if (decoder_.byte_level) return std::make_unique<ByteStream>(*this);
    return std::make_unique<PieceStream>(*this);
  }

  std::string bytes(int id) const override {
    if (!known(id)) return "";
    if (decoder_.byte_level) {
      const auto token = added_.find(id);
      return token != added_.end() ? bytes_of_token(token->second.content) : bpe_.bytes(id);
    }
    const int byte = decoder_.byte_of(text(id));
    return byte >= 0 ? std::string(1, char(byte)) : decoder_.replaced(text(id));
  }

  bool special(int id) const override {
    const auto token = added_.find(id);
    return token != added_.end() && token->second.special;
  }

  int id_of(std::string_view added_token) const override {
    const auto found = added_ids_.find(std::string(added_token));
    return found == added_ids_.end() ? -1 : found->second;
  }

  int size() const override { return size_; }
};

}  // namespace

std::shared_ptr<const Tokenizer> load_tokenizer(const nlohmann::json &tokenizer, const std::string &name) {
  if (!tokenizer.is_object()) throw std::runtime_error(name + " is no object");
  return std::make_shared<BpeTokenizer>(tokenizer, name);
}

std::shared_ptr<const Tokenizer> load_tokenizer(const std::string &tokenizer_json, const std::string &name) {
  return load_tokenizer(parse_json(tokenizer_json, name), name);
}

}  // namespace vtok
