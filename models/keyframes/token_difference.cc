// Keyframe method `difference` for tokens: the greatest cosine distance of a token to the one in its place in
// the last kept frame.
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The distance is 1 minus the cosine, as of consecutive frames in DTD and EVS; against the last *kept* frame
// it does not lose what changes slowly. The greatest does not fade as the rest of the picture stands still.
#include <algorithm>
#include <utility>
#include <vector>

#include "kernels/cosine.h"
#include "models/keyframe.h"
#include "models/norms.h"

namespace vtok {
namespace {

struct Look {
  int n = 0, d = 0;
  std::vector<float> rows, norms;                     // [n, d], [n]; of the tokens' first level
  std::vector<std::pair<uint16_t, uint16_t>> places;  // [n]

  Look() = default;
  explicit Look(const Tokens &frame) {
    const auto stream = host_device().make_stream();
    const Keys keys = keys_of(to_float32(to_host(frame)), stream);
    n = frame.n, d = keys.dim();
    rows.assign(keys.rows(), keys.rows() + size_t(n) * size_t(d));
    norms.assign(keys.norms.data(), keys.norms.data() + n);
    for (const Record &record : frame.records) places.emplace_back(record.row, record.column);
  }
};

class TokenDifference : public Selector<Tokens> {
  Look kept_;

 public:
  double change(const Tokens &frame) override {
    const Look now(frame);
    if (now.n == 0 || now.d != kept_.d || now.n != kept_.n || now.places != kept_.places) return 1;
    double most = 0;
    for (int i = 0; i < now.n; i++) {
      const size_t row = size_t(i) * size_t(now.d);
      const double cos =
          cosine(&now.rows[row], &kept_.rows[row], now.d, now.norms[size_t(i)], kept_.norms[size_t(i)]);
      most = std::max(most, 1 - cos);
    }
    return std::min(1., most);  // opposite directions are no greater a change than right angles
  }
  void keep(const Tokens &frame) override { kept_ = Look(frame); }
  void reset() override { kept_ = {}; }
};

}  // namespace

std::unique_ptr<Selector<Tokens>> make_token_difference() { return std::make_unique<TokenDifference>(); }

}  // namespace vtok
