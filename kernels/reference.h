// The reference of every kernel, one function each; kernels.h says what they compute.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include "kernels/kernels.h"

namespace vtok::reference {

void preprocess(const Preprocess &, Stream *);
void change(const Change &, Stream *);
void histogram(const Histogram &, Stream *);
void norms(const Norms &, Stream *);
void similarity(const Similarity &, Stream *);
void components(const Components &, Stream *);
void tree(const Tree &, Stream *);
void nearest(const Nearest &, Stream *);
void cosines_of_nearest(const Nearest &);  // where the labels are known
void means(const Means &, Stream *);
void convert(const Convert &, Stream *);
void quantize(const Quantize &, Stream *);
void matvec(const MatVec &, Stream *);
/// How 64 columns of x whose greatest |x| is `most` (as bits; NaN counts as greater than all) become numbers of 16 bits:
/// q = nearest(x * inverse), ties to even, x = scale * q.
struct Scale {
  float scale, inverse;
};
Scale scale_of(float most);
/// The scale of 64 weights (kernels.h, Quantize) of which `most` is the first of those furthest from 0, and its inverse.
float weight_scale(float most, Weight to, uint16_t &scale);
void attention(const Attention &, Stream *);

}  // namespace vtok::reference
