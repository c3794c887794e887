// Precompiled for the vtok-torch module: parsing ATen once instead of in every file.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <ATen/ATen.h>
