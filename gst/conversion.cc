// Conversion of token buffers, by way of float32.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/conversion.h"

#include <algorithm>

#include "gst/guarded.h"
#include "gst/parts.h"
#include "gst/vtok/names.h"
#include "models/norms.h"

namespace vtok {
namespace {

using enum Type;
constexpr Type kLoss[][5] = {  // a row for each type
    {kFloat32, kFloat16, kBfloat16, kInt8, kFloat8},
    {kFloat16, kFloat32, kBfloat16, kInt8, kFloat8},
    {kBfloat16, kFloat32, kFloat16, kInt8, kFloat8},
    {kFloat8, kFloat32, kFloat16, kBfloat16, kInt8},
    {kInt8, kFloat32, kFloat16, kBfloat16, kFloat8}};

bool scaled(Type type) { return type == kFloat8 || type == kInt8; }

void check_scales(const StreamInfo &from, Type type) {
  const gchar *names[GST_VTOK_MAX_EXTRAS];
  const guint n = scaled(type) ? gst_vtok_info_extras(&*from, names) : 0;
  for (guint i = 0; i < n; ++i)
    if (!has_records(names[i]))
      throw ElementError(wrong_caps(), std::string("the side input \"") + names[i] +
                                           "\" has no records, which " + type_name(type) +
                                           " needs for its scales");
}

}  // namespace

std::span<const Type> by_loss(Type from) { return kLoss[size_t(from)]; }

Conversion::Conversion(const StreamInfo &from, Type type, Place place, Device *device)
    : from_(from),
      type_(type),
      place_(place),
      upload_(place == Place::kDevice ? device->make_stream() : nullptr) {
  if (type != type_of(from->type)) check_scales(from, type);
}

BufferPtr Conversion::convert(BufferPtr buffer) {
  std::vector<Tokens> parts = read_parts(buffer.get(), from_);
  const auto stays = [&](const Tokens &part) {
    return part.type == type_ && (place_ == Place::kWhereItIs || (place_ == Place::kDevice) == !!part.memory);
  };
  if (std::all_of(parts.begin(), parts.end(), stays)) return buffer;
  for (Tokens &part : parts) part = converted(std::move(part));
  return write_parts(parts, buffer.get());
}

Tokens Conversion::converted(Tokens part) {
  const bool recorded = !part.records.empty();
  if (!recorded) part.records.resize(size_t(part.n));
  const auto home = part.memory ? part.memory->home() : nullptr;
  if (part.type != type_) {
    if (scaled(part.type) || scaled(type_)) part = to_host(part);  // scales are on the host
    const auto &stream = own_stream_.on(part);
    const Tokens wide = to_float32(part, stream);
    check_finite(wide, stream);
    part = from_float32(wide, type_, stream);
    if (type_ == kFloat16) try {
        check_finite(part, stream);
      } catch (const BadTokens &) {
        throw BadTokens("a token holds a number greater than 65504, which float16 cannot hold");
      }
  }
  if (place_ == Place::kHost) part = to_host(part);
  if (place_ == Place::kDevice && !part.memory) part = to_device(part, upload_);
  if (place_ == Place::kWhereItIs && home && !part.memory) part = to_device(part, home);
  if (!recorded) part.records.clear();
  return part;
}

}  // namespace vtok
