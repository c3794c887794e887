// CRC32C (Castagnoli), as of iSCSI: reflected polynomial 0x82f63b78, start and end inverted.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <cstddef>
#include <cstdint>

namespace vtok {

/// Goes on from `crc`, the CRC of what came before; 0 at the start.
uint32_t crc32c(uint32_t crc, const void *data, size_t size);

}  // namespace vtok
