// Serves a camera or a video as an OpenAI endpoint and a page to ask at, until it is interrupted.
// SPDX-License-Identifier: LGPL-2.1-or-later
//
//   vtok-serve [--listen 127.0.0.1:8080] [--model DIR] [--from S] [--live] [--chain 'vtokkeyframe ! vtokenc !
//   …'] [--llm 'memory=merge …'] VIDEO|URI
//
// A file is read as fast as it can be and asked about when it is over too; --live plays it as a camera would. An RTSP camera
// (rtsp://, or rtspt:// for TCP alone) is waited for and connected to again whenever it is lost; what was seen stays remembered.
// Where the environment has VTOK_API_KEY, clients must bring it.
#include <glib-unix.h>
#include <gst/gst.h>

#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "camera.h"

namespace {

constexpr char kChain[] =
    "vtokkeyframe min-interval=500000000 max-interval=2000000000 ! vtokenc name=enc ! vtokspatial ! "
    "vtoktemporal";

struct Options {
  std::string listen = "127.0.0.1:8080", model = "tiny", chain = kChain, llm, video;
  double from = 0;  // seconds
  bool live = false;
};

bool parse(int argc, char **argv, Options &o) {
  int i = 1;
  for (; i < argc && !std::strncmp(argv[i], "--", 2); i++) {
    const std::string name = argv[i];
    if (name == "--live") {
      o.live = true;
      continue;
    }
    if (++i == argc) return false;
    if (name == "--listen")
      o.listen = argv[i];
    else if (name == "--model")
      o.model = argv[i];
    else if (name == "--chain")
      o.chain = argv[i];
    else if (name == "--llm")
      o.llm = argv[i];
    else if (name == "--from")
      o.from = g_ascii_strtod(argv[i], nullptr);
    else
      return false;
  }
  if (i + 1 == argc) o.video = argv[i];
  return !o.video.empty();
}

struct Unref {
  void operator()(gpointer p) const { gst_object_unref(p); }
};
using ElementPtr = std::unique_ptr<GstElement, Unref>;

struct Serving {
  Options options;
  GstElement *pipeline, *llm;
  GMainLoop *loop;
  Camera *camera = nullptr;  // where the video is one
  int status = 0;
  bool announced = false;
};

void announce(Serving &s) {
  if (std::exchange(s.announced, true)) return;
  guint port = 0;
  g_object_get(s.llm, "current-port", &port, nullptr);
  const std::string host = s.options.listen.substr(0, s.options.listen.rfind(':'));
  std::printf("http://%s:%u/\n", host.c_str(), port);
  std::fflush(stdout);
  const auto start = gint64(s.options.from * GST_SECOND);
  if (start > 0 &&
      !gst_element_seek_simple(s.pipeline, GST_FORMAT_TIME,
                               GstSeekFlags(GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_ACCURATE), start))
    std::fprintf(stderr, "%s cannot be sought; playing all of it\n", s.options.video.c_str());
  gst_element_set_state(s.pipeline, GST_STATE_PLAYING);
}

gboolean take(GstBus *, GstMessage *m, gpointer data) {
  auto &s = *static_cast<Serving *>(data);
  GError *error = nullptr;
  if (s.camera && s.camera->take(m)) return TRUE;
  switch (GST_MESSAGE_TYPE(m)) {
    case GST_MESSAGE_ASYNC_DONE:
      announce(s);
      break;
    case GST_MESSAGE_WARNING:
      gst_message_parse_warning(m, &error, nullptr);
      break;
    case GST_MESSAGE_ERROR:
      gst_message_parse_error(m, &error, nullptr);
      s.status = 1;
      g_main_loop_quit(s.loop);
      break;
    default:
      break;
  }
  if (error) std::fprintf(stderr, "%s: %s\n", GST_OBJECT_NAME(m->src), error->message);
  g_clear_error(&error);
  return TRUE;
}

}  // namespace

int main(int argc, char **argv) {
  Serving s{};
  if (!parse(argc, argv, s.options)) {
    std::fprintf(stderr,
                 "usage: vtok-serve [--listen ADDRESS] [--model DIR] [--from S] [--live] [--chain ELEMENTS] "
                 "[--llm PROPERTIES] VIDEO|URI\n");
    return 2;
  }
  // OpenMP's threads would spin while they wait for each other. Beside a decoder and whatever else a camera's machine does, that
  // costs more than it saves: answers of 80 ms take seconds. Before anything loads OpenMP; who has set it himself knows better.
  g_setenv("OMP_WAIT_POLICY", "passive", FALSE);
  // LibTorch keeps a compiled product of 0.3 MB for each number of rows it has met, up to 1024 of them in each of two places: hours
  // of growth for the few milliseconds that it takes to compile one again.
  for (const char *cache : {"LRU_CACHE_CAPACITY", "ONEDNN_PRIMITIVE_CACHE_CAPACITY"}) g_setenv(cache, "128", FALSE);
  gst_init(&argc, &argv);
  gchar *uri = gst_uri_is_valid(s.options.video.c_str())
                   ? g_strdup(s.options.video.c_str())
                   : gst_filename_to_uri(s.options.video.c_str(), nullptr);
  const bool camera = Camera::is_one(uri);
  GError *error = nullptr;
  const std::string launch = std::string(camera ? "" : "uridecodebin name=source ! ") + "videoconvert name=convert ! " +
                             (s.options.live ? "identity sync=true ! " : "") + s.options.chain + " ! vtokllmsink name=llm " + s.options.llm;
  const ElementPtr pipeline(gst_parse_launch(launch.c_str(), &error));
  if (error) {
    std::fprintf(stderr, "%s\n", error->message);
    g_error_free(error);
    return 1;
  }
  const auto named = [&](const char *name) {
    return ElementPtr(gst_bin_get_by_name(GST_BIN(pipeline.get()), name));
  };
  const ElementPtr source = named("source"), convert = named("convert"), enc = named("enc"), llm = named("llm");
  if (source) g_object_set(source.get(), "uri", uri, nullptr);
  if (enc) g_object_set(enc.get(), "model", s.options.model.c_str(), nullptr);
  g_object_set(llm.get(), "model", s.options.model.c_str(), "listen", s.options.listen.c_str(), "api-key",
               g_getenv("VTOK_API_KEY"), nullptr);
  s.pipeline = pipeline.get();
  s.llm = llm.get();
  s.loop = g_main_loop_new(nullptr, FALSE);
  GstBus *bus = gst_element_get_bus(pipeline.get());
  gst_bus_add_watch(bus, take, &s);
  for (const int signal : {SIGINT, SIGTERM})
    g_unix_signal_add(
        signal,
        [](gpointer loop) -> gboolean { return g_main_loop_quit(static_cast<GMainLoop *>(loop)), TRUE; },
        s.loop);
  std::optional<Camera> connected;
  if (camera) {
    // The pipeline plays before there is a camera, by a clock which stays when that goes.
    GstClock *clock = gst_system_clock_obtain();
    gst_pipeline_use_clock(GST_PIPELINE(pipeline.get()), clock);
    gst_object_unref(clock);
    g_object_set(llm.get(), "async", FALSE, nullptr);
    s.options.from = 0;
  }
  const GstStateChangeReturn change = gst_element_set_state(pipeline.get(), GST_STATE_PAUSED);
  if (change == GST_STATE_CHANGE_NO_PREROLL || (camera && change != GST_STATE_CHANGE_FAILURE)) announce(s);
  if (camera && s.announced) s.camera = &connected.emplace(pipeline.get(), convert.get(), uri);
  g_free(uri);
  g_main_loop_run(s.loop);
  s.camera = nullptr;
  connected.reset();
  gst_element_set_state(pipeline.get(), GST_STATE_NULL);
  gst_bus_remove_watch(bus);
  gst_object_unref(bus);
  g_main_loop_unref(s.loop);
  return s.status;
}
