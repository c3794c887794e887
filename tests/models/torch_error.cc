// LibTorch's errors as users see them.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/torch_error.h"

#include <ATen/ATen.h>

#include <catch2/catch.hpp>
#include <new>

#include "models/error.h"

using namespace vtok;

TEST_CASE("the first line of what LibTorch says, without its backtrace") {
  const auto fails = [] {
    TORCH_CHECK(false,
                "CUDA error: an illegal memory access was encountered\nFor debugging consider passing …");
  };
  CHECK_THROWS_WITH(in_sentences(fails), "CUDA error: an illegal memory access was encountered");
  try {
    in_sentences([] { return at::mm(at::zeros({2, 3}), at::zeros({2, 3})); });
    FAIL("2 x 3 times 2 x 3 is no product");
  } catch (const std::runtime_error &error) {
    CHECK(dynamic_cast<const c10::Error *>(&error) == nullptr);
    CHECK_THAT(error.what(), !Catch::Contains("\n") && Catch::Contains("2x3"));
  }
}

TEST_CASE("memory that ran out can be told from other errors") {
  try {
    in_sentences([] {
      TORCH_CHECK_WITH(OutOfMemoryError, false, "CUDA out of memory. Tried to allocate 2 GiB\nAdvice");
    });
    FAIL("nothing was thrown");
  } catch (const std::bad_alloc &error) {
    CHECK(std::string(error.what()) == "CUDA out of memory. Tried to allocate 2 GiB");
  }
}

TEST_CASE("other errors and results pass as they are") {
  CHECK(in_sentences([] { return 5; }) == 5);
  CHECK_THROWS_AS(in_sentences([] { throw BadTokens("one\ntwo"); }), BadTokens);
  CHECK_THROWS_WITH(in_sentences([] { throw BadTokens("one\ntwo"); }), "one\ntwo");
}
