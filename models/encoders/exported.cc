// The encoder that is a user's program (models/families/exported.h).
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/encoders/exported.h"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "kernels/turns.h"
#include "models/encoders/step_tokens.h"
#include "models/error.h"
#include "models/torch_error.h"

namespace vtok {
namespace {

constexpr int kTogether = 8;  // pictures of several streams, where any number may be one call

std::string shape(at::IntArrayRef sizes) {
  std::string text;
  for (const int64_t size : sizes) text += (text.empty() ? "[" : ", ") + std::to_string(size);
  return text + "]";
}

void go_on(const Progress &progress, double done) {
  if (progress && !progress(done)) throw Cancelled();
}

}  // namespace

ExportedEncoder::ExportedEncoder(std::shared_ptr<const Checkpoint> checkpoint, const Placement &placement,
                                 const Progress &progress)
    : model_(read_exported(*checkpoint)),
      placement_(placement),
      together_(size_t(model_.batch ? model_.batch : kTogether)),
      pixels_(model_.video),
      program_((go_on(progress, 0), load_program(model_.program, placement))),
      stream_(placement.device) {
  const std::array<uint8_t, 3> grey = {127, 127, 127};
  const Picture picture = {grey.data(), 1, 1, 3};
  const std::vector<Picture> two = {picture, picture};
  go_on(progress, 0.5);
  compute(std::span(two).first(1));
  if (!model_.batch) compute(two);
  go_on(progress, 1);
}

at::Tensor ExportedEncoder::call(const at::Tensor &pixels) {
  const int64_t n = pixels.size(0), rows = model_.grid.height, columns = model_.grid.width;
  const std::vector<int64_t> listed = {n, rows * columns, model_.hidden},
                             mapped = {n, model_.hidden, rows, columns};
  at::Tensor out;
  try {
    out = (*program_)(pixels.to(torch_device(placement_), scalar_type(model_.type)));
  } catch (const c10::OutOfMemoryError &) {
    throw;
  } catch (...) {
    throw std::runtime_error(model_.program + " fails on " + shape(pixels.sizes()) + ": " +
                             sentence(std::current_exception()));
  }
  if (!out.is_floating_point() || (out.sizes() != listed && out.sizes() != mapped))
    throw std::runtime_error(model_.program + " makes " + c10::toString(out.scalar_type()) + " " +
                             shape(out.sizes()) + " of frames " + shape(pixels.sizes()) +
                             ", expected floating-point numbers " + shape(listed) + " or " + shape(mapped) +
                             " (encoder.json: grid, hidden_size, batch)");
  if (out.dim() == 4) out = out.flatten(2).transpose(1, 2);
  return out.to(torch_device(placement_), scalar_type(placement_.type));
}

at::Tensor ExportedEncoder::tokens(const at::Tensor &pixels) {
  if (!model_.batch) return call(pixels).contiguous();
  std::vector<at::Tensor> made;
  for (int64_t first = 0, n = pixels.size(0); first < n; first += model_.batch) {
    const int64_t count = std::min<int64_t>(model_.batch, n - first);
    at::Tensor part = pixels.narrow(0, first, count);
    if (count < model_.batch) {  // what fills it up is seen by nobody
      std::vector<int64_t> missing = part.sizes().vec();
      missing[0] = model_.batch - count;
      part = at::cat({part, at::zeros(missing)});
    }
    made.push_back(call(part).narrow(0, 0, count));
  }
  return at::cat(made).contiguous();
}

std::vector<Tokens> ExportedEncoder::encode(std::span<const Picture> pictures) {
  if (pictures.empty()) return {};
  return together_.run(pictures, [this](std::span<const Picture> batch) {
    return in_sentences([&] { return compute(batch); });
  });
}

std::vector<Tokens> ExportedEncoder::compute(std::span<const Picture> pictures) {
  const c10::InferenceMode guard;
  const std::lock_guard lock(mutex_);
  const auto entered = stream_.enter();
  at::Tensor all;
  const auto work = [&] {
    const c10::InferenceMode turn_guard;
    all = tokens(pixels_(pictures));
  };
  placement_.device < 0 ? in_turn(work) : work();
  if (!stream_.get()) all = all.to(at::kCPU);  // from a GPU that our kernels do not run on
  std::vector<Tokens> out;
  for (size_t i = 0; i < pictures.size(); ++i)
    out.push_back(step_tokens(all[int64_t(i)], placement_.type, model_.grid.width, 1, stream_));
  return out;
}

}  // namespace vtok
