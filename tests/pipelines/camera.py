"""vtok-serve with a camera over RTSP that has every fault a camera can have: it dies and comes back, changes its resolution, falls
silent, sends ten times as fast. What was seen stays remembered, its times stay true, questions are answered all along, and
each interruption is counted. Skipped (77) without gst-rtsp-server.
"""
# SPDX-License-Identifier: LGPL-2.1-or-later
import json
import pathlib
import sys
import tempfile
import time

from served import Camera, ask, count, fetch, remembered, serve, wait_until

LONGEST = 3.5  # seconds of a group: 2, and what is no pause yet


class Watched:
    """What is remembered of the camera behind `base`, by a clock of our own."""

    def __init__(self, base):
        self.base, self.began = base, time.monotonic()

    def newest(self):
        groups = remembered(self.base)
        return groups[-1][1] if groups else 0

    def check(self):
        """Times follow each other, no group spans what nobody saw, none is of the future; a question is answered."""
        groups = remembered(self.base)
        for (start, end), (after, _) in zip(groups, groups[1:]):
            assert start < end <= after + 1e-6, groups
        assert all(end - start < LONGEST for start, end in groups), groups
        assert groups[-1][1] < time.monotonic() - self.began + 2, f"{groups[-1]} is yet to come"
        text, (start, end) = ask(self.base, "Is there a car?", max_tokens=8)
        assert text and start == groups[0][0] and end >= groups[-1][1], (text, start, end, groups)

    def goes_on(self, after, what):
        wait_until(lambda: remembered(self.base)[-1][0] > after, what)
        self.check()

    def size(self):
        keyframe = json.loads(fetch(self.base, "memory"))["keyframe"]
        return keyframe["width"], keyframe["height"]


def asks_about_a_span(watched):
    start, end = remembered(watched.base)[1]
    text, seen = ask(watched.base, f"[{start + .1:.1f}–{end - .1:.1f}] What is in the video?", max_tokens=8)
    assert text and seen == (start, end), (text, seen, start, end)


def dies_and_comes_back(watched, camera, clips):
    camera.die()
    last = watched.newest()
    watched.check()
    time.sleep(3)
    watched.check()
    again = Camera(*clips, port=camera.port)
    watched.goes_on(last + 3, "the camera is back")
    groups = remembered(watched.base)
    gap = max(after - end for (_, end), (after, _) in zip(groups, groups[1:]))
    assert gap > 2, f"nothing was seen for 3 s, but {groups} has no gap"
    assert count(watched.base, "discontinuities") >= 1, "the interruption is not counted"
    return again


def changes_size(watched, camera):
    before = watched.size()
    camera.say("size 320 400")
    wait_until(lambda: watched.size() != before, "the keyframe has another shape")
    width, height = watched.size()
    assert abs(height / width - 1.25) < .02, (width, height)
    watched.goes_on(watched.newest(), "groups follow the change of size")


def stalls(watched, camera, log):
    before, interruptions = watched.newest(), count(watched.base, "discontinuities")
    camera.say("stall")
    time.sleep(7)
    watched.check()
    camera.say("go")
    watched.goes_on(before + 6, "the camera speaks again")
    log.seek(0)
    assert "lost: no frame for 5 s" in log.read(), "the camera was not given up"
    assert count(watched.base, "discontinuities") > interruptions, "the silence is not counted"


def bursts(watched, camera):
    camera.say("rate 10")
    time.sleep(3)
    watched.check()
    camera.say("rate 1")
    watched.goes_on(watched.newest(), "groups follow the burst")


def main(source, build):
    media = pathlib.Path(source) / "pipelines/media"
    clips = [media / "car-detection.mp4", media / "store-aisle-detection.mp4"]
    try:
        camera = Camera(clips[0], kind=["--h264"])
    except FileNotFoundError as error:
        print(f"skipped: {error}")
        return 77
    try:
        with tempfile.TemporaryFile("w+") as log, serve(build, camera.over_tcp, log=log) as (base, _):
            watched = Watched(base)
            wait_until(lambda: len(remembered(base)) > 1, "two groups are remembered", 120)
            watched.check()
            camera = dies_and_comes_back(watched, camera, clips)
            changes_size(watched, camera)
            stalls(watched, camera, log)
            bursts(watched, camera)
            asks_about_a_span(watched)
    finally:
        camera.die()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
