// Loads a model in a thread of its own and tells the bus how far it is.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <gst/gst.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "models/encoder.h"

namespace vtok {

/// One loading at a time. PROGRESS messages have the code "load-model".
template <class Model>
class Loader {
  std::thread thread_;
  std::atomic<bool> cancelled_{false};
  std::mutex mutex_;
  std::shared_ptr<Model> model_;

 public:
  using Load = std::function<std::shared_ptr<Model>(const Progress &)>;

  ~Loader() { stop(); }
  /// Starts loading `what` ("the encoder of /models/x"). `done` is called in the loader's thread, once,
  /// however it ended; a failure has been posted as an ERROR by then.
  void start(GstElement *element, std::string what, Load load, std::function<void()> done) {
    stop();
    cancelled_ = false;
    thread_ = std::thread([=, this] {
      run(element, what, load);
      done();
    });
  }
  /// Null while it loads and where it failed.
  std::shared_ptr<Model> model() {
    std::lock_guard lock(mutex_);
    return model_;
  }
  /// Gives up what is under way, waits for the thread and lets go of the model.
  void stop() {
    cancelled_ = true;
    if (thread_.joinable()) thread_.join();
    std::lock_guard lock(mutex_);
    model_ = nullptr;
  }

 private:
  void run(GstElement *element, const std::string &what, const Load &load);
};

/// Posts a PROGRESS message with the code "load-model".
void post_progress(GstElement *element, GstProgressType type, const std::string &text);
/// A Progress that posts CONTINUE at every twentieth and gives up once `cancelled`.
Progress progress_messages(GstElement *element, const std::string &what, const std::atomic<bool> &cancelled);
/// Posts how loading failed: CANCELED, or ERROR and the element's error.
void post_load_failed(GstElement *element, const std::string &what, const std::exception &error);

template <class Model>
void Loader<Model>::run(GstElement *element, const std::string &what, const Load &load) {
  try {
    post_progress(element, GST_PROGRESS_TYPE_START, "loading " + what);
    auto model = load(progress_messages(element, what, cancelled_));
    {
      std::lock_guard lock(mutex_);
      model_ = std::move(model);
    }
    post_progress(element, GST_PROGRESS_TYPE_COMPLETE, "loaded " + what);
  } catch (const std::exception &error) {
    post_load_failed(element, what, error);
  }
}

}  // namespace vtok
