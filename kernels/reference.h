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
void attention(const Attention &, Stream *);

}  // namespace vtok::reference
