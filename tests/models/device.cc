// Compressing where the tokens lie: on every device the result is the host's, and the tokens stay there.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <catch2/catch.hpp>

#include "models/device_tokens.h"
#include "models/error.h"
#include "models/spatial.h"
#include "models/temporal.h"
#include "tests/kernels/rows.h"
#include "tests/lazy_device.h"
#include "tests/models/frames.h"
#include "tests/scc_cases.h"

using namespace vtok;

namespace {

/// A copy on the device, made by a stream of its own; the device's counts of memory must be as before in the
/// end.
Tokens moved(const Tokens &tokens, Device &device) { return to_device(tokens, device.make_stream()); }

/// The same records, the same numbers: bit for bit where the kernels are the host's, else nearly.
void check_same(const Tokens &on_device, const Tokens &on_host, Device &device) {
  REQUIRE(on_device.n == on_host.n);
  REQUIRE(on_device.type == on_host.type);
  REQUIRE(on_device.dim == on_host.dim);
  CHECK(on_device.records == on_host.records);
  if (on_host.n == 0) return;
  REQUIRE(on_device.memory);
  REQUIRE(&on_device.memory->device() == &device);
  const std::vector<float> got = test::values(to_host(on_device)), want = test::values(on_host);
  if (device.ordinal() == 7) {
    CHECK(got == want);
    return;
  }
  float top = 0;
  for (float v : want) top = std::max(top, std::abs(v));
  const float step = on_host.type == Type::kFloat32 ? 1e-5f : on_host.type == Type::kFloat16 ? 1e-3f : 8e-3f;
  CHECK(test::furthest(got.data(), want.data(), want.size()) <= step * top);
}

std::vector<TemporalInput> group(size_t kind, int n, int d, Type type, bool sources) {
  std::vector<TemporalInput> frames;
  for (int f = 0; f < 3; f++) {
    const Tokens all =
        from_float32(test::frame(test::make_rows(kind, n, d, uint32_t(f / 2)), d, f * 1000), type);
    const Tokens few = test::method(spatial_methods(), "scc").make({})->compress(all, n);
    TemporalInput input{.tokens = few, .source = n};
    if (sources && f != 1) input.sources = all;
    frames.push_back(input);
  }
  return frames;
}

}  // namespace

TEST_CASE("there and back") {
  for (Device *device : test::devices())
    for (Type type : {Type::kFloat32, Type::kFloat16, Type::kBfloat16, Type::kInt8})
      for (int n : {0, 1, 111}) {
        INFO(test::name_of(*device) << ", " << type_name(type) << ", " << n);
        const Tokens host = from_float32(test::frame(test::make_rows(2, n, 19, 1), 19, 5), type);
        const Tokens there = moved(host, *device);
        CHECK(there.device() == device->ordinal());
        const Tokens back = to_host(there);
        CHECK(back.device() == -1);
        CHECK(back.records == host.records);
        CHECK(test::values(back) == test::values(host));
        CHECK(to_host(host).data == host.data);
        CHECK_THROWS_AS(to_device(there, device->make_stream()), std::invalid_argument);
        CHECK_THROWS_AS(to_float32(there), std::invalid_argument);
        const auto stream = device->make_stream();
        if (type == Type::kInt8) {
          CHECK_THROWS_WITH(to_float32(there, stream), "int8 tokens in memory of CUDA device " +
                                                           std::to_string(device->ordinal()) +
                                                           ", expected float32, float16 or bfloat16 there");
          continue;
        }
        const Tokens wide = to_float32(there, stream);
        CHECK(test::values(to_host(wide)) == test::values(host));
        CHECK(test::values(to_host(from_float32(wide, type, stream))) == test::values(host));
      }
}

TEST_CASE("spatial methods") {
  for (Device *device : test::devices())
    for (const SpatialMethod &method : spatial_methods())
      for (size_t kind = 0; kind < std::size(test::kKinds); kind++)
        for (int n : {1, 19, 64, 196})
          for (Type type : {Type::kFloat32, Type::kBfloat16, Type::kFloat16})
            for (const CompressorSettings &s : {CompressorSettings{},
                                                {.epsilon = 0.5, .seed = 3},
                                                {.budget = {.retention = 0.3}},
                                                {.budget = {.max_tokens = 5}}}) {
              if (type != Type::kFloat32 && kind != 2) continue;
              INFO(test::name_of(*device) << ", " << method.name << ", " << test::kKinds[kind] << ", " << n
                                          << " " << type_name(type) << ", retention " << s.budget.retention);
              const Tokens host = from_float32(test::frame(test::make_rows(kind, n, 33, 7), 33), type);
              const auto there = method.make(s), here = method.make(s);
              for (int again = 0; again < 2; again++)
                check_same(there->compress(moved(host, *device), n), here->compress(host, n), *device);
            }
}

TEST_CASE("temporal methods, both modes, with and without sources") {
  for (Device *device : test::devices())
    for (const TemporalMethod &method : temporal_methods())
      for (size_t kind = 0; kind < std::size(test::kKinds); kind++)
        for (bool sources : {false, true})
          for (bool incremental : {false, true})
            for (double retention : {0., 0.1})
              for (Type type : {Type::kFloat32, Type::kBfloat16}) {
                if (type != Type::kFloat32 && kind != 2) continue;
                INFO(test::name_of(*device) << ", " << method.name << ", " << test::kKinds[kind] << ", "
                                            << type_name(type) << ", sources " << sources << ", incremental "
                                            << incremental << ", retention " << retention);
                const CompressorSettings settings{.incremental = incremental,
                                                  .budget = {.retention = retention}};
                const auto there = method.make(settings), here = method.make(settings);
                for (int round = 0; round < 2; round++) {
                  for (const TemporalInput &frame : group(kind, 60, 16, type, sources)) {
                    TemporalInput input = frame;
                    input.tokens = moved(frame.tokens, *device);
                    if (frame.sources) input.sources = moved(*frame.sources, *device);
                    check_same(there->add(input), here->add(frame), *device);
                  }
                  check_same(there->close(), here->close(), *device);
                }
              }
}

TEST_CASE("reference cases") {
  for (Device *device : test::devices())
    for (const test::SccCase &c : test::scc_cases()) {
      if (c.refused) continue;
      for (size_t t = 0; t < c.taus(); t++) {
        INFO(test::name_of(*device) << ", " << c.name << ", tau " << c.tau(t));
        const auto spatial = test::method(spatial_methods(), "scc").make({.tau = c.tau(t)});
        const auto temporal = test::method(temporal_methods(), "scc").make({.tau = c.tau(t)});
        for (int f = 0; f < c.frames; f++) {
          const Tokens frame = moved(test::frame(c.frame(f), c.n, c.d, f), *device);
          temporal->add({.tokens = spatial->compress(frame, c.n), .sources = frame, .source = c.n});
        }
        const Tokens out = to_host(temporal->close());
        REQUIRE(size_t(out.n) == c.at("out", t).shape[0]);
        CHECK(test::furthest(test::values(out).data(), c.at("out", t).floats(), size_t(out.n) * size_t(c.d)) <
              1e-5);
        for (int i = 0; i < out.n; i++)
          CHECK(out.records[size_t(i)].weight == uint32_t(c.at("weight", t).ints()[i]));
      }
    }
}

TEST_CASE("bad tokens are refused with the same sentence and leave the group as it was") {
  for (Device *device : test::devices()) {
    std::vector<float> x = test::make_rows(0, 19, 16, 1);
    x[100] = NAN;
    const Tokens bad = moved(test::frame(x, 16), *device);
    for (const SpatialMethod &method : spatial_methods())
      CHECK_THROWS_WITH(method.make({})->compress(bad, 19),
                        "token 6 of 19 holds NaN or infinity, expected finite numbers");
    for (const TemporalMethod &method : temporal_methods()) {
      const Tokens good = test::frame(test::make_rows(2, 19, 16, 1), 16);
      const auto temporal = method.make({}), reference = method.make({});
      temporal->add({.tokens = moved(good, *device), .source = 19});
      reference->add({.tokens = good, .source = 19});
      CHECK_THROWS_AS(temporal->add({.tokens = bad, .source = 19}), BadTokens);
      CHECK_THROWS_WITH(temporal->add({.tokens = good, .source = 19}),
                        "tokens on device -1 in a group on device " + std::to_string(device->ordinal()));
      check_same(temporal->close(), reference->close(), *device);
      temporal->add({.tokens = good, .source = 19});  // the next group may lie elsewhere
      CHECK(temporal->close().device() == -1);
    }
    const auto scc = test::method(temporal_methods(), "scc").make({});
    const Tokens good = test::frame(test::make_rows(2, 19, 16, 1), 16);
    CHECK_THROWS_AS(scc->add({.tokens = moved(good, *device), .sources = good, .source = 19}), BadTokens);
  }
}

TEST_CASE("nothing is left behind on the device, and its kernels did the work") {
  test::LazyDevice device;
  const Tokens host = test::frame(test::make_rows(2, 196, 32, 1), 32);
  Tokens out;
  {
    const auto spatial = test::method(spatial_methods(), "scc").make({});
    const auto temporal = test::method(temporal_methods(), "scc").make({});
    for (int f = 0; f < 3; f++) {
      const Tokens frame = moved(host, device);
      temporal->add({.tokens = spatial->compress(frame, 196), .sources = frame, .source = 196});
    }
    out = temporal->close();
  }
  CHECK(device.kernels_run > 3 * 4);
  const Tokens back = to_host(out);
  CHECK(device.allocations() == 1);
  out = {};
  CHECK(device.allocations() == 0);
  CHECK(back.n > 0);
}

TEST_CASE("tokens of several levels") {
  for (Device *device : test::devices())
    for (const TemporalMethod &method : temporal_methods())
      for (bool incremental : {false, true})
        for (Type type : {Type::kFloat32, Type::kBfloat16}) {
          INFO(test::name_of(*device)
               << ", " << method.name << ", " << type_name(type) << ", incremental " << incremental);
          const CompressorSettings settings{.tau = 0.7, .incremental = incremental};
          const auto there = method.make(settings), here = method.make(settings);
          const auto spatial = test::method(spatial_methods(), "scc");
          for (int f = 0; f < 3; f++) {
            Tokens host = from_float32(test::frame(test::make_rows(2, 30, 24, uint32_t(f / 2)), 24), type);
            host.levels = 3;
            const Tokens frame = moved(host, *device);
            const Tokens few = spatial.make({.tau = 0.7})->compress(frame, 30);
            CHECK(few.levels == 3);
            check_same(there->add({.tokens = few, .sources = frame, .source = 30}),
                       here->add({.tokens = spatial.make({.tau = 0.7})->compress(host, 30),
                                  .sources = host,
                                  .source = 30}),
                       *device);
          }
          const Tokens out = there->close();
          CHECK(out.levels == 3);
          check_same(out, here->close(), *device);
        }
}

TEST_CASE("a device without a kernel that compressing needs is refused") {
  struct Poor : test::LazyDevice {
    const Kernels &kernels() const override {
      static const Kernels table = [this] {
        Kernels k = LazyDevice::kernels();
        k.means = nullptr;
        return k;
      }();
      return table;
    }
  } device;
  const Tokens there = moved(test::frame(test::make_rows(2, 19, 16, 1), 16), device);
  for (const SpatialMethod &method : spatial_methods())
    CHECK_THROWS_WITH(method.make({})->compress(there, 19),
                      "device 7 has no kernel 'means', so tokens cannot be compressed there");
}
