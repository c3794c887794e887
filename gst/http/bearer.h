// The key that an Authorization header brings.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <string>

namespace vtok {

/// `header` is "Bearer KEY" with this key. How long it takes tells nothing about the key but its length.
bool bearer_matches(const std::string &header, const std::string &key);

}  // namespace vtok
