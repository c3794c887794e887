#!/bin/sh
# Plays a video with answers to a question written on it, asked anew every second of it.
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#   show-answers.sh VIDEO QUESTION [SINK]
#
# SINK: elements that take raw video; a window where there is none. Pictures wait for the answers of their time; for a live
# source set wait-text=false, so that they are written when they are there.
# shellcheck disable=SC2086
exec gst-launch-1.0 -q filesrc location="$1" ! decodebin ! videoconvert ! tee name=video \
  video. ! queue max-size-bytes=0 max-size-buffers=0 max-size-time=5000000000 ! \
  textoverlay name=overlay shaded-background=true ! videoconvert ! ${3:-autovideosink} \
  video. ! queue ! vtokbin min-interval=500000000 mode=incremental question="$2" ask-every=1 ! queue ! overlay.text_sink
