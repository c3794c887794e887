// GstBuffer <-> Tokens.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/bridge.h"

#include <cstring>

#include "gst/device_memory.h"
#include "gst/guarded.h"
#include "gst/parts.h"

namespace vtok {
namespace {

/// Throws an E with the sentence of a GError.
template <class E>
[[noreturn]] void rethrow(GError *error) {
  const std::string sentence = error->message;
  g_error_free(error);
  throw E(sentence);
}

void replace(gchar *&field, const std::string &text) {
  g_free(field);
  field = g_strdup(text.c_str());
}

std::vector<Record> copied(const GstVtokRecord *records, guint n) {
  std::vector<Record> copy(n);
  memcpy(static_cast<void *>(copy.data()), records, n * sizeof(Record));
  return copy;
}

template <class T>
GstMemory *wrap(const void *data, size_t size, T holder) {
  return gst_memory_new_wrapped(GST_MEMORY_FLAG_READONLY, const_cast<void *>(data), size, 0, size,
                                new T(std::move(holder)),
                                [](gpointer held) { delete static_cast<T *>(held); });
}

void append(GstBuffer *buffer, const Tokens &tokens) {
  gst_buffer_append_memory(
      buffer, tokens.memory ? wrap_device(tokens) : wrap(tokens.data.get(), tokens.bytes(), tokens.data));
  if (tokens.records.empty()) return;
  auto records = std::make_shared<const std::vector<Record>>(tokens.records);
  gst_buffer_append_memory(buffer, wrap(records->data(), records->size() * sizeof(Record), records));
}

/// A new buffer with the flags, times and metas of another one.
BufferPtr without_memories(GstBuffer *like) {
  BufferPtr buffer(gst_buffer_new());
  gst_buffer_copy_into(
      buffer.get(), like,
      GstBufferCopyFlags(GST_BUFFER_COPY_FLAGS | GST_BUFFER_COPY_TIMESTAMPS | GST_BUFFER_COPY_META), 0,
      gsize(-1));
  return buffer;
}

/// A buffer to look at, whose memories on a device are shown by their addresses: a view reads no token, and
/// mapping them would copy them.
struct Shown {
  BufferPtr buffer;
  std::vector<std::pair<const void *, std::shared_ptr<DeviceMemory>>> on_device;

  Shown(GstBuffer *original, Type type) : buffer(gst_buffer_ref(original)) {
    const guint n = gst_buffer_n_memory(original);
    bool any = false;
    for (guint i = 0; i < n; ++i) any |= device_tokens(gst_buffer_peek_memory(original, i)) != nullptr;
    if (!any) return;
    buffer = without_memories(original);
    for (guint i = 0; i < n; ++i) {
      GstMemory *memory = gst_buffer_get_memory(original, i);
      const Tokens *tokens = device_tokens(memory);
      if (tokens && tokens->type == type) {
        on_device.emplace_back(tokens->data.get(), tokens->memory);
        memory = wrap(tokens->data.get(), tokens->bytes(),
                      std::shared_ptr<GstMemory>(memory, [](GstMemory *held) { gst_memory_unref(held); }));
      }
      gst_buffer_append_memory(buffer.get(), memory);
    }
  }
  std::shared_ptr<DeviceMemory> memory_of(const void *data) const {
    for (const auto &[address, memory] : on_device)
      if (address == data) return memory;
    return nullptr;
  }
};

}  // namespace

StreamInfo::StreamInfo(const GstCaps *caps) {
  GError *error = nullptr;
  if (gst_vtok_info_from_caps(&info_, caps, &error)) return;
  const std::string sentence = error->message;
  g_error_free(error);
  throw ElementError(wrong_caps(), sentence);
}

void StreamInfo::set_space(const std::string &space) { replace(info_.space, space); }
void StreamInfo::set_extras(const std::string &extras) { replace(info_.extras, extras); }

bool StreamInfo::has_extra(const char *name) const {
  const gchar *names[GST_VTOK_MAX_EXTRAS];
  const guint n = gst_vtok_info_extras(&info_, names);
  for (guint i = 0; i < n; ++i)
    if (g_str_equal(names[i], name)) return true;
  return false;
}

namespace {

/// A buffer's numbers, mapped where they are the host's, where they lie else.
class OpenBuffer {
  const StreamInfo &info_;
  const Shown shown_;

 public:
  const std::shared_ptr<GstVtokView> view{new GstVtokView{}, [](GstVtokView *v) {
                                            gst_vtok_view_unmap(v);
                                            delete v;
                                          }};
  OpenBuffer(GstBuffer *buffer, const StreamInfo &info) : info_(info), shown_(buffer, type_of(info->type)) {
    GError *error = nullptr;
    if (!gst_vtok_view_map(view.get(), shown_.buffer.get(), &*info, &error)) rethrow<BadTokens>(error);
  }
  Tokens tokens() const { return tokens(view->tokens, view->n, view->records); }
  Tokens tokens(const void *data, guint n, const GstVtokRecord *records) const {
    return {type_of(info_->type),
            int(n),
            info_->levels * info_->hidden_size,
            {view, data},
            copied(records, n),
            info_->levels,
            shown_.memory_of(data)};
  }
  Tokens side_input(const GstVtokExtra &extra) const {
    if (extra.records) return tokens(extra.data, extra.n, extra.records);
    const Type type = type_of(info_->type);
    return {.type = type,
            .n = int(extra.n),
            .dim = int(extra.size / extra.n / type_size(type)),
            .data = {view, extra.data},
            .memory = shown_.memory_of(extra.data)};
  }
};

}  // namespace

TokenBuffer read_tokens(GstBuffer *buffer, const StreamInfo &info) {
  const OpenBuffer open(buffer, info);
  const auto &view = open.view;
  TokenBuffer out{open.tokens(), {}, {}};
  for (guint e = 0; e < view->n_extras; ++e)
    if (view->extras[e].n && g_str_equal(view->extras[e].name, "sources"))
      out.sources = open.side_input(view->extras[e]);
  if (!gst_vtok_buffer_get_counts(buffer, &out.counts)) {
    out.counts = {};
    out.counts.n = view->n;
    out.counts.grid_width = info->grid_width ? info->grid_width : view->n;
    out.counts.grid_height = info->grid_height ? info->grid_height : 1;
    out.counts.frames = 1;
    out.counts.source_tokens = view->n;
  }
  return out;
}

std::vector<Tokens> read_parts(GstBuffer *buffer, const StreamInfo &info) {
  const OpenBuffer open(buffer, info);
  std::vector<Tokens> parts{open.tokens()};
  for (guint e = 0; e < open.view->n_extras; ++e)
    if (open.view->extras[e].n) parts.push_back(open.side_input(open.view->extras[e]));
  return parts;
}

BufferPtr write_parts(const std::vector<Tokens> &parts, GstBuffer *like) {
  BufferPtr buffer = without_memories(like);
  for (const Tokens &part : parts) append(buffer.get(), part);
  return buffer;
}

BufferPtr write_tokens(const Tokens &tokens, GstVtokCounts counts, GstBuffer *like, const Tokens *sources) {
  if (tokens.n < 1 || tokens.records.size() != size_t(tokens.n))
    throw std::logic_error("a token buffer needs tokens, and a record for each");
  BufferPtr buffer = like ? without_memories(like) : BufferPtr(gst_buffer_new());
  append(buffer.get(), tokens);
  counts.n = tokens.n;
  for (guint &n : counts.extras_n) n = 0;
  if (sources) {
    append(buffer.get(), *sources);
    counts.extras_n[0] = sources->n;
  }
  gst_vtok_buffer_set_counts(buffer.get(), &counts);
  return buffer;
}

}  // namespace vtok
