// Model families: everything of one that needs no LibTorch, one row each.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/family.h"

#include <stdexcept>

namespace vtok {

extern const Family kLlavaOnevision, kLlava, kLlavaNextVideo, kSmolVlm, kInternVl, kQwen2Vl, kQwen25Vl, kQwen3Vl, kExportedEncoder;

namespace {

const Family *const kFamilies[] = {&kLlavaOnevision, &kLlava, &kLlavaNextVideo, &kSmolVlm, &kInternVl, &kQwen2Vl, &kQwen25Vl, &kQwen3Vl, &kExportedEncoder};

}  // namespace

std::span<const Family *const> families() { return kFamilies; }

const Family &check_family(const std::string &name) {
  std::string names;
  for (const Family *family : kFamilies) {
    if (name == family->name) return *family;
    names += (names.empty() ? "" : ", ") + std::string(family->name);
  }
  throw std::runtime_error("model_type '" + name + "' is not supported; there is " + names);
}

}  // namespace vtok
