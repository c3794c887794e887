#!/bin/sh
# Plays a video with what the language model gets of it: green cells are kept, amber ones stand for several, dark ones are gone.
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#   show-kept.sh VIDEO [SINK [TAU]]
#
# SINK: elements that take raw video; a window where there is none. TAU: how alike merged tokens are.
# shellcheck disable=SC2086
exec gst-launch-1.0 -q filesrc location="$1" ! decodebin ! videoconvert ! tee name=video \
  video. ! queue max-size-bytes=0 max-size-buffers=0 max-size-time=3000000000 ! \
  vtokoverlay name=overlay ! videoconvert ! ${2:-autovideosink} \
  video. ! queue ! vtokkeyframe min-interval=500000000 ! vtokenc ! vtokspatial tau="${3:-0.9}" ! overlay.tokens
