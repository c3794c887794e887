// Token buffers: built and opened without copying, refused in one sentence; the bridge to Tokens.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <catch2/catch.hpp>
#include <cstring>

#include "gst/bridge.h"
#include "gst/guarded.h"
#include "tests/gst/streams.h"

using namespace vtok::test;

namespace {

// What opening the buffer (which is let go of) is refused with; "" where it opens.
std::string refusal(GstBuffer *buffer, const GstVtokInfo &info) {
  GstVtokView view;
  GError *error = nullptr;
  if (gst_vtok_view_map(&view, buffer, &info, &error)) gst_vtok_view_unmap(&view);
  gst_buffer_unref(buffer);
  return taken(error);
}

bool says(const std::string &sentence, const char *words) {
  INFO(sentence);
  return sentence.find(words) != std::string::npos;
}

}  // namespace

TEST_CASE("a built buffer is opened again, without a copy") {
  Info info(3);
  const auto numbers = ramp(6, 3);
  auto records = records_of(6, 3);
  records[4].weight = 9;
  int released = 0;
  GstBuffer *buffer = gst_vtok_buffer_new(
      &info.c, numbers.data(), 6, records.data(), &released,
      [](gpointer count) { ++*static_cast<int *>(count); }, nullptr);
  REQUIRE(buffer);
  GstVtokView view;
  REQUIRE(gst_vtok_view_map(&view, buffer, &info.c, nullptr));
  CHECK(view.n == 6);
  CHECK(view.tokens == numbers.data());
  CHECK(view.records[4].weight == 9);
  CHECK(view.records[5].row == 1);
  CHECK(view.records[5].column == 2);
  CHECK(view.n_extras == 0);
  bool gone = false;  // with whatever else came with it
  gst_mini_object_weak_ref(
      GST_MINI_OBJECT(buffer), [](gpointer flag, GstMiniObject *) { *static_cast<bool *>(flag) = true; }, &gone);
  gst_buffer_unref(buffer);
  CHECK(gone);
  CHECK(released == 0);
  gst_vtok_view_unmap(&view);
  CHECK(released == 1);
  gst_vtok_view_unmap(&view);
}

TEST_CASE("memories are not merged by opening, nor by a copy") {
  Info info(2);
  GstBuffer *buffer = buffer_of(info.c, ramp(5, 2), records_of(5, 5));
  GstVtokView view;
  REQUIRE(gst_vtok_view_map(&view, buffer, &info.c, nullptr));
  gst_vtok_view_unmap(&view);
  CHECK(gst_buffer_n_memory(buffer) == 2);
  GstBuffer *copy = gst_buffer_copy(buffer);
  GstVtokCounts counts;
  REQUIRE(gst_vtok_buffer_get_counts(copy, &counts));
  CHECK(counts.n == 5);
  CHECK(refusal(copy, info.c) == "");
  gst_buffer_unref(buffer);
}

TEST_CASE("records are made where an application pushes memory 0 alone") {
  Info info(2);
  GstBuffer *buffer = buffer_of(info.c, ramp(6, 2));
  GstVtokView view;
  REQUIRE(gst_vtok_view_map(&view, buffer, &info.c, nullptr));
  CHECK(view.records[5].row == 0);
  CHECK(view.records[5].column == 5);
  CHECK(view.records[5].weight == 1);
  CHECK(view.records[5].scale == 1);
  gst_vtok_view_unmap(&view);
  info.c.grid_width = 3;
  info.c.grid_height = 2;
  REQUIRE(gst_vtok_view_map(&view, buffer, &info.c, nullptr));
  CHECK(view.records[5].row == 1);
  CHECK(view.records[5].column == 2);
  gst_vtok_view_unmap(&view);
  info.c.grid_height = 3;
  CHECK(says(refusal(buffer, info.c), "6 tokens without records do not fill the 3 x 3 grid"));
}

TEST_CASE("buffers that do not fit are refused in one sentence") {
  Info info(2);
  CHECK(says(refusal(gst_buffer_new(), info.c), "without tokens"));
  CHECK(says(refusal(buffer_with(std::string(20, 'x')), info.c), "20 bytes, expected a multiple of 8"));
  CHECK(says(refusal(buffer_of(info.c, ramp(65536, 2)), info.c), "65536 tokens without records"));
  CHECK(refusal(buffer_of(info.c, ramp(65535, 2)), info.c) == "");
  CHECK(says(refusal(buffer_of(info.c, ramp(4, 2), records_of(3, 3)), info.c),
             "holds 4 tokens, its counts say 3"));

  GstBuffer *short_records = buffer_of(info.c, ramp(4, 2));
  const auto three = records_of(3, 3);
  gst_buffer_append_memory(short_records, memory_of(three.data(), 3 * 24));
  CHECK(says(refusal(short_records, info.c), "72 bytes, expected 96"));

  GstBuffer *too_much = buffer_of(info.c, ramp(4, 2), records_of(4, 4));
  gst_buffer_append_memory(too_much, memory_of("abcd", 4));
  CHECK(says(refusal(too_much, info.c), "3 memories, expected 2"));

  info.c.max_tokens = 3;
  CHECK(says(refusal(buffer_of(info.c, ramp(4, 2), records_of(4, 4)), info.c),
             "holds 4 tokens, its caps allow 3"));
  info.c.max_tokens = 0;
  info.c.framed = TRUE;
  CHECK(says(refusal(buffer_of(info.c, ramp(4, 2)), info.c), "framed"));
  info.c.framed = FALSE;
  for (auto type : {GST_VTOK_TYPE_INT8, GST_VTOK_TYPE_FLOAT8_E4M3}) {
    info.c.type = type;
    CHECK(says(refusal(buffer_with("abcdefgh"), info.c), "scales are missing"));
  }
}

TEST_CASE("a buffer that may not be built gives its data back") {
  Info info(2);
  const auto numbers = ramp(70000, 2);
  int released = 0;
  auto release = [](gpointer count) { ++*static_cast<int *>(count); };
  auto attempt = [&](guint n) {
    GError *error = nullptr;
    CHECK(!gst_vtok_buffer_new(&info.c, numbers.data(), n, nullptr, &released, release, &error));
    return taken(error);
  };
  CHECK(says(attempt(65536), "65536 tokens"));
  CHECK(released == 1);
  CHECK(says(attempt(0), "without tokens"));
  info.c.max_tokens = 4;
  CHECK(says(attempt(5), "the caps allow 4"));
  info.c.type = GST_VTOK_TYPE_INT8;
  CHECK(says(attempt(2), "scales"));
  CHECK(released == 4);
}

TEST_CASE("a memory that does not lie well is read all the same") {
  Info info(2);
  const auto numbers = ramp(3, 2, 5);
  std::string shifted(1 + 24, 'x');
  memcpy(shifted.data() + 1, numbers.data(), 24);
  GstBuffer *buffer = gst_buffer_new();
  GstMemory *memory = memory_of(shifted.data(), shifted.size());
  gst_memory_resize(memory, 1, 24);
  gst_buffer_append_memory(buffer, memory);
  GstVtokView view;
  REQUIRE(gst_vtok_view_map(&view, buffer, &info.c, nullptr));
  CHECK(reinterpret_cast<uintptr_t>(view.tokens) % 4 == 0);
  CHECK(static_cast<const float *>(view.tokens)[4] == 7);
  gst_vtok_view_unmap(&view);
  gst_buffer_unref(buffer);
}

TEST_CASE("side inputs are opened in the order of the caps") {
  Info info(2);
  info.extras("attention,sources");
  GstBuffer *buffer = buffer_of(info.c, ramp(2, 2), records_of(2, 2));
  const auto attention = ramp(6, 1);
  gst_buffer_append_memory(buffer, memory_of(attention.data(), 24));
  const auto sources = ramp(6, 2, 10);
  const auto records = records_of(6, 3);
  gst_buffer_append_memory(buffer, memory_of(sources.data(), 48));
  gst_buffer_append_memory(buffer, memory_of(records.data(), 144));
  GstVtokCounts counts;
  REQUIRE(gst_vtok_buffer_get_counts(buffer, &counts));
  counts.extras_n[0] = counts.extras_n[1] = 6;
  gst_vtok_buffer_set_counts(buffer, &counts);
  GstVtokView view;
  REQUIRE(gst_vtok_view_map(&view, buffer, &info.c, nullptr));
  REQUIRE(view.n_extras == 2);
  CHECK(std::string(view.extras[0].name) == "attention");
  CHECK(view.extras[0].size == 24);
  CHECK(view.extras[0].records == nullptr);
  CHECK(static_cast<const float *>(view.extras[1].data)[2] == 11);
  CHECK(view.extras[1].records[5].row == 1);
  gst_vtok_view_unmap(&view);

  counts.extras_n[1] = 5;
  gst_vtok_buffer_set_counts(buffer, &counts);
  CHECK(says(refusal(gst_buffer_ref(buffer), info.c), "\"sources\" of 5 rows is 48 bytes, expected 40"));
  counts.extras_n[0] = 5;
  counts.extras_n[1] = 6;
  gst_vtok_buffer_set_counts(buffer, &counts);
  CHECK(says(refusal(gst_buffer_ref(buffer), info.c), "\"attention\" of 5 rows is 24 bytes"));
  counts.extras_n[0] = 6;
  gst_vtok_buffer_set_counts(buffer, &counts);
  gst_buffer_remove_memory(buffer, 4);
  CHECK(says(refusal(buffer, info.c), "lacks the side input \"sources\""));
}

TEST_CASE("counts are written, overwritten and kept as serialisable fields") {
  GstBuffer *buffer = gst_buffer_new();
  GstVtokCounts counts, wanted = {5, 14, 13, 2, G_MAXUINT64, 7, TRUE, {0, 3, 0, 0}};
  CHECK(!gst_vtok_buffer_get_counts(buffer, &counts));
  for (int round = 0; round < 2; ++round) {
    gst_vtok_buffer_set_counts(buffer, &wanted);
    REQUIRE(gst_vtok_buffer_get_counts(buffer, &counts));
    CHECK(counts.n == wanted.n);
    CHECK(counts.grid_width == 14);
    CHECK(counts.grid_height == 13);
    CHECK(counts.frames == 2);
    CHECK(counts.source_tokens == G_MAXUINT64);
    CHECK(counts.group == 7);
    CHECK(counts.replaces == wanted.replaces);
    for (int i = 0; i < 4; ++i) CHECK(counts.extras_n[i] == wanted.extras_n[i]);
    wanted.n = 6;
    wanted.replaces = FALSE;
    wanted.extras_n[1] = 0;
  }
  gchar *text = gst_structure_to_string(
      gst_custom_meta_get_structure(gst_buffer_get_custom_meta(buffer, "GstVtokMeta")));
  GstStructure *back = gst_structure_from_string(text, nullptr);
  REQUIRE(back);
  guint n = 0;
  CHECK(gst_structure_get_uint(back, "n", &n));
  CHECK(n == 6);
  gst_structure_free(back);
  g_free(text);
  gst_buffer_unref(buffer);
}

TEST_CASE("Tokens share a buffer's numbers both ways") {
  Info c(2);
  c.extras("sources");
  GstCaps *caps = gst_vtok_info_to_caps(&c.c);
  const vtok::StreamInfo info(caps);
  gst_caps_unref(caps);
  CHECK(info.has_extra("sources"));
  CHECK(!info.has_extra("source"));
  GstBuffer *buffer = buffer_of(c.c, ramp(4, 2), records_of(4, 2));
  auto in = vtok::read_tokens(buffer, info);
  CHECK(!in.sources);
  CHECK(in.tokens.n == 4);
  CHECK(in.tokens.dim == 2);
  CHECK(in.tokens.records[3] == vtok::Record{0, 1, 1, 1, 1.f, 0});
  const void *numbers = in.tokens.data.get();

  const auto out = vtok::write_tokens(in.tokens, in.counts, buffer, &in.tokens);
  gst_buffer_unref(buffer);
  in = {};
  auto back = vtok::read_tokens(out.get(), info);
  CHECK(back.tokens.data.get() == numbers);
  REQUIRE(back.sources);
  CHECK(back.sources->data.get() == numbers);
  CHECK(back.sources->records.size() == 4);
  CHECK(back.counts.extras_n[0] == 4);
  CHECK(gst_buffer_n_memory(out.get()) == 4);
}

TEST_CASE("a buffer that does not fit is BadTokens; caps that do not, an error") {
  Info c(2);
  GstCaps *caps = gst_vtok_info_to_caps(&c.c);
  const vtok::StreamInfo info(caps);
  gst_caps_set_simple(caps, "type", G_TYPE_STRING, "float64", nullptr);
  CHECK_THROWS_AS(vtok::StreamInfo(caps), vtok::ElementError);
  gst_caps_unref(caps);
  GstBuffer *buffer = buffer_with("12345");
  CHECK_THROWS_AS(vtok::read_tokens(buffer, info), vtok::BadTokens);
  gst_buffer_unref(buffer);
}
