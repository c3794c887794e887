// Prompts with text between frames: which tokens are a frame's, and where they stand.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <stdexcept>

#include "models/prompt.h"

namespace vtok {

using json = nlohmann::ordered_json;

std::vector<FrameRange> frames_of(const std::vector<GroupPtr> &groups) {
  std::vector<FrameRange> frames;
  for (const GroupPtr &group : groups) {
    int first = 0;
    for (size_t p = 0; p < group->parts.size(); ++p) {
      const Tokens &part = group->parts[p];
      const int64_t start = p < group->starts.size() ? group->starts[p] : group->from;
      const auto time = [&](int i) {
        return start + (size_t(i) < part.records.size() ? part.records[size_t(i)].time : 0);
      };
      int from = 0;
      do {
        int to = std::min(from + 1, part.n);
        while (to < part.n && time(to) == time(from)) ++to;
        frames.push_back({group, first + from, to - from, time(from)});
        from = to;
      } while (from < part.n);
      first += part.n;
    }
  }
  return frames;
}

std::vector<Segment> with_frames(const Checkpoint &checkpoint, const std::string &text, int placeholder,
                                 const std::vector<FrameRange> &frames) {
  const std::vector<int> ids = encode_chat(checkpoint, text);
  const auto placeholders = std::count(ids.begin(), ids.end(), placeholder);
  if (placeholders != std::ptrdiff_t(frames.size()))
    throw std::runtime_error(checkpoint.folder + ": the chat template writes " +
                             std::to_string(placeholders) + " image placeholders, expected " +
                             std::to_string(frames.size()));
  std::vector<Segment> prompt;
  auto from = ids.begin();
  const auto text_up_to = [&](auto to) {
    if (from != to) prompt.push_back({Segment::kText, {from, to}, nullptr});
  };
  for (const FrameRange &frame : frames) {
    const auto place = std::find(from, ids.end(), placeholder);
    text_up_to(place);
    prompt.push_back({Segment::kVisual, {}, frame.group, frame.first, frame.count});
    from = place + 1;
  }
  text_up_to(ids.end());
  return prompt;
}

std::vector<Segment> around_images(const Checkpoint &checkpoint, const Request &request, int placeholder,
                                   const std::string &name) {
  const std::vector<FrameRange> frames = frames_of(request.groups);
  json images = json::array();
  for (size_t i = 0; i < frames.size(); ++i) images.push_back({{"type", "image"}});
  std::string text = render_chat(checkpoint, request, images);
  size_t at = 0;
  const Group *group = nullptr;
  for (const FrameRange &frame : frames) {
    at = text.find(name, at);
    if (at == std::string::npos) break;
    if (request.timestamps && frame.group.get() != group) {
      const std::string time = timestamp_text(frame.group->from, frame.group->to);
      text.insert(at, time);
      at += time.size();
    }
    group = frame.group.get();
    at += name.size();
  }
  return with_frames(checkpoint, text, placeholder, frames);
}

std::string render_video(const Checkpoint &checkpoint, Request request, const std::string &source,
                         const std::string &video) {
  const std::string mark = "<video>";
  const auto disarm = [&](std::string &text) {
    for (size_t at = 0; (at = text.find(mark, at)) != std::string::npos;) text.insert(at + 1, " ");
  };
  disarm(request.question);
  disarm(request.system_prompt);
  for (Turn &turn : request.history) disarm(turn.text);
  std::string text = render_chat(checkpoint, request, json::array({{{"type", "video"}}}), source);
  const size_t place = text.find(mark);
  if (request.groups.empty()) return text;
  if (place == std::string::npos || text.find(mark, place + 1) != std::string::npos)
    throw std::runtime_error(checkpoint.folder + ": the chat template does not write one " + mark +
                             " for a video");
  return text.replace(place, mark.size(), video);
}

std::vector<Segment> framed_group(const Checkpoint &checkpoint, const GroupPtr &group, bool timestamps,
                                  const std::function<std::string(const FrameRange &)> &around) {
  std::vector<Segment> pieces;
  if (timestamps) pieces.push_back(text_segment(checkpoint, timestamp_text(group->from, group->to)));
  for (const FrameRange &frame : frames_of({group})) {
    pieces.push_back(text_segment(checkpoint, around(frame)));
    pieces.push_back({Segment::kVisual, {}, group, frame.first, frame.count});
  }
  return pieces;
}

}  // namespace vtok
