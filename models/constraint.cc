// Masks of logits, and what they tell of choices.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/constraint.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "models/error.h"
#include "models/tokenizer/utf8.h"

namespace vtok {

Vocabulary::Vocabulary(const Tokenizer &tokenizer, std::vector<int> ends)
    : bytes_(size_t(tokenizer.size())), end_tokens(std::move(ends)) {
  for (int id = 0; id < tokenizer.size(); ++id)
    if (!tokenizer.special(id)) bytes_[size_t(id)] = tokenizer.bytes(id);
  for (int id = 0; id < tokenizer.size(); ++id) {
    if (bytes(id).find(' ') == std::string::npos) continue;
    const auto stream = tokenizer.stream();
    const std::string begins = stream->push(id), opening = begins + stream->finish();
    if (opening != bytes(id) && valid_utf8(bytes(id))) openings_[id] = opening;
  }
  for (const std::string &token : bytes_)
    if (token.size() == 1) alone_.set(uint8_t(token[0]));
}

bool Vocabulary::spells(std::string_view text) const {
  return std::all_of(text.begin(), text.end(), [&](char byte) { return alone_[uint8_t(byte)]; });
}

Constraint::Constraint(std::shared_ptr<const Vocabulary> vocabulary, Grammar grammar,
                       std::vector<std::string> choices)
    : vocabulary_(std::move(vocabulary)),
      choices_(std::move(choices)),
      shares_(choices_.size(), 1),
      possible_(choices_.size(), true),
      grammar_(std::move(grammar)),
      place_(grammar_.start()) {}

std::unique_ptr<Constraint> Constraint::of_choices(std::shared_ptr<const Vocabulary> vocabulary,
                                                   std::vector<std::string> choices) {
  for (const std::string &choice : choices)
    if (!vocabulary->spells(choice)) throw CannotBeMet("the model's vocabulary cannot spell the choice '" + choice + "'");
  Grammar grammar = choices_grammar(choices);
  return std::make_unique<Constraint>(std::move(vocabulary), std::move(grammar), std::move(choices));
}

std::unique_ptr<Constraint> Constraint::of_schema(std::shared_ptr<const Vocabulary> vocabulary,
                                                  const std::string &schema, int most) {
  auto made =
      std::make_unique<Constraint>(std::move(vocabulary), schema_grammar(schema), std::vector<std::string>());
  const int least = made->grammar_.left(made->place_);
  if (least > most)
    throw CannotBeMet("the schema's shortest answer has " + std::to_string(least) +
                             " bytes, max-new-tokens is " + std::to_string(most) + ": raise it");
  return made;
}

int Constraint::longest() const {
  size_t most = 0;
  for (const std::string &choice : choices_) most = std::max(most, choice.size());
  return int(most);
}

bool Constraint::allowed(int id, int left) {
  const std::string &next = bytes(id);
  if (next.empty()) return false;
  const int after = grammar_.after(place_, next);
  return after != GrammarState::kNowhere && grammar_.left(after) <= left - 1;
}

void Constraint::mask(std::span<float> logits, int left) {
  constexpr float kNever = -std::numeric_limits<float>::infinity();
  const int known = std::min(int(logits.size()), vocabulary_->size());
  std::vector<int> ids;
  const auto &ends = vocabulary_->end_tokens;
  for (int id = 0; id < int(logits.size()); ++id) {
    const bool end = std::find(ends.begin(), ends.end(), id) != ends.end();
    if (end ? grammar_.left(place_) == 0 : id < known && allowed(id, left))
      ids.push_back(id);
    else
      logits[size_t(id)] = kNever;
  }
  if (ids.empty()) throw CannotBeMet("no token of the model goes on with what the answer may be");
  if (!choices_.empty()) weigh(logits, ids);
}

// The share of each choice that is still possible: of the allowed ids, those that lead to it.
void Constraint::weigh(std::span<const float> logits, const std::vector<int> &ids) {
  double top = -std::numeric_limits<double>::infinity(), sum = 0;
  for (const int id : ids) top = std::max(top, double(logits[size_t(id)]));
  std::vector<double> share(choices_.size());
  const auto &ends = vocabulary_->end_tokens;
  for (const int id : ids) {
    const double weight = std::exp(double(logits[size_t(id)]) - top);
    sum += weight;
    const bool end = std::find(ends.begin(), ends.end(), id) != ends.end();
    for (size_t i = 0; i < choices_.size(); ++i) {
      if (!possible_[i]) continue;
      const std::string_view rest = std::string_view(choices_[i]).substr(taken_);
      if (end ? rest.empty() : !rest.empty() && rest.starts_with(bytes(id))) share[i] += weight;
    }
  }
  for (size_t i = 0; i < choices_.size(); ++i)
    if (possible_[i]) shares_[i] *= share[i] / sum;
}

bool Constraint::take(int id) {
  const std::string &next = bytes(id);
  for (size_t i = 0; i < choices_.size(); ++i)
    possible_[i] = possible_[i] && std::string_view(choices_[i]).substr(taken_).starts_with(next);
  taken_ += next.size();
  begun_ = true;
  place_ = grammar_.after(place_, next);
  return grammar_.more(place_);
}

}  // namespace vtok
