// Runs the tests of gst/ between gst_init and gst_deinit, and fails where GStreamer objects are left over.
// SPDX-License-Identifier: LGPL-2.1-or-later
#define CATCH_CONFIG_RUNNER
#include <gst/gst.h>

#include <catch2/catch.hpp>
#include <cstring>

static bool leaked = false;

// The leaks tracer (GST_TRACERS=leaks) says so once, in gst_deinit.
static GLogWriterOutput watch(GLogLevelFlags level, const GLogField *fields, gsize n, gpointer) {
  for (gsize i = 0; i < n; ++i)
    if (!strcmp(fields[i].key, "MESSAGE") &&
        strstr(static_cast<const char *>(fields[i].value), "Leaks detected"))
      leaked = true;
  return g_log_writer_default(level, fields, n, nullptr);
}

int main(int argc, char **argv) {
  g_log_set_writer_func(watch, nullptr, nullptr);
  gst_init(nullptr, nullptr);
  const int failed = Catch::Session().run(argc, argv);
  gst_deinit();
  if (leaked) fprintf(stderr, "objects leaked; GST_DEBUG=GST_TRACER:7 names them\n");
  return failed || leaked ? 1 : 0;
}
