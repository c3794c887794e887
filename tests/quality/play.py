#!/usr/bin/env python3
"""Asks the suite's questions through the elements, in all ways of compressing at once.

    play.py SUITE.JSON VIDEOS OUT.JSONL --ways WAYS.JSON [--model DIR]

WAYS.JSON: {name: {"spatial": settings, "temporal": settings, "llm": settings}}. One pipeline per clip: decode, keyframes, encoder, then
a branch per way. Second turns are asked at the end, with the first turn as history. OUT.JSONL: a line {"clip", "way", "question", "answer", "tokens"} per answer, and a line {"clip", "way",
"frames", "tokens_in", "tokens_out", "ms"} per clip and way. Short clips are looked at twice a second, every frame kept; long and
real ones as vtokkeyframe does by itself.
"""
# SPDX-License-Identifier: LGPL-2.1-or-later
import argparse
import json
import pathlib
import sys

import gi

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402

KEYFRAMES = {"short": "method=interval max-interval=2000000000", "long": "max-interval=10000000000",
             "real": "max-interval=2000000000"}
SECONDS = 300  # most a clip may take


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def build(clip, videos, ways, model):
    """The pipeline of one clip; the sink of way W is named llm-W."""
    keyframes = KEYFRAMES.get(clip["part"], KEYFRAMES["real"])
    text = (f"filesrc location={quoted(str(videos / clip['file']))} ! decodebin ! videoconvert ! "
            f"vtokkeyframe min-interval=500000000 {keyframes} ! vtokenc model={quoted(model)} ! tee name=tokens ")
    for name, way in ways.items():
        text += (f"tokens. ! queue max-size-buffers=0 max-size-bytes=0 max-size-time=0 ! "
                 f"vtokspatial name=spatial-{name} {way['spatial']} ! vtoktemporal name=temporal-{name} {way['temporal']} ! "
                 f"vtokllmsink name=llm-{name} model={quoted(model)} {way.get('llm', '')} ")
    pipeline = Gst.parse_launch(text)
    asked = "\n".join(dict.fromkeys(q["question"] for q in clip["questions"] if not q.get("before")))
    for name in ways:
        pipeline.get_by_name(f"llm-{name}").set_property("question", asked)
    return pipeline


def seek(pipeline, clip):
    start, stop = clip.get("from") or 0, clip.get("to") or 0
    if start or stop:
        pipeline.seek(1, Gst.Format.TIME, Gst.SeekFlags.FLUSH | Gst.SeekFlags.ACCURATE, Gst.SeekType.SET, int(start * Gst.SECOND),
                      Gst.SeekType.SET if stop else Gst.SeekType.NONE, int(stop * Gst.SECOND))


def play(clip, pipeline, out):
    """Runs to the end; writes each answer as it comes. Raises RuntimeError on an error or when time is up."""
    bus, playing = pipeline.get_bus(), False
    pipeline.set_state(Gst.State.PAUSED)
    try:
        while True:
            message = bus.timed_pop_filtered(SECONDS * Gst.SECOND, Gst.MessageType.EOS | Gst.MessageType.ERROR
                                             | Gst.MessageType.ASYNC_DONE | Gst.MessageType.ELEMENT)
            if message is None:
                raise RuntimeError(f"{clip['id']}: nothing for {SECONDS} s")
            if message.type == Gst.MessageType.ERROR:
                raise RuntimeError(f"{clip['id']}: {message.parse_error()[0].message}")
            if message.type == Gst.MessageType.ASYNC_DONE and not playing:
                playing = True
                seek(pipeline, clip)
                pipeline.set_state(Gst.State.PLAYING)
            if message.type == Gst.MessageType.ELEMENT and message.has_name("vtok-answer"):
                s = message.get_structure()
                out({"clip": clip["id"], "way": message.src.get_name()[4:], "question": s.get_string("question"),
                     "answer": s.get_string("text"), "tokens": s.get_uint("tokens")[1]})
            if message.type == Gst.MessageType.EOS:
                return
    except BaseException:
        pipeline.set_state(Gst.State.NULL)
        raise


def ask(pipeline, sink, text):
    """One question after the end of the stream; its answer's message."""
    number, bus = sink.emit("ask", text), pipeline.get_bus()
    while True:
        message = bus.timed_pop_filtered(SECONDS * Gst.SECOND, Gst.MessageType.ERROR | Gst.MessageType.ELEMENT)
        if message is None or message.type == Gst.MessageType.ERROR:
            raise RuntimeError(f"{text}: {message.parse_error()[0].message if message else f'nothing for {SECONDS} s'}")
        structure = message.get_structure()
        if message.has_name("vtok-answer") and message.src == sink and structure.get_uint64("id")[1] == number:
            return structure


def converse(clip, pipeline, name, out):
    """The questions that have one before them."""
    sink = pipeline.get_by_name(f"llm-{name}")
    for q in clip["questions"]:
        if q.get("before"):
            sink.set_property("history", 0)  # forgets
            sink.set_property("history", 1)
            ask(pipeline, sink, q["before"])
            s = ask(pipeline, sink, q["question"])
            out({"clip": clip["id"], "way": name, "question": q["question"], "before": q["before"], "answer": s.get_string("text"),
                 "tokens": s.get_uint("tokens")[1]})


def account(clip, pipeline, name):
    spatial, temporal = (pipeline.get_by_name(f"{e}-{name}").get_property("stats") for e in ("spatial", "temporal"))
    return {"clip": clip["id"], "way": name, "frames": spatial.get_uint64("frames-in")[1],
            "tokens_in": spatial.get_uint64("tokens-in")[1], "tokens_out": temporal.get_uint64("tokens-out")[1],
            "ms": spatial.get_double("compress-ms")[1] + temporal.get_double("compress-ms")[1]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suite", type=pathlib.Path)
    parser.add_argument("videos", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--ways", type=pathlib.Path, required=True)
    parser.add_argument("--model", default="tiny")
    args = parser.parse_args()
    Gst.init(None)
    suite, ways = (json.loads(p.read_text()) for p in (args.suite, args.ways))
    with open(args.out, "a") as file:
        def out(line):
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
        for i, clip in enumerate(suite):
            pipeline = build(clip, args.videos, ways, args.model)
            play(clip, pipeline, out)
            for name in ways:
                converse(clip, pipeline, name, out)
                out(account(clip, pipeline, name))
            pipeline.set_state(Gst.State.NULL)
            print(f"\r{i + 1} of {len(suite)} clips asked in {len(ways)} ways", end="", file=sys.stderr)
    print(file=sys.stderr)


if __name__ == "__main__":
    main()
