// Framed packets: everything survives, and nothing that was changed on the way is believed.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <catch2/catch.hpp>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>

#include "gst/vtok/crc32c.h"
#include "gst/vtok/layout.h"
#include "tests/gst/streams.h"

using namespace vtok::test;

namespace {

constexpr int kN = 3, kSources = 6;

GstBuffer *example(Info &info) {
  info.extras("attention,sources");
  info.c.max_tokens = 8;
  info.c.grid_width = 3;
  info.c.grid_height = 2;
  info.c.fps_n = 25;
  auto records = records_of(kN, 3, -40);
  records[2].weight = 4;
  records[2].flags = 0x80000001;
  GstBuffer *buffer = buffer_of(info.c, ramp(kN, 2, 1.5f), records);
  const auto sources = ramp(kSources, 2, 10);
  const auto source_records = records_of(kSources, 3);
  gst_buffer_append_memory(buffer, memory_of(sources.data(), sources.size() * 4));
  gst_buffer_append_memory(buffer, memory_of(source_records.data(), source_records.size() * 24));
  GstVtokCounts counts = {kN, 3, 2, 4, 24, G_MAXUINT64 - 1, TRUE, {0, kSources, 0, 0}};
  gst_vtok_buffer_set_counts(buffer, &counts);
  GST_BUFFER_PTS(buffer) = 123456789;
  GST_BUFFER_DURATION(buffer) = GST_CLOCK_TIME_NONE;
  GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  return buffer;
}

std::string packet() {
  Info info(2);
  GstBuffer *raw = example(info);
  GstBuffer *framed = gst_vtok_framed_write(raw, &info.c, nullptr);
  REQUIRE(framed);
  const std::string bytes = bytes_of(framed);
  gst_buffer_unref(raw);
  gst_buffer_unref(framed);
  return bytes;
}

// What reading is refused with; "" where it is read.
std::string refusal(const std::string &bytes) {
  Info info(77);
  GError *error = nullptr;
  GstBuffer *framed = buffer_with(bytes);
  GstBuffer *raw = gst_vtok_framed_read(framed, &info.c, &error);
  gst_buffer_unref(framed);
  if (raw) gst_buffer_unref(raw);
  REQUIRE(!raw == !!error);
  if (!raw) REQUIRE(info.c.hidden_size == 77);
  return taken(error);
}

void set_crc(std::string &bytes) {
  memset(&bytes[GST_VTOK_FRAMED_CRC], 0, 4);
  const uint32_t crc = vtok::crc32c(0, bytes.data(), bytes.size());
  memcpy(&bytes[GST_VTOK_FRAMED_CRC], &crc, 4);
}

}  // namespace

TEST_CASE("CRC32C gives the values of RFC 3720") {
  CHECK(vtok::crc32c(0, "123456789", 9) == 0xe3069283);
  CHECK(vtok::crc32c(0, std::string(32, '\0').data(), 32) == 0x8a9136aa);
  CHECK(vtok::crc32c(0, std::string(32, '\xff').data(), 32) == 0x62a8ab43);
  CHECK(vtok::crc32c(vtok::crc32c(0, "12345", 5), "6789", 4) == 0xe3069283);
}

TEST_CASE("everything survives") {
  Info info(2);
  GstBuffer *raw = example(info);
  GstBuffer *framed = gst_vtok_framed_write(raw, &info.c, nullptr);
  REQUIRE(framed);
  CHECK(gst_buffer_n_memory(framed) == 5);
  for (bool in_one_memory : {false, true}) {
    GstBuffer *packet = in_one_memory ? buffer_with(bytes_of(framed)) : gst_buffer_ref(framed);
    const guint memories = gst_buffer_n_memory(packet);
    Info back(9, "x");
    GstBuffer *again = gst_vtok_framed_read(packet, &back.c, nullptr);
    REQUIRE(again);
    CHECK(gst_buffer_n_memory(packet) == memories);
    CHECK(bytes_of(again) == bytes_of(raw));
    CHECK(gst_buffer_n_memory(again) == 4);
    GstCaps *a = gst_vtok_info_to_caps(&info.c), *b = gst_vtok_info_to_caps(&back.c);
    CHECK(gst_caps_is_equal(a, b));
    gst_caps_unref(a);
    gst_caps_unref(b);
    GstVtokCounts counts;
    REQUIRE(gst_vtok_buffer_get_counts(again, &counts));
    CHECK(counts.frames == 4);
    CHECK(counts.source_tokens == 24);
    CHECK(counts.group == G_MAXUINT64 - 1);
    CHECK(counts.replaces);
    CHECK(counts.extras_n[1] == kSources);
    CHECK(GST_BUFFER_PTS(again) == 123456789);
    CHECK(!GST_BUFFER_DURATION_IS_VALID(again));
    CHECK(GST_BUFFER_FLAG_IS_SET(again, GST_BUFFER_FLAG_DELTA_UNIT));
    GstVtokView view;
    REQUIRE(gst_vtok_view_map(&view, again, &back.c, nullptr));
    CHECK(view.records[2].weight == 4);
    CHECK(view.records[2].time == -40);
    CHECK(view.extras[1].n == kSources);
    gst_vtok_view_unmap(&view);
    gst_buffer_unref(again);
    gst_buffer_unref(packet);
  }
  gst_buffer_unref(raw);
  gst_buffer_unref(framed);
}

TEST_CASE("a group start and made records survive too") {
  Info info(2);
  GstBuffer *raw = buffer_of(info.c, ramp(4, 2));
  GST_BUFFER_FLAG_SET(raw, GST_BUFFER_FLAG_DISCONT);
  GST_BUFFER_DURATION(raw) = 40;
  GstBuffer *framed = gst_vtok_framed_write(raw, &info.c, nullptr);
  REQUIRE(framed);
  GstBuffer *again = gst_vtok_framed_read(framed, &info.c, nullptr);
  REQUIRE(again);
  CHECK(!GST_BUFFER_FLAG_IS_SET(again, GST_BUFFER_FLAG_DELTA_UNIT));
  CHECK(GST_BUFFER_FLAG_IS_SET(again, GST_BUFFER_FLAG_DISCONT));
  CHECK(GST_BUFFER_DURATION(framed) == 40);
  CHECK(GST_BUFFER_DURATION(again) == 40);
  GstVtokView view;
  REQUIRE(gst_vtok_view_map(&view, again, &info.c, nullptr));
  CHECK(view.records[3].column == 3);
  gst_vtok_view_unmap(&view);
  for (GstBuffer *buffer : {raw, framed, again}) gst_buffer_unref(buffer);
}

TEST_CASE("a packet is laid out as written down") {
  const std::string bytes = packet();
  CHECK(bytes.substr(0, 4) == "VTOK");
  CHECK(bytes[GST_VTOK_FRAMED_VERSION_AT] == 1);
  CHECK(bytes[GST_VTOK_FRAMED_HIDDEN_SIZE] == 2);
  CHECK(bytes[GST_VTOK_FRAMED_N] == kN);
  CHECK(bytes[GST_VTOK_FRAMED_FLAGS] == GST_VTOK_FRAMED_FLAG_REPLACES);
  CHECK(bytes.substr(GST_VTOK_FRAMED_STRINGS, 38) == "test@0123456789abcdefattention,sources");
  const size_t header = (GST_VTOK_FRAMED_STRINGS + 38 + 7) / 8 * 8;
  CHECK(uint8_t(bytes[GST_VTOK_FRAMED_HEADER_SIZE]) == header);
  CHECK(bytes.size() == header + kN * (24 + 8) + kSources * (24 + 8));
  float first;
  memcpy(&first, &bytes[header + kN * 24], 4);
  CHECK(first == 1.5f);
}

TEST_CASE("every truncation and everything appended is refused") {
  const std::string bytes = packet();
  for (size_t size = 0; size < bytes.size(); ++size) REQUIRE(refusal(bytes.substr(0, size)) != "");
  CHECK(refusal(bytes + '\0') != "");
  CHECK(refusal(bytes + bytes) != "");
  CHECK(refusal(bytes) == "");
}

TEST_CASE("every bit flip is refused") {
  const std::string bytes = packet();
  for (size_t i = 0; i < bytes.size() * 8; ++i) {
    std::string flipped = bytes;
    flipped[i / 8] = char(flipped[i / 8] ^ (1 << i % 8));
    REQUIRE(refusal(flipped) != "");
  }
}

TEST_CASE("a header that lies is refused though its CRC is right") {
  const std::string bytes = packet();
  auto lie = [&](size_t at, auto value) {
    std::string changed = bytes;
    memcpy(&changed[at], &value, sizeof value);
    set_crc(changed);
    return refusal(changed);
  };
  const std::pair<size_t, uint32_t> words[] = {{GST_VTOK_FRAMED_HEADER_SIZE, 0},
                                               {GST_VTOK_FRAMED_HEADER_SIZE, 0xffffffff},
                                               {GST_VTOK_FRAMED_HIDDEN_SIZE, 0},
                                               {GST_VTOK_FRAMED_HIDDEN_SIZE, 0x80000000},
                                               {GST_VTOK_FRAMED_HIDDEN_SIZE, 1},
                                               {GST_VTOK_FRAMED_LEVELS, 0},
                                               {GST_VTOK_FRAMED_LEVELS, 0x7fffffff},
                                               {GST_VTOK_FRAMED_N, 0},
                                               {GST_VTOK_FRAMED_N, 4},
                                               {GST_VTOK_FRAMED_N, 0xffffffff},
                                               {GST_VTOK_FRAMED_MAX_TOKENS, 2},
                                               {GST_VTOK_FRAMED_MAX_TOKENS, 0xffffffff},
                                               {GST_VTOK_FRAMED_CAPS_GRID_WIDTH, 0},
                                               {GST_VTOK_FRAMED_FPS_D, 0},
                                               {GST_VTOK_FRAMED_FLAGS, 8},
                                               {GST_VTOK_FRAMED_RESERVED, 1},
                                               {GST_VTOK_FRAMED_SPACE_LENGTH, 0},
                                               {GST_VTOK_FRAMED_EXTRAS_N, 1},
                                               {GST_VTOK_FRAMED_EXTRAS_N + 4, 5},
                                               {GST_VTOK_FRAMED_EXTRAS_N + 8, 1},
                                               {GST_VTOK_FRAMED_EXTRAS_SIZE, 4},
                                               {GST_VTOK_FRAMED_EXTRAS_SIZE + 8, 0},
                                               {GST_VTOK_FRAMED_STRINGS, 0x0a0a0a0a},
                                               {GST_VTOK_FRAMED_STRINGS, 0xffffffff}};
  for (const auto &[at, value] : words) {
    INFO(at << " = " << value);
    CHECK(lie(at, value) != "");
  }
  CHECK(lie(GST_VTOK_FRAMED_TYPE, uint16_t(5)).find("type is 5, expected 0 to 4") != std::string::npos);
  CHECK(lie(GST_VTOK_FRAMED_VERSION_AT, uint16_t(2)).find("version 2, expected 1") != std::string::npos);
  CHECK(lie(GST_VTOK_FRAMED_PAYLOAD_SIZE, ~uint64_t(0)) != "");
  CHECK(lie(GST_VTOK_FRAMED_EXTRAS_SIZE + 8, uint64_t(1) << 63) != "");
  const size_t scale = (GST_VTOK_FRAMED_STRINGS + 38 + 7) / 8 * 8 + GST_VTOK_RECORD_SCALE;
  CHECK(lie(scale, std::numeric_limits<float>::infinity()).find("scale of token 0") != std::string::npos);
  CHECK(lie(GST_VTOK_FRAMED_GROUP, uint64_t(1)) == "");
}

TEST_CASE("the size of a packet is known from its header, and bounded") {
  const std::string bytes = packet();
  const auto *data = reinterpret_cast<const guint8 *>(bytes.data());
  gsize size = 1;
  GError *error = nullptr;
  for (gsize available :
       {gsize(0), gsize(3), gst_vtok_framed_header_bytes() - 1, gst_vtok_framed_header_bytes()}) {
    REQUIRE(gst_vtok_framed_size(data, available, 1 << 20, &size, nullptr));
    CHECK(size == 0);
  }
  REQUIRE(gst_vtok_framed_size(data, 200, 1 << 20, &size, nullptr));
  CHECK(size == bytes.size());
  CHECK(!gst_vtok_framed_size(data, 200, bytes.size() - 1, &size, &error));
  CHECK(taken(error).find("expected at most") != std::string::npos);
  CHECK(!gst_vtok_framed_size(reinterpret_cast<const guint8 *>("VTOX"), 4, 100, &size, &error));
  CHECK(taken(error).find("no packet begins here") != std::string::npos);
}

TEST_CASE("the packets of the fuzzing corpus are read") {
  int files = 0;
  for (const auto &entry : std::filesystem::directory_iterator(VTOK_CORPUS)) {
    std::ifstream in(entry.path(), std::ios::binary);
    INFO(entry.path());
    CHECK(refusal({std::istreambuf_iterator<char>(in), {}}) == "");
    ++files;
  }
  CHECK(files >= 3);
}

TEST_CASE("what may not be opened may not be framed") {
  Info info(2);
  GstBuffer *raw = buffer_with("12345");
  GError *error = nullptr;
  CHECK(!gst_vtok_framed_write(raw, &info.c, &error));
  CHECK(error->code == GST_VTOK_ERROR_SIZE);
  CHECK(taken(error).find("5 bytes") != std::string::npos);
  gst_buffer_unref(raw);
}
