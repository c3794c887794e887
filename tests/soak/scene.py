#!/usr/bin/env python3
"""Draws ten minutes (or as many as asked for) before one camera: an empty road on which little happens, at known times.

    scene.py OUT.mkv [--minutes 10] [--media MEDIA]

The road is that of pipelines/media/car-detection.mp4, what passes is a real car cut out and drawn shapes (models/tiny/train,
whose randomness has a seed of its own here). OUT.json: [{what, way, from, to}] in the order of time; seconds of the video.
"""
# SPDX-License-Identifier: LGPL-2.1-or-later
import argparse
import json
import pathlib
import subprocess
import sys

import cv2
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "models/tiny/train"))
import assets  # noqa: E402
import scenes  # noqa: E402

WIDTH, HEIGHT, RATE = 320, 240, 5
EMPTY = 13.0  # seconds into the clip: nothing is on the road


class Passing:
    """Crosses the picture in a straight line, from edge to edge; places in pictures."""

    def __init__(self, cls, colour, sprite, start, seconds, a, b):
        self.cls, self.colour, self.sprite, self.start, self.seconds = cls, colour, sprite, start, seconds
        self.a, self.b = np.array(a, float) * [WIDTH, HEIGHT], np.array(b, float) * [WIDTH, HEIGHT]

    def way(self):
        across, down = self.b - self.a
        return ("right" if across > 0 else "left") if abs(across) > abs(down) else "down" if down > 0 else "up"

    def at(self, t):
        f = (t - self.start) / self.seconds
        return (self.a + (self.b - self.a) * f, self.sprite) if 0 <= f < 1 else None


def road(media):
    clip = cv2.VideoCapture(str(pathlib.Path(media) / "car-detection.mp4"))
    clip.set(cv2.CAP_PROP_POS_MSEC, EMPTY * 1000)
    good, image = clip.read()
    assert good, f"no picture at {EMPTY} s of car-detection.mp4"
    return cv2.resize(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA).astype(np.float32)


def white_car(store, length):
    """Upright, `length` pixels long."""
    rgba = next(s for s in store["sprites"] if s["cls"] == "car" and s["colour"] == "white")["rgba"].astype(np.float32)
    if rgba.shape[0] < rgba.shape[1]:
        rgba = np.ascontiguousarray(np.rot90(rgba))
    f = length / max(rgba.shape[:2])
    return np.pad(cv2.resize(rgba, None, fx=f, fy=f, interpolation=cv2.INTER_AREA), ((2, 2), (2, 2), (0, 0)))


def script(rng, store, minute):
    """What happens, in order. `minute`: seconds of a tenth of the video."""
    def shape(cls, colour):
        return scenes.shape_sprite(rng, cls, scenes.paint(rng, colour), 42)
    return [
        Passing("ring", "orange", shape("ring", "orange"), .9 * minute, 8, (.4, 1.2), (.45, -.2)),
        Passing("circle", "blue", shape("circle", "blue"), 3 * minute, 8, (-.15, .4), (1.15, .45)),
        Passing("car", "white", white_car(store, 120), 4.9 * minute, 6, (.6, -.25), (.55, 1.25)),
        Passing("star", "green", shape("star", "green"), 7 * minute, 8, (1.15, .6), (-.15, .5)),
        Passing("triangle", "yellow", shape("triangle", "yellow"), 8.9 * minute, 6, (-.15, .5), (1.15, .5)),
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--media", default=ROOT / "pipelines/media")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    rng = np.random.default_rng(7)
    store = assets.build(str(args.media), str(args.out.with_suffix(".pkl")))
    scene = scenes.Scene(rng, store, args.minutes * 60, (WIDTH, HEIGHT))
    scene.back, scene.things = road(args.media), script(rng, store, args.minutes * 6)
    scene.noise, scene.light, scene.blur, scene.jpeg = 2.0, 0.0, 0.0, 0
    launch = (f"fdsrc ! rawvideoparse format=rgb width={WIDTH} height={HEIGHT} framerate={RATE}/1 ! videoconvert ! "
              f"video/x-raw,format=I420 ! jpegenc quality=92 ! matroskamux ! filesink location={args.out}")
    with subprocess.Popen(["gst-launch-1.0", "-q", *launch.split()], stdin=subprocess.PIPE) as encoder:
        for i in range(int(args.minutes * 60 * RATE)):
            encoder.stdin.write(scene.draw(i / RATE)[0].tobytes())
        encoder.stdin.close()
    args.out.with_suffix(".json").write_text(json.dumps(
        [{"what": f"{o.colour} {o.cls}", "way": o.way(), "from": o.start, "to": o.start + o.seconds} for o in scene.things], indent=1))


if __name__ == "__main__":
    main()
