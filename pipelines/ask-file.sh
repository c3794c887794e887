#!/bin/sh
# Asks a video file; prints one answer a line at its end, or every SECONDS of it.
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#   ask-file.sh VIDEO QUESTION [SECONDS]
#
# Like the other scripts here, it runs where GStreamer finds the plugin: inside `meson devenv -C build`, or installed.
exec gst-launch-1.0 -q filesrc location="$1" ! decodebin ! videoconvert ! \
  vtokbin min-interval=500000000 mode=incremental question="$2" ask-every="${3:-0}" ! fdsink
