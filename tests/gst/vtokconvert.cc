// vtokconvert: every type into every other against a plain reference, memories, caps, what is kept and what
// is refused.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <map>
#include <random>

#include "gst/conversion.h"
#include "gst/device_memory.h"
#include "gst/guarded.h"
#include "tests/gst/harness.h"
#include "tests/lazy_device.h"
#include "tests/models/frames.h"

using namespace vtok;
using namespace vtok::test;

namespace {

// Plain reference: the value of each code of a type, and the code whose value is nearest (ties: the even
// code).
struct Reference {
  Type type;
  std::vector<std::pair<double, int>> values;  // finite ones, ascending; one code of each value

  static double value(Type type, int code) {
    const auto number = [&](int exponent_bits, int mantissa_bits) {
      const int bias = (1 << (exponent_bits - 1)) - 1, mantissa = code & ((1 << mantissa_bits) - 1),
                exponent = code >> mantissa_bits & ((1 << exponent_bits) - 1);
      const double one = double(1 << mantissa_bits);
      const double x =
          exponent ? std::ldexp(1 + mantissa / one, exponent - bias) : std::ldexp(mantissa / one, 1 - bias);
      const bool top = exponent == (1 << exponent_bits) - 1;
      const bool finite = type == Type::kFloat8 ? !(top && mantissa == 7) : !top;
      return finite ? (code >> (exponent_bits + mantissa_bits) ? -x : x) : double(NAN);
    };
    if (type == Type::kFloat16) return number(5, 10);
    if (type == Type::kBfloat16) return number(8, 7);
    if (type == Type::kFloat8) return number(4, 3);
    return int8_t(code);
  }
  explicit Reference(Type t) : type(t) {
    for (int code = 0; code < (type_size(t) == 1 ? 256 : 65536); ++code)
      if (const double x = value(t, code); std::isfinite(x) && !(t == Type::kInt8 && x < -127))
        values.emplace_back(x, code);
    std::stable_sort(values.begin(), values.end(),
                     [](const auto &a, const auto &b) { return a.first < b.first; });
  }
  double nearest(double x) const {
    auto above = std::lower_bound(values.begin(), values.end(), x,
                                  [](const auto &a, double wanted) { return a.first < wanted; });
    if (above == values.end()) return values.back().first;
    if (above == values.begin() || above->first == x) return above->first;
    const auto below = std::prev(above);
    const double up = above->first - x, down = x - below->first;
    if (up == down) return above->second % 2 == 0 ? above->first : below->first;
    return up < down ? above->first : below->first;
  }
};

const Reference &reference(Type type) {
  static std::map<Type, Reference> all;
  return all.try_emplace(type, type).first->second;
}

float scale_of(Type type, const float *row, int width) {
  float top = 0;
  for (int c = 0; c < width; ++c) top = std::max(top, std::abs(row[c]));
  if (type == Type::kInt8) return top ? top / 127 : 1;
  return type == Type::kFloat8 && top ? top / 448 : 1;
}

/// What is left of float32 rows [n, width] in a type.
std::vector<float> rounded(Type type, std::vector<float> x, int width) {
  if (type == Type::kFloat32) return x;
  for (size_t row = 0; row < x.size(); row += size_t(width)) {
    const float scale = scale_of(type, &x[row], width);
    for (int c = 0; c < width; ++c) {
      float &v = x[row + size_t(c)];
      v = float(reference(type).nearest(v / scale)) * scale;
    }
  }
  return x;
}

// The bound conversion.h states, of a number in a token whose greatest is top.
double bound(Type type, double x, double top) {
  switch (type) {
    case Type::kFloat16:
      return std::max(std::ldexp(std::abs(x), -11), std::ldexp(1, -25));
    case Type::kBfloat16:
      return std::ldexp(std::abs(x), -8);
    case Type::kInt8:
      return top / 254 * (1 + 1e-5);
    case Type::kFloat8:
      return std::max(std::ldexp(std::abs(x), -4), std::ldexp(top, -18)) * (1 + 1e-5);
    default:
      return 0;
  }
}

std::string caps_of(Type type, int hidden, const std::string &more = "", const char *features = "") {
  return std::string("application/x-visual-tokens") + features + ", type=(string)" + type_name(type) +
         ", hidden-size=(int)" + std::to_string(hidden) +
         ", space=(string)\"test@0123456789abcdef\", stream-format=(string)raw, framerate=(fraction)25/1" +
         ", extras=(string)none" + more;
}

/// A vtokconvert between two fixed caps.
struct Converter : Harness {
  std::string to;
  Converter(const std::string &from_caps, const std::string &to_caps) : Harness("vtokconvert"), to(to_caps) {
    set_sink_caps(to_caps);
    set_caps(from_caps);
  }
  Buffer operator()(GstBuffer *buffer) {
    REQUIRE(push(buffer) == GST_FLOW_OK);
    return pull();
  }
};

std::vector<float> numbers_of(GstBuffer *buffer, const std::string &caps) {
  GstCaps *parsed = gst_caps_from_string(caps.c_str());
  const StreamInfo info(parsed);
  gst_caps_unref(parsed);
  return values(to_host(read_tokens(buffer, info).tokens));
}

std::vector<float> spread(int count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> x(static_cast<size_t>(count));
  for (size_t i = 0; i < x.size(); ++i) x[i] = normal(random) * (i % 11 == 0 ? 30.f : i % 7 == 0 ? 1e-4f : 1);
  return x;
}

constexpr Type kTypes[] = {Type::kFloat32, Type::kFloat16, Type::kBfloat16, Type::kFloat8, Type::kInt8};

}  // namespace

TEST_CASE("every type becomes every other as the plain reference says, within the stated bounds") {
  struct Shape {
    int n, hidden, levels;
  };
  for (const Shape shape : {Shape{1, 1, 1}, Shape{7, 3, 1}, Shape{5, 19, 2}, Shape{196, 111, 1}}) {
    const int width = shape.hidden * shape.levels;
    const std::string more = shape.levels > 1 ? ", levels=(int)" + std::to_string(shape.levels) : "";
    const std::vector<float> x = spread(shape.n * width, unsigned(shape.n));
    for (const Type first : kTypes) {
      Converter into(caps_of(Type::kFloat32, shape.hidden, more), caps_of(first, shape.hidden, more));
      auto held = into(frame_at(x, width, 40, false, 14));
      REQUIRE(held);
      const std::vector<float> once = numbers_of(held.get(), into.to), want = rounded(first, x, width);
      INFO(type_name(first) << " " << shape.n << " x " << width);
      CHECK(once == want);
      int outside = 0;
      for (size_t i = 0; i < x.size(); ++i) {
        const float *row = &x[i / size_t(width) * size_t(width)];
        const double top = scale_of(Type::kInt8, row, width) * 127.;
        outside += std::abs(double(once[i]) - x[i]) > bound(first, x[i], top);
      }
      CHECK(outside == 0);
      for (const Type second : kTypes) {
        INFO("then " << type_name(second));
        Converter on(into.to, caps_of(second, shape.hidden, more));
        auto made = on(gst_buffer_ref(held.get()));
        REQUIRE(made);
        CHECK(numbers_of(made.get(), on.to) == (first == second ? want : rounded(second, want, width)));
        CHECK((made.get() == held.get()) == (first == second));
        Opened opened(made.get(), on.to);
        CHECK(opened.view.n == guint(shape.n));
        CHECK(opened.view.records[shape.n - 1].column == (shape.n - 1) % 14);
        CHECK(GST_BUFFER_PTS(made.get()) == 40 * GST_MSECOND);
        CHECK(GST_BUFFER_FLAG_IS_SET(made.get(), GST_BUFFER_FLAG_DELTA_UNIT));
      }
    }
  }
}

TEST_CASE("the choice is what loses least, then what need not move") {
  const std::pair<std::string, std::string> cases[] = {
      {"ANY", "float32"},
      {"application/x-visual-tokens", "float32"},
      {"application/x-visual-tokens, type=(string){int8, bfloat16, float16}", "float16"},
      {"application/x-visual-tokens, type=(string){float8-e4m3, bfloat16}", "bfloat16"},
      {"application/x-visual-tokens, type=(string){float8-e4m3, int8}", "int8"},
      {"application/x-visual-tokens(memory:CUDAMemory), type=(string)int8; "
       "application/x-visual-tokens, type=(string)int8",
       "int8"}};
  for (const auto &[sink, type] : cases) {
    INFO(sink);
    Harness h("vtokconvert");
    h.set_sink_caps(sink);
    h.set_caps(caps_of(Type::kFloat32, 2));
    CHECK(h.push(frame_at(ramp(3, 2), 2, 0, true)) == GST_FLOW_OK);
    CHECK(h.out_caps().find("type=(string)" + type) != std::string::npos);
    CHECK(h.out_caps().find("CUDA") == std::string::npos);
  }
  Harness wider("vtokconvert");  // from few bits to where all of them fit
  wider.set_sink_caps("application/x-visual-tokens, type=(string){int8, bfloat16, float32}");
  wider.set_caps(caps_of(Type::kFloat8, 2));
  CHECK(wider.out_caps().find("float32") != std::string::npos);
}

TEST_CASE("what comes in is what upstream may choose from") {
  Harness h("vtokconvert");
  h.set_sink_caps("application/x-visual-tokens, type=(string)int8, hidden-size=(int)8, max-tokens=(int)5");
  GstPad *sink = gst_element_get_static_pad(h.element(), "sink");
  GstCaps *asked = gst_pad_query_caps(sink, nullptr);
  for (const Type type : kTypes)
    for (const char *features : {"", "(memory:CUDAMemory)"}) {
      GstCaps *offered = gst_caps_from_string(caps_of(type, 8, ", max-tokens=(int)5", features).c_str());
      CHECK(gst_caps_is_subset(offered, asked));
      gst_caps_unref(offered);
    }
  GstCaps *other = gst_caps_from_string(caps_of(Type::kInt8, 9).c_str());
  CHECK(!gst_caps_is_subset(other, asked));
  gst_caps_unref(other);
  gst_caps_unref(asked);
  gst_object_unref(sink);
}

TEST_CASE("side inputs are converted too, metas and counts are kept") {
  const std::string extras = "sources,attention";
  std::string caps = caps_of(Type::kFloat32, 2);
  caps.replace(caps.find("none"), 4, "\"" + extras + "\"");
  std::string half = caps;
  half.replace(half.find("float32"), 7, "float16");

  GstBuffer *in = frame_at(ramp(2, 2, 5), 2, 0, true);
  const auto more = ramp(3, 2, 2048.7f);
  const auto records = records_of(3, 3, 11);
  gst_buffer_append_memory(in, memory_of(more.data(), more.size() * 4));
  gst_buffer_append_memory(in, memory_of(records.data(), records.size() * sizeof records[0]));
  const float attention[] = {.25f, .1f, 3, 4, 5, 6};
  gst_buffer_append_memory(in, memory_of(attention, sizeof attention));
  GstVtokCounts counts = counts_of(in);
  counts.extras_n[0] = 3, counts.extras_n[1] = 2, counts.group = 9, counts.source_tokens = 77;
  gst_vtok_buffer_set_counts(in, &counts);
  GstCaps *unix_time = gst_caps_new_empty_simple("timestamp/x-unix");
  gst_buffer_add_reference_timestamp_meta(in, unix_time, 123, GST_CLOCK_TIME_NONE);
  gst_caps_unref(unix_time);

  Converter convert(caps, half);
  auto out = convert(in);
  REQUIRE(out);
  CHECK(gst_buffer_n_memory(out.get()) == 5);
  Opened opened(out.get(), half);
  REQUIRE(opened.view.n_extras == 2);
  const auto number = [](gconstpointer data, int i) {
    return Reference::value(Type::kFloat16, static_cast<const uint16_t *>(data)[i]);
  };
  CHECK(number(opened.view.tokens, 2) == 6);
  CHECK(opened.view.extras[0].n == 3);
  CHECK(number(opened.view.extras[0].data, 4) == 2050);  // 2050.7: so far out two are the step
  CHECK(opened.view.extras[0].records[2].time == 11);
  CHECK(opened.view.extras[1].n == 2);
  CHECK(opened.view.extras[1].size == 12);
  CHECK(number(opened.view.extras[1].data, 5) == 6);
  counts = counts_of(out.get());
  CHECK(counts.group == 9);
  CHECK(counts.source_tokens == 77);
  CHECK(counts.extras_n[1] == 2);
  CHECK(gst_buffer_get_reference_timestamp_meta(out.get(), nullptr));

  std::string bytes = half;
  bytes.replace(bytes.find("float16"), 7, "int8");
  Harness refused("vtokconvert");
  refused.set_sink_caps(bytes);
  refused.set_caps(caps);
  CHECK(refused.message(GST_MESSAGE_ERROR) ==
        "the side input \"attention\" has no records, which int8 needs for its scales");
}

TEST_CASE("tokens without records get those that int8 needs") {
  Converter convert(caps_of(Type::kFloat32, 2, ", grid-width=(int)3, grid-height=(int)1"),
                    caps_of(Type::kInt8, 2, ", grid-width=(int)3, grid-height=(int)1"));
  auto out = convert(frame_at({127, 1, 0, 254, -6.35f, 0}, 2, 0, true, 3, false));
  REQUIRE(out);
  Opened opened(out.get(), convert.to);
  const auto *q = static_cast<const int8_t *>(opened.view.tokens);
  CHECK(std::vector<int>(q, q + 6) == std::vector<int>{127, 1, 0, 127, -127, 0});
  CHECK(opened.view.records[1].scale == 2);
  CHECK(opened.view.records[2].scale == Approx(.05f));
  CHECK(opened.view.records[2].column == 2);
}

TEST_CASE("what cannot be held is dropped and counted, and the next buffer starts the group") {
  for (const auto &[type, bad, sentence] :
       {std::tuple{Type::kInt8, NAN, "token 1 of 3 holds NaN or infinity, expected finite numbers"},
        std::tuple{Type::kFloat8, INFINITY, "token 1 of 3 holds NaN or infinity, expected finite numbers"},
        std::tuple{Type::kFloat16, 65520.f,
                   "a token holds a number greater than 65504, which float16 cannot hold"}}) {
    Converter convert(caps_of(Type::kFloat32, 2), caps_of(type, 2));
    auto numbers = ramp(3, 2);
    numbers[3] = bad;
    CHECK(!convert(frame_at(numbers, 2, 0, true)));
    CHECK(convert.message(GST_MESSAGE_WARNING) == sentence);
    CHECK(convert.stat("dropped-bad-tokens") == 1);
    auto out = convert(frame_at(ramp(3, 2), 2, 40, false));
    REQUIRE(out);
    CHECK(!GST_BUFFER_FLAG_IS_SET(out.get(), GST_BUFFER_FLAG_DELTA_UNIT));
    out = convert(frame_at(ramp(3, 2), 2, 80, false));
    CHECK(GST_BUFFER_FLAG_IS_SET(out.get(), GST_BUFFER_FLAG_DELTA_UNIT));
    CHECK(convert.stat("converted") == 2);
  }
}

TEST_CASE("to a device and back: the bytes, the records, and nothing moved twice") {
  LazyDevice device;
  for (const Type type : kTypes) {
    INFO(type_name(type));
    const std::string caps = caps_of(type, 19);
    Converter start(caps_of(Type::kFloat32, 19), caps);
    auto held = start(frame_at(spread(7 * 19, 3), 19, 0, true, 4));
    REQUIRE(held);
    GstCaps *parsed = gst_caps_from_string(caps.c_str());
    const StreamInfo info(parsed);
    gst_caps_unref(parsed);
    const std::vector<float> want = numbers_of(held.get(), caps);

    Conversion up(info, type, Place::kDevice, &device);
    BufferPtr there = up.convert(BufferPtr(gst_buffer_ref(held.get())));
    GstMemory *memory = gst_buffer_peek_memory(there.get(), 0);
    REQUIRE(device_tokens(memory));
    CHECK(!device_tokens(gst_buffer_peek_memory(there.get(), 1)));
    CHECK(numbers_of(there.get(), caps) == want);
    GstBuffer *same = there.get();
    there = up.convert(std::move(there));
    CHECK(there.get() == same);

    GstMapInfo map;  // GST_MAP_CUDA: where it lies
    REQUIRE(gst_memory_map(memory, &map, GstMapFlags(GST_MAP_READ | GST_MAP_FLAG_LAST << 1)));
    CHECK(map.data == device_tokens(memory)->data.get());
    gst_memory_unmap(memory, &map);

    const Type other = type == Type::kBfloat16 ? Type::kFloat32 : Type::kBfloat16;
    Conversion across(info, other, Place::kWhereItIs, nullptr);
    BufferPtr narrow = across.convert(BufferPtr(gst_buffer_ref(there.get())));
    CHECK(device_tokens(gst_buffer_peek_memory(narrow.get(), 0)));
    CHECK(numbers_of(narrow.get(), caps_of(other, 19)) == rounded(other, want, 19));

    Converter down(caps_of(type, 19, "", "(memory:CUDAMemory)"), caps);  // by the element
    auto back = down(there.release());
    REQUIRE(back);
    CHECK(!device_tokens(gst_buffer_peek_memory(back.get(), 0)));
    CHECK(bytes_of(back.get()) == bytes_of(held.get()));
  }
  CHECK(device.allocations() == 0);
}

TEST_CASE("a GPU that is not there, or no GPU's name, is an error that says so") {
  const auto error = [](const char *device) {
    Harness h((std::string("vtokconvert device=") + device).c_str());
    h.set_sink_caps(caps_of(Type::kFloat32, 2, "", "(memory:CUDAMemory)"));
    h.set_caps(caps_of(Type::kFloat32, 2));
    return h.message(GST_MESSAGE_ERROR).value_or("");
  };
  CHECK(error("cuda:63") == "there is no GPU 63 that tokens could be put on, as downstream wants");
  CHECK(error("cpu") == "device 'cpu' is no GPU; there are auto, cuda and cuda:N");
  if (Device *gpu = cuda_device(0)) {
    INFO(name_of(*gpu));
    CHECK(error("auto") == "");
  }
}

TEST_CASE("compressors take tokens that are said to be on a GPU") {
  LazyDevice device;
  Harness h("vtokspatial retention=0.5 ! vtoktemporal");
  h.set_caps(caps_of(Type::kFloat32, 4, "", "(memory:CUDAMemory)"));
  GstCaps *parsed = gst_caps_from_string(caps_of(Type::kFloat32, 4).c_str());
  Conversion up(StreamInfo(parsed), Type::kFloat32, Place::kDevice, &device);
  gst_caps_unref(parsed);
  REQUIRE(h.push(up.convert(BufferPtr(frame_at(spread(24, 1), 4, 0, true))).release()) == GST_FLOW_OK);
  REQUIRE(h.event(gst_event_new_eos()));
  auto out = h.pull();
  REQUIRE(out);
  CHECK(device_tokens(gst_buffer_peek_memory(out.get(), 0)));
  CHECK(h.out_caps().find("(memory:CUDAMemory)") != std::string::npos);
}
