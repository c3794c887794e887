// A checkpoint's tensors, each as a layer wants it: where the file is mapped, or copied once.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "models/error.h"
#include "models/layers.h"
#include "models/threads.h"

namespace vtok {
namespace {

std::string text(at::IntArrayRef shape) {
  std::string out = "[";
  for (size_t i = 0; i < shape.size(); ++i) out += (i ? ", " : "") + std::to_string(shape[i]);
  return out + "]";
}

at::ScalarType stored_type(const std::string &name, const TensorView &view) {
  if (view.dtype == "F32") return at::kFloat;
  if (view.dtype == "BF16") return at::kBFloat16;
  if (view.dtype == "F16") return at::kHalf;
  throw std::runtime_error("tensor " + name + " has type " + view.dtype + "; expected F32, BF16 or F16");
}

}  // namespace

Weights::Weights(std::shared_ptr<const Checkpoint> checkpoint, const Placement &placement, Progress progress,
                 std::vector<std::string> prefixes)
    : checkpoint_(std::move(checkpoint)), placement_(placement), progress_(std::move(progress)) {
  share_threads();
  for (const auto &[name, view] : checkpoint_->tensors.tensors)
    for (const auto &prefix : prefixes)
      if (name.rfind(prefix, 0) == 0) total_ += view.data.size();
}

bool Weights::has(const std::string &name) const { return checkpoint_->tensors.tensors.count(name) != 0; }

at::Tensor Weights::get(const std::string &name, at::IntArrayRef shape) {
  return load(name, shape, scalar_type(placement_.type));
}
at::Tensor Weights::get_float(const std::string &name, at::IntArrayRef shape) {
  return load(name, shape, at::kFloat);
}

Weights::Stored Weights::find(const std::string &name, at::IntArrayRef shape) {
  const auto found = checkpoint_->tensors.tensors.find(name);
  if (found == checkpoint_->tensors.tensors.end())
    throw std::runtime_error(checkpoint_->folder + " has no tensor " + name + "; expected shape " +
                             text(shape));
  const TensorView &view = found->second;
  if (at::IntArrayRef(view.shape) != shape)
    throw std::runtime_error("tensor " + name + " has shape " + text(view.shape) + "; expected " +
                             text(shape));
  if (progress_ && total_ > 0 && !progress_(done_ / total_)) throw Cancelled();
  const at::ScalarType stored = stored_type(name, view);
  void *bytes =
      const_cast<std::byte *>(view.data.data());  // mapped read-only; nothing here writes to weights
  if (reinterpret_cast<uintptr_t>(bytes) % at::elementSize(stored))
    throw std::runtime_error("tensor " + name + " is not aligned to its number type");
  return {at::from_blob(
              bytes, shape, [keep = checkpoint_](void *) {}, at::TensorOptions(stored)),
          view.data};
}

void Weights::done(const Stored &stored) {
  done_ += double(stored.bytes.size());
  if (progress_ && total_ > 0 && !progress_(std::min(1.0, done_ / total_))) throw Cancelled();
}

at::Tensor Weights::fresh(at::IntArrayRef shape, at::ScalarType type) {
  if (placement_.device >= 0) return at::empty(shape, at::TensorOptions(type).device(torch_device(placement_)));
  const size_t bytes = size_t(c10::multiply_integers(shape)) * at::elementSize(type);
  return at::from_blob(memory_->take(bytes), shape, [keep = memory_](void *) {}, at::TensorOptions(type));
}

void Weights::copy(const Stored &stored, at::Tensor to) {
  to.copy_(stored.mapped);
  checkpoint_->tensors.let_go(stored.bytes);
  done(stored);
}

at::Tensor Weights::load(const std::string &name, at::IntArrayRef shape, at::ScalarType type) {
  const Stored stored = find(name, shape);
  if (placement_.device >= 0 || stored.mapped.scalar_type() != type) {
    const at::Tensor out = fresh(shape, type);
    copy(stored, out);
    return out;
  }
  checkpoint_->tensors.make_resident(stored.bytes);
  done(stored);
  return stored.mapped;
}

at::Tensor Weights::joined(const std::vector<std::string> &names, const std::vector<int64_t> &rows,
                           at::IntArrayRef row) {
  std::vector<int64_t> shape = row.vec();
  shape.insert(shape.begin(), std::accumulate(rows.begin(), rows.end(), int64_t(0)));
  const at::Tensor out = fresh(shape, scalar_type(placement_.type));
  int64_t at = 0;
  for (size_t i = 0; i < names.size(); ++i) {
    shape[0] = rows[i];
    copy(find(names[i], shape), out.narrow(0, at, rows[i]));
    at += rows[i];
  }
  return out;
}

}  // namespace vtok
