// The kernels that have a faster CPU version: vectors by Highway, products by oneDNN, threads by threads.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include "kernels/kernels.h"

namespace vtok::fast {

void preprocess(const Preprocess &, Stream *);
void norms(const Norms &, Stream *);
void similarity(const Similarity &, Stream *);
void components(const Components &, Stream *);
void tree(const Tree &, Stream *);
void nearest(const Nearest &, Stream *);
void means(const Means &, Stream *);
void quantize(const Quantize &, Stream *);
void matvec(const MatVec &, Stream *);
void matvec_narrow(const MatVec &, int parts);  // where weights have scales; shared by so many tasks
void attention(const Attention &, Stream *);

}  // namespace vtok::fast
