// A camera that stays on: time to first token and resident memory after a minute and after a day of ready-made tokens, for every
// memory policy, and beside reading the whole prompt for each question. SPDX-License-Identifier: LGPL-2.1-or-later
//
//   bench-live [rows | MODEL HOURS [POLICY | full]]    rows: what scripts/bench runs; MODEL HOURS: a checkpoint's day, cut to
//   so many hours
#include <gst/gst.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "models/installation.h"
#include "models/memory.h"
#include "tests/bench/camera.h"
#include "tests/bench/peer.h"

namespace {

constexpr int kAsks = 9;    // of which the least counts

double rss_mb() {
  long pages = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  return double(resident) * double(sysconf(_SC_PAGESIZE)) / 1e6;
}

using vtok::bench::Camera, vtok::bench::Facts, vtok::bench::kGroup;

void row(const std::string &name, double value, const char *unit) {
  printf("{\"name\": \"%s\", \"value\": %.4g, \"unit\": \"%s\", \"floor\": null, \"peer\": null}\n", name.c_str(), value, unit);
  fflush(stdout);
}

/// A day of 4 tokens a second, cut to `hours`, beside a minute with groups of the same size that fills the memory as well.
void day(const Facts &facts, const std::string &memory, double hours, const std::string &suffix) {
  constexpr int kMemory = 2048;
  Camera minute(facts, memory, kMemory, 4, 0.1), day(facts, memory, kMemory, 4, 1);
  minute.push(60 * 10 + kGroup / 2);
  minute.settle();
  std::vector<double> resident;  // each half hour (each tenth of the time where that is shorter), once the bound is long reached
  const int64_t frames = int64_t(hours * 3600), step = std::min<int64_t>(1800, frames / 10);
  for (int64_t at = 0; at < frames; at += step) {
    day.push(step);
    // `retrieve` is full when what it put by is, after some 18 hours.
    if (memory == "retrieve" && hours > 20 ? day.forgets() : at >= frames / 5) resident.push_back(rss_mb());
  }
  day.push(kGroup / 2);
  day.settle();
  double now = 1e30, then = 1e30;
  guint seen_now = 0, seen_then = 0;
  for (int i = 0; i < kAsks; ++i) {
    then = std::min(then, minute.ask(&seen_then));
    now = std::min(now, day.ask(&seen_now));
  }
  fprintf(stderr, "%s: %.1f ms after %.3g hours (%u tokens), %.1f ms after a minute (%u tokens), %lu frames lost\n",
          memory.c_str(), now, hours, seen_now, then, seen_then, day.lost());
  fprintf(stderr, "%s: MB", memory.c_str());
  for (const double mb : resident) fprintf(stderr, " %.1f", mb);
  fprintf(stderr, "\n");
  row("ttft_24h_over_1min" + suffix, now / then, "x");
  // Least squares: MB an hour.
  double t = 0, m = 0, tt = 0, tm = 0;
  const double n = double(resident.size());
  for (size_t i = 0; i < resident.size(); ++i) {
    const double hour = double(i) * double(step) / 3600;
    t += hour, m += resident[i], tt += hour * hour, tm += hour * resident[i];
  }
  row("rss_mb_per_hour" + suffix, (n * tm - t * m) / (n * tt - t * t), "MB/h");
  row((suffix == ".half_billion" ? "rss_mb_24h" : "rss_mb_24h" + suffix), *std::max_element(resident.begin(), resident.end()), "MB");
}

/// Five minutes of 20 tokens a frame and a frame a second, asked with what was read ahead, and by reading all of it again.
void full_prefill(const Facts &facts) {
  Camera camera(facts, "window", 0, 20, 1);
  camera.push(300 + kGroup / 2);
  camera.settle();
  double ours = 1e30, full = 1e30;
  guint seen = 0, seen_full = 0;
  for (int i = 0; i < 2; ++i) {
    for (int k = 0; k < 4; ++k) ours = std::min(ours, camera.ask(&seen));
    camera.system_prompt("Asked for the " + std::to_string(i) + "th time.");  // another beginning: nothing can be shared
    full = std::min(full, camera.ask(&seen_full));
    camera.system_prompt("");
  }
  fprintf(stderr, "full prefill %.0f ms (%u tokens), ours %.1f ms (%u tokens)\n", full, seen_full, ours, seen);
  row("ttft_full_prefill_over_ours", full / ours, "x");
}

}  // namespace

int main(int argc, char **argv) try {
  gst_init(&argc, &argv);
  const std::string what = argc > 1 ? argv[1] : "rows", only = argc > 3 ? argv[3] : "";
  if (what != "rows") {
    const Facts facts(what);
    if (only == "full") return full_prefill(facts), 0;
    for (const vtok::MemoryPolicy &policy : vtok::memory_policies())
      if (only.empty() || only == policy.name) day(facts, policy.name, argc > 2 ? atof(argv[2]) : 24, "." + std::string(policy.name));
    return 0;
  }
  const Facts tiny(vtok::shipped_model("tiny")), half_billion(vtok::bench::checkpoint());
  for (const vtok::MemoryPolicy &policy : vtok::memory_policies()) day(tiny, policy.name, 24, "." + std::string(policy.name));
  day(half_billion, "window", 1, ".half_billion");  // an hour: what is held is the same from the first quarter on
  full_prefill(half_billion);
  return 0;
} catch (const std::exception &error) {
  fprintf(stderr, "bench-live: %s\n", error.what());
  return 1;
}
