// A camera on the network that comes back: where it fails, ends or falls silent it is connected to anew.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <gst/gst.h>

#include <atomic>
#include <string>

/// Puts a source of its own into a pipeline that plays already, and another one in its place each time it is
/// lost. What comes after in the pipeline stays as it is: it sees no EOS, and a new SEGMENT where the camera
/// comes back. Times are those of the pipeline's clock, so that a gap in what was seen is a gap in time. For
/// the thread of the main loop.
class Camera {
  GstElement *const pipeline_, *const into_;  // the pipeline's
  const std::string uri_;
  GstPad *const sink_;            // of `into`
  GstElement *source_ = nullptr;  // the pipeline's; null while the next try is waited for
  int tries_ = 0;                 // since the last frame
  gint64 due_ = 0;                // of the next try, µs
  gint64 since_ = 0;              // when source_ was made, µs
  guint timer_ = 0;
  gulong probe_ = 0;
  std::string failure_;  // of source_

  // Of the streaming thread too.
  std::atomic<gint64> frame_{0};  // when the last frame came, µs
  std::atomic<bool> ended_{false};

 public:
  /// Connects at once and goes on doing so until it is gone, before the pipeline is stopped. `into` has the
  /// pad that takes raw video.
  Camera(GstElement *pipeline, GstElement *into, std::string uri);
  ~Camera();
  Camera(const Camera &) = delete;
  /// Takes a message of the source; false: it is somebody else's. Only errors matter.
  bool take(GstMessage *message);

  /// Whether a URI names a camera which is worth connecting to again.
  static bool is_one(const char *uri);

 private:
  void look();
  void connect();
  void disconnect();
  void lose(const std::string &why);
  void link(GstPad *pad);
  GstPadProbeReturn pass(GstPadProbeInfo *info);
};
