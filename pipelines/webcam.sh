#!/bin/sh
# Asks a webcam every two seconds and prints the answers; open http://127.0.0.1:8080/ to ask more.
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#   webcam.sh QUESTION [SOURCE [ADDRESS]]
#
# SOURCE: elements that give raw video; v4l2src device=/dev/video0 where there is none.
# shellcheck disable=SC2086
exec gst-launch-1.0 -q ${2:-v4l2src device=/dev/video0} ! videoconvert ! queue leaky=downstream ! \
  vtokbin min-interval=500000000 mode=incremental question="$1" ask-every=2 listen="${3:-127.0.0.1:8080}" ! fdsink
