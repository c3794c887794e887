// Exported encoders against PyTorch: TorchScript and AOTInductor packages, every shape and number type, what
// cannot run.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <dlfcn.h>
#include <torch/csrc/jit/api/module.h>
#include <catch2/catch.hpp>

#include "models/encoders/exported.h"
#include "models/error.h"
#include "models/installation.h"
#include "models/llms/torch.h"
#include "scratch.h"
#include "tests/models/golden.h"

using namespace vtok;
using Catch::Contains;
using nlohmann::json;
using test::worst;

namespace {

const std::string kGolden = VTOK_GOLDEN;
constexpr test::Case kPackage = {"", "exported-package/case-a"};

/// A program in TorchScript made here, and encoder.json for frames of 4x6, tokens of 2x3 of 5 numbers.
struct Made : Scratch {
  explicit Made(const std::string &forward, const json &more = json::object()) : Scratch("") {
    torch::jit::Module module("Encoder");
    module.define("def forward(self, x):\n    " + forward + "\n");
    module.save(path("encoder.pt").string());
    json settings = {{"program", "encoder.pt"}, {"size", {{"height", 4}, {"width", 6}}},
                     {"do_normalize", false},   {"do_rescale", false},
                     {"hidden_size", 5},        {"grid", {{"height", 2}, {"width", 3}}}};
    settings.update(more);
    write_text(path("encoder.json"), settings.dump());
  }
  std::shared_ptr<const Checkpoint> open() const { return open_checkpoint(folder()); }
  std::string fails() const {
    return refusal([&] { ExportedEncoder(open(), {}, {}); });
  }
};

// Token (r, c) of a frame: the red value at its left upper corner, its type's name as a number, and zeros.
const std::string kMap = "return torch.constant_pad_nd(x[:, :1, ::2, ::2], [0, 0, 0, 0, 0, 4])";
const std::string kList = "return torch.constant_pad_nd(x[:, 0, ::2, ::2].flatten(1).unsqueeze(2), [0, 4])";

/// Frames of 6x4 whose red values count from `first`.
std::vector<uint8_t> counting(int first) {
  std::vector<uint8_t> bytes(6 * 4 * 3);
  for (int i = 0; i < 24; ++i) bytes[size_t(i) * 3] = uint8_t(first + i);
  return bytes;
}

}  // namespace

TEST_CASE(
    "TorchScript of a checkpoint's encoder makes the checkpoint's tokens, and its language model answers") {
  const auto checkpoint = open_checkpoint(kGolden + "/exported-script");
  CHECK(describe_encoder(*checkpoint).space == describe_encoder(*test::kCases[0].open()).space);
  ExportedEncoder encoder(checkpoint, {}, {});
  for (const test::Case &c : {test::kCases[0], test::kCases[1]}) {
    CAPTURE(c.folder);
    std::string bytes;
    auto group = std::make_shared<Group>(*test::reference_group(c));
    group->parts = encoder.encode(test::pictures(c, bytes));
    CHECK(worst(test::stacked(group->parts), c.array("tokens")) < 1e-4);
    group->starts.assign(group->parts.size(), 0);
    TorchLlm llm(c.open(), {}, {});
    llm.ask(test::request(c, {group}), nullptr);
    CHECK(llm.answered() == c.ids("generated"));
  }
}

TEST_CASE("an AOTInductor package makes PyTorch's tokens") {
#ifdef __x86_64__
  // As where LibTorch's own cannot be loaded for want of CUDA.
  REQUIRE(dlopen(libtorch_stand_in().c_str(), RTLD_LAZY));
  const auto checkpoint = open_checkpoint(kGolden + "/exported-package");
  std::string bytes;
  const std::vector<Picture> pictures = test::pictures(kPackage, bytes);
  const at::Tensor expected = kPackage.array("tokens");
  ExportedEncoder encoder(checkpoint, {}, {});
  CHECK(worst(test::stacked(encoder.encode(pictures)), expected) < 1e-4);
  for (size_t i = 0; i < pictures.size(); ++i)
    CHECK(worst(test::stacked(encoder.encode({&pictures[i], 1}))[0], expected[int64_t(i)]) < 1e-4);
  ExportedEncoder narrow(checkpoint, {.type = Type::kBfloat16}, {});
  const std::vector<Tokens> tokens = narrow.encode(pictures);
  CHECK(tokens[0].type == Type::kBfloat16);
  CHECK(worst(test::stacked(tokens), expected) < 0.02);
#else
  WARN("the package is of x86-64: not run");
#endif
}

TEST_CASE("lists and maps, any batch or a fixed one, 16 bits: tokens lie where they are") {
  struct {
    std::string forward;
    json more;
  } const cases[] = {{kMap, json::object()},
                     {kList, json::object()},
                     {kMap, {{"batch", 2}}},
                     {kList, {{"batch", 3}}},
                     {kList, {{"batch", 16}}},
                     {kMap, {{"dtype", "bfloat16"}}},
                     {kList, {{"dtype", "float16"}, {"batch", 1}}}};
  for (const auto &[forward, more] : cases) {
    const std::string fixed = "assert x.size(0) == " + std::to_string(more.value("batch", 0)) + "\n    ";
    CAPTURE(forward, more.dump());
    const Made made((more.contains("batch") ? fixed : "") + forward, more);
    ExportedEncoder encoder(made.open(), {}, {});
    std::vector<std::vector<uint8_t>> bytes;
    std::vector<Picture> pictures;
    for (int i = 0; i < 5; ++i) bytes.push_back(counting(10 * i));
    for (const auto &frame : bytes) pictures.push_back({frame.data(), 6, 4, 18});
    const std::vector<Tokens> tokens = encoder.encode(pictures);
    REQUIRE(tokens.size() == 5);
    for (int f = 0; f < 5; ++f) {
      REQUIRE(tokens[size_t(f)].n == 6);
      REQUIRE(tokens[size_t(f)].dim == 5);
      for (int t = 0; t < 6; ++t) {
        const int row = t / 3, column = t % 3;
        CHECK(tokens[size_t(f)].records[size_t(t)] ==
              Record{.row = uint16_t(row), .column = uint16_t(column)});
        const auto *numbers = static_cast<const float *>(tokens[size_t(f)].row(t));
        CHECK(numbers[0] == 10 * f + 12 * row + 2 * column);
        CHECK(numbers[4] == 0);
      }
    }
    CHECK(encoder.encode({}).empty());
  }
}

TEST_CASE("what does not make encoder.json's tokens is refused when it is loaded") {
  CHECK_THAT(Made("return x").fails(),
             Contains("encoder.pt makes Float [1, 3, 4, 6] of frames [1, 3, 4, 6], expected") &&
                 Contains("[1, 6, 5] or [1, 5, 2, 3]"));
  CHECK_THAT(Made("return torch.constant_pad_nd(" + kList.substr(7) + ", [0, 0, 1, 0])").fails(),
             Contains("makes Float [1, 7, 5]"));
  CHECK_THAT(Made(kMap + "[:1]").fails(),
             Contains("makes Float [1, 5, 2, 3] of frames [2, 3, 4, 6]") && Contains("batch"));
  CHECK_THAT(Made(kMap + ".int()").fails(), Contains("makes Int") && Contains("floating-point"));
  CHECK_THAT(Made("return (x, x)").fails(), Contains("answers with Tuple, expected one tensor"));
  CHECK_THAT(Made("return x.view(7, -1)").fails(),
             Contains("fails on [1, 3, 4, 6]: shape '[7, -1]' is invalid") && !Contains("\n"));
  CHECK_THAT(Made("assert x.size(0) > 1, \"more frames\"\n    " + kMap).fails(),
             Contains("more frames") && !Contains("\n"));
}

TEST_CASE("files without a program that can run here say what they hold") {
  const auto fails = [](const std::string &folder) {
    return refusal([&] { ExportedEncoder(open_checkpoint(folder), {}, {}); });
  };
  CHECK_THAT(fails(kGolden + "/exported-program"),
             Contains("exported-program/encoder.pt2 cannot be loaded: it is an exported program") &&
                 Contains("torch._inductor.aoti_compile_and_package"));
  const Made made(kMap);
  const std::string whole = read_text(made.path("encoder.pt").string());
  for (const std::string &text :
       {std::string("program"), whole.substr(0, whole.size() / 2), std::string(1, '\0')}) {
    write_text(made.path("encoder.pt"), text);
    CHECK_THAT(made.fails(), Contains("encoder.pt cannot be loaded: it is no whole archive of PyTorch's"));
  }
  const Scratch package("");
  for (const char *file : {"encoder.json", "encoder.pt2"})
    write_text(package.path(file), read_text(kGolden + "/exported-package/" + file));
  std::string bytes = read_text(package.path("encoder.pt2").string());
  bytes.replace(bytes.find("AOTI_DEVICE_KEY"), 4, "OTHE");  // its checksum is wrong now
  write_text(package.path("encoder.pt2"), bytes);
  CHECK_THAT(fails(package.folder()), Contains("encoder.pt2 cannot be loaded: ") && !Contains("\n"));
}

TEST_CASE("loading an exported encoder tells how far it is and can be given up") {
  const Made made(kMap);
  double last = -1;
  ExportedEncoder(made.open(), {}, [&](double done) {
    CHECK(done >= last);
    last = done;
    return true;
  });
  CHECK(last == 1);
  CHECK_THROWS_AS(ExportedEncoder(made.open(), {}, [](double done) { return done < 0.5; }), Cancelled);
}
