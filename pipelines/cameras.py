#!/usr/bin/env python3
"""Asks many cameras or videos at once, all in this process, which loads the model once for all of them.

  cameras.py [--question TEXT [--every SECONDS]] [--model DIR] VIDEO|URI...

Each line typed is asked of every camera. Answers name the camera, the span of time it saw and its tokens. A camera that
fails is said and left out; the program ends when all have ended, or with Ctrl-C.
"""
# SPDX-License-Identifier: LGPL-2.1-or-later
import argparse
import pathlib
import sys

import gi

gi.require_version("Gst", "1.0")
from gi.repository import GLib, Gst  # noqa: E402


def seconds(structure, field):
    return structure.get_uint64(field).value / Gst.SECOND


class Camera:
    def __init__(self, name, uri, options, ended):
        self.name, self.ended = name, ended
        self.pipeline = Gst.parse_launch("uridecodebin name=source ! videoconvert ! queue ! vtokbin name=asked min-interval=500000000")
        self.pipeline.get_by_name("source").props.uri = uri
        self.asked = self.pipeline.get_by_name("asked")
        self.asked.props.model = options.model
        self.asked.props.question = options.question
        self.asked.props.ask_every = options.every
        bus = self.pipeline.get_bus()
        bus.add_signal_watch()
        bus.connect("message", self.take)
        self.pipeline.set_state(Gst.State.PLAYING)

    def ask(self, question):
        self.asked.emit("ask", question)

    def stop(self):
        self.pipeline.get_bus().remove_signal_watch()
        self.pipeline.set_state(Gst.State.NULL)

    def take(self, _, message):
        if message.type == Gst.MessageType.ERROR:
            print(f"{self.name}: {message.parse_error()[0].message}", file=sys.stderr, flush=True)
            self.ended(self)
        elif message.type == Gst.MessageType.WARNING:
            print(f"{self.name}: {message.parse_warning()[0].message}", file=sys.stderr, flush=True)
        elif message.type == Gst.MessageType.EOS:
            self.ended(self)
        elif message.has_name("vtok-answer"):
            answer = message.get_structure()
            print(
                f"{self.name} [{seconds(answer, 'from'):.1f}-{seconds(answer, 'to'):.1f} s, "
                f"{answer.get_uint('tokens').value} tokens] {answer.get_string('question')} {answer.get_string('text')}",
                flush=True,
            )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("videos", nargs="+", metavar="VIDEO|URI")
    parser.add_argument("--question", default="")
    parser.add_argument("--every", type=float, default=0, help="seconds of video; 0: at its end")
    parser.add_argument("--model", default="tiny")
    options = parser.parse_args()
    Gst.init(None)
    loop = GLib.MainLoop()
    cameras = []

    def ended(camera):
        camera.stop()
        cameras.remove(camera)
        if not cameras:
            loop.quit()

    for i, video in enumerate(options.videos):
        uri = video if Gst.uri_is_valid(video) else pathlib.Path(video).resolve().as_uri()
        cameras.append(Camera(f"camera{i + 1}", uri, options, ended))

    def typed(source, _):
        line = source.readline()
        for camera in cameras:
            if line.strip():
                camera.ask(line.strip())
        return bool(line)  # until there is no more

    GLib.io_add_watch(sys.stdin, GLib.PRIORITY_DEFAULT, GLib.IOCondition.IN | GLib.IOCondition.HUP, typed)
    try:
        loop.run()
    except KeyboardInterrupt:
        pass
    for camera in cameras:
        camera.stop()


if __name__ == "__main__":
    main()
