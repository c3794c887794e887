// Asks a video: plays it through all elements, prints the answers as they come, then what each element did.
// SPDX-License-Identifier: LGPL-2.1-or-later
//
//   vtok-ask [--model DIR] [--from S] [--to S] [--chain 'vtokkeyframe ! vtokenc ! …'] [--json] VIDEO
//   QUESTION…
//
// An application that embeds gst-vtok needs what stands here: gst_parse_launch, a bus, the message
// "vtok-answer".
#include <gst/gst.h>

#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

namespace {

constexpr char kChain[] =
    "vtokkeyframe name=keyframe min-interval=500000000 max-interval=2000000000 ! vtokenc name=enc ! "
    "vtokspatial name=spatial ! vtoktemporal name=temporal";

struct Options {
  std::string model = "tiny", chain = kChain, video;
  double from = 0, to = 0;  // seconds; to = 0: the end
  bool json = false;
  std::vector<std::string> questions;
};

bool parse(int argc, char **argv, Options &o) {
  int i = 1;
  for (; i < argc && !std::strncmp(argv[i], "--", 2); i++) {
    const std::string name = argv[i];
    if (name == "--json") {
      o.json = true;
      continue;
    }
    if (++i == argc) return false;
    if (name == "--model")
      o.model = argv[i];
    else if (name == "--chain")
      o.chain = argv[i];
    else if (name == "--from")
      o.from = g_ascii_strtod(argv[i], nullptr);
    else if (name == "--to")
      o.to = g_ascii_strtod(argv[i], nullptr);
    else
      return false;
  }
  if (i < argc) o.video = argv[i++];
  o.questions.assign(argv + i, argv + argc);
  return !o.questions.empty();
}

/// A string as GStreamer's launch syntax and JSON both quote it.
std::string quoted(const std::string &s) {
  std::string out = "\"";
  for (const char c : s) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
  return out + '"';
}

std::string clock_text(guint64 ns) {
  char text[32];
  g_snprintf(text, sizeof text, "%02d:%04.1f", int(ns / (60 * GST_SECOND)),
             double(ns % (60 * GST_SECOND)) / GST_SECOND);
  return text;
}

struct Element {
  void operator()(gpointer p) const { gst_object_unref(p); }
};
using ElementPtr = std::unique_ptr<GstElement, Element>;

void print_answer(const GstStructure *s, const Options &o) {
  guint64 from = 0, to = 0;
  guint tokens = 0;
  double ttft = 0, total = 0;
  gst_structure_get(s, "from", G_TYPE_UINT64, &from, "to", G_TYPE_UINT64, &to, "tokens", G_TYPE_UINT, &tokens,
                    "ttft-ms", G_TYPE_DOUBLE, &ttft, "total-ms", G_TYPE_DOUBLE, &total, nullptr);
  const char *question = gst_structure_get_string(s, "question"), *text = gst_structure_get_string(s, "text");
  if (o.json) {
    std::printf("{\"clip\": %s, \"question\": %s, \"answer\": %s, \"tokens\": %u, \"ttft_ms\": %.1f}\n",
                quoted(o.video).c_str(), quoted(question ? question : "").c_str(),
                quoted(text ? text : "").c_str(), tokens, ttft);
  } else {
    std::printf("%-42s %-28s [%s–%s, %u visual tokens, first word after %.0f ms]\n", question, text,
                clock_text(from).c_str(), clock_text(to).c_str(), tokens, ttft);
  }
  std::fflush(stdout);
}

/// "frames-in 377, frames-out 40, ..." of a stats structure, without what is zero.
std::string account(const GstStructure *stats) {
  std::string text;
  gst_structure_foreach(
      stats,
      [](GQuark field, const GValue *value, gpointer out) -> gboolean {
        GValue number = G_VALUE_INIT;
        g_value_init(&number, G_TYPE_DOUBLE);
        if (g_value_transform(value, &number) && g_value_get_double(&number) != 0) {
          char cell[96];
          g_snprintf(cell, sizeof cell, "%s%s %.4g", static_cast<std::string *>(out)->empty() ? "" : ", ",
                     g_quark_to_string(field), g_value_get_double(&number));
          *static_cast<std::string *>(out) += cell;
        }
        g_value_unset(&number);
        return TRUE;
      },
      &text);
  return text;
}

/// Each element's own account of what went through it.
void print_stats(GstElement *pipeline) {
  for (const char *name : {"keyframe", "enc", "spatial", "temporal", "llm"}) {
    ElementPtr element(gst_bin_get_by_name(GST_BIN(pipeline), name));
    if (!element) continue;
    GstStructure *stats = nullptr;
    g_object_get(element.get(), "stats", &stats, nullptr);
    if (!stats) continue;
    std::printf("  %-9s %s\n", name, account(stats).c_str());
    gst_structure_free(stats);
  }
}

/// Plays from `from` to `to` by a flushing seek once everything has prerolled.
bool seek(GstElement *pipeline, const Options &o) {
  if (o.from == 0 && o.to == 0) return true;
  return gst_element_seek(pipeline, 1, GST_FORMAT_TIME,
                          GstSeekFlags(GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_ACCURATE), GST_SEEK_TYPE_SET,
                          gint64(o.from * GST_SECOND), o.to > 0 ? GST_SEEK_TYPE_SET : GST_SEEK_TYPE_NONE,
                          gint64(o.to * GST_SECOND));
}

}  // namespace

int main(int argc, char **argv) {
  Options o;
  if (!parse(argc, argv, o)) {
    std::fprintf(
        stderr,
        "usage: vtok-ask [--model DIR] [--from S] [--to S] [--chain ELEMENTS] [--json] VIDEO QUESTION…\n");
    return 2;
  }
  gst_init(&argc, &argv);
  const std::string launch = "filesrc location=" + quoted(o.video) + " ! decodebin ! videoconvert ! " +
                             o.chain + " ! vtokllmsink name=llm";
  GError *error = nullptr;
  ElementPtr pipeline(gst_parse_launch(launch.c_str(), &error));
  if (error) {
    std::fprintf(stderr, "%s\n", error->message);
    g_error_free(error);
    return 1;
  }
  std::string questions;
  for (const auto &q : o.questions) questions += (questions.empty() ? "" : "\n") + q;
  for (const char *name : {"enc", "llm"})
    if (ElementPtr element(gst_bin_get_by_name(GST_BIN(pipeline.get()), name)); element)
      g_object_set(element.get(), "model", o.model.c_str(), nullptr);
  ElementPtr llm(gst_bin_get_by_name(GST_BIN(pipeline.get()), "llm"));
  g_object_set(llm.get(), "question", questions.c_str(), nullptr);

  const gint64 start = g_get_monotonic_time();
  GstBus *bus = gst_element_get_bus(pipeline.get());
  gst_element_set_state(pipeline.get(), GST_STATE_PAUSED);
  int status = -1;
  bool playing = false;
  while (status < 0) {
    GstMessage *m =
        gst_bus_timed_pop_filtered(bus, GST_CLOCK_TIME_NONE,
                                   GstMessageType(GST_MESSAGE_ERROR | GST_MESSAGE_WARNING | GST_MESSAGE_EOS |
                                                  GST_MESSAGE_ELEMENT | GST_MESSAGE_ASYNC_DONE));
    switch (GST_MESSAGE_TYPE(m)) {
      case GST_MESSAGE_ASYNC_DONE:
        if (!playing) {
          playing = true;
          if (!seek(pipeline.get(), o))
            std::fprintf(stderr, "%s cannot be sought; playing all of it\n", o.video.c_str());
          gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
        }
        break;
      case GST_MESSAGE_ELEMENT:
        if (gst_message_has_name(m, "vtok-answer")) print_answer(gst_message_get_structure(m), o);
        break;
      case GST_MESSAGE_EOS:
        status = 0;
        break;
      default: {
        const bool fatal = GST_MESSAGE_TYPE(m) == GST_MESSAGE_ERROR;
        (fatal ? gst_message_parse_error : gst_message_parse_warning)(m, &error, nullptr);
        std::fprintf(stderr, "%s: %s\n", GST_OBJECT_NAME(m->src), error->message);
        g_clear_error(&error);
        if (fatal) status = 1;
      }
    }
    gst_message_unref(m);
  }
  if (!o.json) {
    std::printf("\n%.1f s in all\n", double(g_get_monotonic_time() - start) / G_USEC_PER_SEC);
    print_stats(pipeline.get());
  }
  gst_element_set_state(pipeline.get(), GST_STATE_NULL);
  gst_object_unref(bus);
  return status;
}
