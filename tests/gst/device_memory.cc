// Tokens on a device inside buffers: handed on where they lie, copied to the host for who maps them.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/device_memory.h"

#include <catch2/catch.hpp>

#include "gst/bridge.h"
#include "models/device_tokens.h"
#include "models/error.h"
#include "models/spatial.h"
#include "models/temporal.h"
#include "tests/gst/harness.h"
#include "tests/lazy_device.h"
#include "tests/models/frames.h"

using namespace vtok;
using namespace vtok::test;

namespace {

constexpr int kWidth = 4;

Tokens rows(int n, float first = 1) {
  std::vector<float> numbers(size_t(n) * kWidth);
  for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = first + float(i * i % 23);
  return test::frame(numbers, kWidth);
}

/// A buffer of an encoder that ran on the device.
BufferPtr encoded(const Tokens &host, Device &device, int ms, bool starts, const Tokens *sources = nullptr) {
  GstVtokCounts counts{};
  counts.frames = 1;
  counts.source_tokens = guint64(host.n);
  std::optional<Tokens> there;
  if (sources) there = to_device(*sources, device.make_stream());
  BufferPtr buffer =
      write_tokens(to_device(host, device.make_stream()), counts, nullptr, there ? &*there : nullptr);
  GST_BUFFER_PTS(buffer.get()) = GstClockTime(ms) * GST_MSECOND;
  GST_BUFFER_DURATION(buffer.get()) = 40 * GST_MSECOND;
  if (!starts) GST_BUFFER_FLAG_SET(buffer.get(), GST_BUFFER_FLAG_DELTA_UNIT);
  return buffer;
}

StreamInfo stream_info(const char *extras = "none") {
  StreamInfo info;
  info.set_space("test@0123456789abcdef");
  info.set_extras(extras);
  info.fields().hidden_size = kWidth;
  return info;
}

}  // namespace

TEST_CASE("read again they are where they were, with their sources") {
  LazyDevice device;
  {
    const Tokens host = rows(6), more = rows(9, 5);
    BufferPtr buffer = encoded(host, device, 0, true, &more);
    CHECK(device_tokens(gst_buffer_peek_memory(buffer.get(), 0)));
    CHECK(!device_tokens(gst_buffer_peek_memory(buffer.get(), 1)));  // records are the host's
    GstBuffer *writable = gst_buffer_copy(buffer.get());             // shares the memories
    const TokenBuffer read = read_tokens(writable, stream_info("sources"));
    gst_buffer_unref(writable);
    buffer.reset();
    REQUIRE(read.tokens.memory);
    REQUIRE(read.sources);
    CHECK(&read.tokens.memory->device() == &device);
    CHECK(device.allocations() == 2);  // no copy
    CHECK(test::values(to_host(read.tokens)) == test::values(host));
    CHECK(test::values(to_host(*read.sources)) == test::values(more));
    CHECK(read.tokens.records == host.records);
  }
  CHECK(device.allocations() == 0);
}

TEST_CASE("who maps them gets a copy, made once") {
  LazyDevice device;
  const std::vector<float> want = test::values(rows(6));
  BufferPtr buffer = encoded(rows(6), device, 0, true);
  const StreamInfo info = stream_info();
  const void *first = nullptr;
  for (int again = 0; again < 2; ++again) {
    GstVtokView view;
    REQUIRE(gst_vtok_view_map(&view, buffer.get(), &*info, nullptr));
    CHECK(view.n == 6);
    CHECK(std::equal(want.begin(), want.end(), static_cast<const float *>(view.tokens)));
    if (again) CHECK(view.tokens == first);
    first = view.tokens;
    gst_vtok_view_unmap(&view);
  }
  CHECK(bytes_of(buffer.get())
            .compare(0, want.size() * 4, reinterpret_cast<const char *>(want.data()), want.size() * 4) == 0);
  GstMemory *part = gst_memory_share(gst_buffer_peek_memory(buffer.get(), 0), 16, 16);  // the second token
  GstMapInfo map;
  REQUIRE(gst_memory_map(part, &map, GST_MAP_READ));
  CHECK(std::equal(want.begin() + 4, want.begin() + 8, reinterpret_cast<const float *>(map.data)));
  gst_memory_unmap(part, &map);
  gst_memory_unref(part);
  CHECK(!gst_memory_map(gst_buffer_peek_memory(buffer.get(), 0), &map, GST_MAP_WRITE));
}

TEST_CASE("a buffer that does not fit its caps is refused on a device too") {
  LazyDevice device;
  const BufferPtr buffer = encoded(rows(6), device, 0, true);
  StreamInfo wide = stream_info();
  wide.fields().hidden_size = 5;
  CHECK_THROWS_WITH(read_tokens(buffer.get(), wide),
                    "a token buffer of 96 bytes, expected a multiple of 20 (5 float32 numbers a token)");
  StreamInfo other = stream_info();  // of the same size, but not what lies there: it is read on the host
  other.fields().type = GST_VTOK_TYPE_BFLOAT16;
  other.fields().hidden_size = 8;
  CHECK(read_tokens(buffer.get(), other).tokens.device() == -1);
}

TEST_CASE("vtokspatial and vtoktemporal: the host's tokens, still on the device") {
  LazyDevice device;
  for (const char *method : {"scc", "uniform", "random", "none"})
    for (const char *mode : {"group", "incremental"}) {
      INFO(method << ", " << mode);
      std::vector<std::vector<float>> results;
      for (bool on_device : {false, true}) {
        Harness h((std::string("vtokspatial retention=0.6 method=") + method +
                   " ! vtoktemporal retention=0.3 method=" + method + " mode=" + mode)
                      .c_str());
        h.set_caps(token_caps(kWidth, ", framerate=(fraction)25/1"));
        for (int f = 0; f < 3; ++f) {
          const Tokens host = rows(12, float(f / 2));
          BufferPtr buffer = encoded(host, device, 40 * f, f == 0);
          if (!on_device) {
            GstVtokCounts counts = counts_of(buffer.get());
            buffer = write_tokens(host, counts, buffer.get());
          }
          REQUIRE(h.push(buffer.release()) == GST_FLOW_OK);
        }
        REQUIRE(h.event(gst_event_new_eos()));
        std::vector<float> numbers;
        while (auto out = h.pull()) {
          CHECK((device_tokens(gst_buffer_peek_memory(out.get(), 0)) != nullptr) == on_device);
          Opened opened(out.get(), h.out_caps());
          numbers.insert(numbers.end(), opened.numbers(), opened.numbers() + opened.view.n * kWidth);
        }
        CHECK(!numbers.empty());
        CHECK(!h.message(GST_MESSAGE_WARNING));
        CHECK(!h.message(GST_MESSAGE_ERROR));
        results.push_back(numbers);
      }
      CHECK(results[0] == results[1]);
      CHECK(device.allocations() == 0);
    }
}

TEST_CASE("NaN on a device is a warning and a dropped buffer") {
  LazyDevice device;
  Harness h("vtokspatial");
  h.set_caps(token_caps(kWidth));
  Tokens bad = rows(6);
  const_cast<float *>(static_cast<const float *>(bad.data.get()))[9] = NAN;
  REQUIRE(h.push(encoded(bad, device, 0, true).release()) == GST_FLOW_OK);
  CHECK(!h.pull());
  CHECK(h.message(GST_MESSAGE_WARNING) == "token 2 of 6 holds NaN or infinity, expected finite numbers");
}
