// Feeds tokenizer.json: what loads must encode and decode any text.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/tokenizer.h"

#include <stdexcept>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  try {
    const auto tokenizer =
        vtok::load_tokenizer(std::string(reinterpret_cast<const char *>(data), size), "input");
    for (const char *text : {" Hello  world's 123\n\n<|im_end|> <tok>x", "caf\xc3\xa9 e\xcc\x81 \xff\xe2\x82",
                             "", "aaaaaaaaaaaaaaaa"}) {
      const auto ids = tokenizer->encode(text, true);
      tokenizer->decode(ids, true);
      tokenizer->encode(tokenizer->disarmed(text));
      for (const int id : ids) tokenizer->bytes(id);
    }
  } catch (const std::runtime_error &) {  // the only kind it may throw
  }
  return 0;
}
