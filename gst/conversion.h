// What vtokconvert does to one buffer: its numbers in another type, in another memory.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <memory>
#include <span>

#include "gst/bridge.h"
#include "models/device_tokens.h"

namespace vtok {

/// Number types, from what loses least of numbers of type `from` to what loses most. The greatest error of a
/// number x in a token whose greatest number is top: float16 |x| / 2^11, bfloat16 |x| / 2^8, int8 top / 254,
/// float8-e4m3 |x| / 2^4 and top / 2^19 near 0.
std::span<const Type> by_loss(Type from);

enum class Place { kWhereItIs, kHost, kDevice };

class Conversion {
  const StreamInfo from_;
  const Type type_;
  const Place place_;
  const std::shared_ptr<Stream>
      upload_;  // of the device that host tokens go to; null unless place is kDevice
  OwnStream own_stream_;

  Tokens converted(Tokens part);

 public:
  /// `device`: where tokens of the host go, for Place::kDevice; must outlive the conversion. Throws
  /// ElementError where a side input that has no records would need scales.
  Conversion(const StreamInfo &from, Type type, Place place, Device *device);
  /// The buffer itself where all of it is in that type and place. Throws BadTokens where it does not fit its
  /// caps, holds NaN or infinity, or numbers that the type cannot hold.
  BufferPtr convert(BufferPtr buffer);
};

}  // namespace vtok
