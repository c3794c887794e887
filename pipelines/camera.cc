// A camera on the network that comes back.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "camera.h"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace {

constexpr guint kLookEvery = 100;                // ms
constexpr gint64 kSilence = 5 * G_USEC_PER_SEC;  // without a frame, from which on a camera is lost
constexpr gint64 kConnecting =
    15 * G_USEC_PER_SEC;  // the same before its first frame: UDP is given up for TCP after 5 s
constexpr gint64 kLongestWait =
    30 * G_USEC_PER_SEC;  // from one try to the next; the first is after a second, then twice as long
constexpr auto kWatched = GstPadProbeType(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM);

double seconds(gint64 us) { return double(us) / G_USEC_PER_SEC; }

}  // namespace

bool Camera::is_one(const char *uri) { return g_ascii_strncasecmp(uri, "rtsp", 4) == 0; }

Camera::Camera(GstElement *pipeline, GstElement *into, std::string uri)
    : pipeline_(pipeline),
      into_(into),
      uri_(std::move(uri)),
      sink_(gst_element_get_static_pad(into, "sink")) {
  probe_ = gst_pad_add_probe(
      sink_, kWatched,
      [](GstPad *, GstPadProbeInfo *info, gpointer camera) {
        return static_cast<Camera *>(camera)->pass(info);
      },
      this, nullptr);
  timer_ = g_timeout_add(
      kLookEvery, [](gpointer camera) -> gboolean { return static_cast<Camera *>(camera)->look(), TRUE; },
      this);
  connect();
}

Camera::~Camera() {
  g_source_remove(timer_);
  if (source_) disconnect();
  gst_pad_remove_probe(sink_, probe_);
  gst_object_unref(sink_);
}

// The end of a camera's stream is not the end of ours, nor does its beginning set the time back to zero.
GstPadProbeReturn Camera::pass(GstPadProbeInfo *info) {
  if (info->type & GST_PAD_PROBE_TYPE_BUFFER) {
    frame_ = g_get_monotonic_time();
    return GST_PAD_PROBE_OK;
  }
  GstEvent *event = GST_PAD_PROBE_INFO_EVENT(info);
  if (GST_EVENT_TYPE(event) == GST_EVENT_EOS) {
    ended_ = true;
    return GST_PAD_PROBE_DROP;
  }
  if (GST_EVENT_TYPE(event) == GST_EVENT_SEGMENT) {
    GstSegment segment;
    gst_event_copy_segment(event, &segment);
    segment.time = segment.base;  // stream time is running time
    gst_event_unref(event);
    info->data = gst_event_new_segment(&segment);
  }
  return GST_PAD_PROBE_OK;
}

bool Camera::take(GstMessage *message) {
  if (!gst_object_has_as_ancestor(message->src, GST_OBJECT(pipeline_)))
    return true;  // of a source that is gone
  if (!source_ ||
      (message->src != GST_OBJECT(source_) && !gst_object_has_as_ancestor(message->src, GST_OBJECT(source_))))
    return false;
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR && failure_.empty()) {
    GError *error;
    gst_message_parse_error(message, &error, nullptr);
    failure_ = error->message;
    g_error_free(error);
  }
  return true;
}

void Camera::look() {
  const gint64 now = g_get_monotonic_time(), frame = frame_;
  if (!source_) {
    if (now >= due_) connect();
    return;
  }
  const bool seen = frame > since_;
  if (seen && tries_ > 1) std::fprintf(stderr, "the camera is back\n");
  if (seen) tries_ = 1;
  if (!failure_.empty()) return lose(failure_);
  if (ended_) return lose("its stream has ended");
  if (const gint64 silent = now - std::max(frame, since_); silent > (seen ? kSilence : kConnecting))
    lose("no frame for " + std::to_string(int(seconds(silent))) + " s");
}

void Camera::connect() {
  source_ = gst_element_factory_make("uridecodebin", nullptr);
  GstCaps *video = gst_caps_new_empty_simple("video/x-raw");
  gst_caps_set_features_simple(video, gst_caps_features_new_any());
  g_object_set(source_, "uri", uri_.c_str(), "caps", video, "expose-all-streams", FALSE, nullptr);
  gst_caps_unref(video);
  g_signal_connect(source_, "pad-added",
                   G_CALLBACK(+[](GstElement *, GstPad *pad, Camera *camera) { camera->link(pad); }), this);
  failure_.clear();
  ended_ = false;
  since_ = g_get_monotonic_time();
  tries_++;
  // Its state is ours alone: the pipeline, which loses its own for a moment each time, might set it too late.
  gst_element_set_locked_state(source_, TRUE);
  gst_bin_add(GST_BIN(pipeline_), source_);
  for (const GstState state : {GST_STATE_PAUSED, GST_STATE_PLAYING})
    gst_element_set_state(source_, state);  // where that fails, a message says why
}

void Camera::disconnect() {
  gst_element_set_state(source_, GST_STATE_NULL);
  gst_bin_remove(GST_BIN(pipeline_), std::exchange(source_, nullptr));
}

void Camera::link(GstPad *pad) {
  if (!gst_pad_is_linked(sink_)) gst_pad_link(pad, sink_);
}

void Camera::lose(const std::string &why) {
  const gint64 wait = std::min(kLongestWait, gint64(G_USEC_PER_SEC) << std::min(tries_ - 1, 10));
  std::fprintf(stderr, "the camera is lost: %s; again in %.0f s\n", why.c_str(), seconds(wait));
  disconnect();
  // Another SEGMENT ends the group that is open: what was seen last can be asked about now, and claims no
  // time that was not seen.
  if (GstEvent *segment = gst_pad_get_sticky_event(sink_, GST_EVENT_SEGMENT, 0))
    gst_pad_send_event(sink_, segment);
  due_ = g_get_monotonic_time() + wait;
}
