// The prompt: chat template, times, visual tokens and newline in the order the language model reads them.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "models/checkpoint.h"
#include "models/llm.h"

namespace vtok {

/// A piece of a prompt: text ids, tokens of one group, or the checkpoint's newline token.
struct Segment {
  enum Kind { kText, kVisual, kNewline } kind;
  std::vector<int> ids;  // kText
  GroupPtr group;        // kVisual
  int first = 0;         // of the group's tokens
  int count = -1;        // -1: all from `first` on
  int size() const;      // rows it takes in the model's input
};

/// "[00:12.0–00:15.5]", from an hour on "[1:02:03.0–1:02:05.5]"; ns in, tenths rounded down.
std::string timestamp_text(int64_t from, int64_t to);

/// The checkpoint's chat template with the conversation: the content parts `video` stand in its first user
/// message, last the question. Special tokens written in texts are taken apart, so that they stay text.
std::string render_chat(const Checkpoint &checkpoint, const Request &request,
                        const nlohmann::ordered_json &video);
/// The same by another template than the checkpoint's.
std::string render_chat(const Checkpoint &checkpoint, const Request &request,
                        const nlohmann::ordered_json &video, const std::string &source);
/// Ids of what a chat template wrote, with the tokens that begin every text where it does not write them
/// itself.
std::vector<int> encode_chat(const Checkpoint &checkpoint, const std::string &text);
Segment text_segment(const Checkpoint &checkpoint, const std::string &text);

/// A group's tokens, before them their time where `timestamps`: what a group takes in most families.
std::vector<Segment> timed_group(const Checkpoint &checkpoint, const GroupPtr &group, bool timestamps);
/// The prompt of a family whose chat template writes one placeholder for a video: the groups in its place,
/// then `after`.
std::vector<Segment> around_video(const Checkpoint &checkpoint, const Request &request, int placeholder,
                                  const std::vector<Segment> &after);

/// The tokens of one source frame in a group: those that stand beside each other with one time.
struct FrameRange {
  GroupPtr group;
  int first, count;  // of the group's tokens
  int64_t time;      // when it was, as Group::from
};
std::vector<FrameRange> frames_of(const std::vector<GroupPtr> &groups);

/// The prompt that is `text` encoded, where each id `placeholder` in turn stands for the tokens of one of
/// `frames`.
std::vector<Segment> with_frames(const Checkpoint &checkpoint, const std::string &text, int placeholder,
                                 const std::vector<FrameRange> &frames);
/// The prompt of a family that takes frames as images: the chat template writes `name` once for each of them.
/// With timestamps each group's time stands before its first frame.
std::vector<Segment> around_images(const Checkpoint &checkpoint, const Request &request, int placeholder,
                                   const std::string &name);
/// What a group takes of such a prompt: its time, and each frame with the text that `around` puts there.
std::vector<Segment> framed_group(const Checkpoint &checkpoint, const GroupPtr &group, bool timestamps,
                                  const std::function<std::string(const FrameRange &)> &around);
/// render_chat() by the template `source`, which writes "<video>" where the video is: `video` in its place.
std::string render_video(const Checkpoint &checkpoint, Request request, const std::string &source,
                         const std::string &video);

/// Renders the chat template with the conversation (in its first user message the video, where there are
/// groups; last the question), encodes it and puts the groups where the video placeholder stands: text, then
/// each group's time and tokens, the newline, text. Without timestamps these are the ids that HF's processor
/// gives. Special tokens written in the question or the system prompt are taken apart, so that they stay
/// text. Throws std::runtime_error.
std::vector<Segment> build_prompt(const Checkpoint &checkpoint, const Request &request);

struct FittedPrompt {
  std::vector<Segment> segments;
  int rows = 0;             // sum of their sizes
  int groups_left_out = 0;  // the oldest ones
};
/// build_prompt() with the oldest groups left out until the prompt and max_new_tokens fit `context` (0: no
/// bound). Throws std::runtime_error where the question alone does not.
FittedPrompt fit_prompt(const Checkpoint &checkpoint, const Request &request, int context);

}  // namespace vtok
