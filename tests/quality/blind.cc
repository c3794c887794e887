// The blind baseline: the shipped model (or the named one) answers questions without any video.
// SPDX-License-Identifier: LGPL-2.1-or-later
//
//   quality-blind [MODEL] <QUESTIONS      one a line, after those before it and tabs; answers on standard output, one a line
#include <cstdio>
#include <exception>
#include <iostream>
#include <sstream>
#include <string>

#include "models/checkpoint.h"
#include "models/llm.h"

int main(int argc, char **argv) try {
  const auto checkpoint = vtok::open_checkpoint(argc > 1 ? argv[1] : "tiny");
  const auto llm = vtok::llm_backends()[0].make(
      {.checkpoint = checkpoint, .placement = vtok::resolve_placement("cpu", vtok::DType::kAuto)}, {});
  for (std::string line; std::getline(std::cin, line);) {
    vtok::Request request;
    std::string answer;
    std::istringstream turns(line);
    while (std::getline(turns, request.question, '\t')) {
      answer = llm->ask(request, [](const std::string &) {}).text;
      request.history.insert(request.history.end(), {{false, request.question}, {true, answer}});
    }
    std::printf("%s\n", answer.c_str());
  }
} catch (const std::exception &e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
