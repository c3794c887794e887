#!/usr/bin/env python3
"""Writes the generated part of the suite: video files nobody has trained on, with questions.

    make.py OUT --media MEDIA [--seed N] [--clips 60] [--long 8]

OUT/suite.json: [{id, file, part, questions: [{question, answer, kind, at, before}]}]; `at` is the event's time in seconds of "when"
questions, else null; `before` the question that was asked before one of "two turns", else null. Kind "rephrased" asks in words
that the training does not use (phrasings.py). part "short": 3 to 10 s, answers hold for frames taken twice a second in groups of 2 s. part "long":
minutes in which one thing happens, groups of 10 s. Scenes and questions are those of models/tiny/train, which trains on
seeds below 1,000,000. MEDIA: the folder of the real clips, for cut-outs and backgrounds.
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
import clips  # noqa: E402
import phrasings  # noqa: E402
import questions  # noqa: E402
import scenes  # noqa: E402

WIDTH, HEIGHT = 320, 240
RATE = 4  # frames a second of the files
REPHRASED = 2  # questions a clip in other words
KEPT = 0.5  # seconds between the frames that are looked at


def encode(path, frames):
    """Motion JPEG in Matroska."""
    launch = (f"fdsrc ! rawvideoparse format=rgb width={WIDTH} height={HEIGHT} framerate={RATE}/1 ! videoconvert ! "
              f"video/x-raw,format=I420 ! jpegenc quality=95 ! matroskamux ! "
              f"filesink location={path}")
    subprocess.run(["gst-launch-1.0", "-q", *launch.split()], input=b"".join(f.tobytes() for f in frames), check=True,
                   timeout=120)


def facts(scene, frames, longest):
    """What clips.gather says of a scene, from frames that are drawn already."""
    kept, maps, states, groups, selector = [], [], [], [], clips.Selector(0.0, KEPT, longest)
    for i, (image, ids) in enumerate(frames):
        kind = selector.take(i / RATE, image)
        if kind == "start":
            groups.append([i / RATE, scene.duration, []])
            if len(groups) > 1:
                groups[-2][1] = i / RATE
        if kind:
            groups[-1][2].append(len(kept))
            kept.append(i / RATE)
            maps.append(cv2.resize(ids, (84, 84), interpolation=cv2.INTER_NEAREST))
            states.append(scene.facts(i / RATE))
    objects = clips.facts(maps, states)
    return {"times": np.array(kept), "groups": [tuple(g) for g in groups], "stamps": True, "single": False,
            "objects": objects, "moving": clips.moving(objects)}


def entry(out, name, part, scene, longest, rng, most, kinds=None):
    frames = [scene.draw(i / RATE) for i in range(int(scene.duration * RATE))]
    asked = questions.pick(rng, facts(scene, frames, longest), 99)
    if kinds:
        asked = [q for q in asked if q[2] in kinds]
    if not asked:
        return None
    chosen, other = asked[:most], []
    if part == "short":  # some of the others once more, in other words
        for q in asked:
            text = None if q.before else phrasings.otherwise(rng, q.question)
            if text and len(other) < REPHRASED and q not in chosen[::2]:
                other.append(q._replace(question=text, kind="rephrased"))
    encode(out / f"{name}.mkv", [image for image, _ in frames])
    return {"id": name, "file": f"{name}.mkv", "part": part, "questions": [
        {"question": q.question, "answer": q.answer, "kind": q.kind, "at": q.at, "before": q.before and q.before[0]}
        for q in chosen + other]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--media", required=True)
    parser.add_argument("--seed", type=int, default=3000001)
    parser.add_argument("--clips", type=int, default=60)
    parser.add_argument("--long", type=int, default=8)
    args = parser.parse_args()
    if args.seed < 1000000:
        parser.error(f"seed {args.seed} may have been trained on, expected 1000000 or more")
    args.out.mkdir(parents=True, exist_ok=True)
    cv2.setNumThreads(1)
    store = assets.build(args.media, str(args.out / "assets.pkl"))
    suite = []
    for index in range(args.clips + args.long):
        rng = np.random.default_rng(args.seed + index)
        if index < args.clips:
            scene = scenes.Scene(rng, store, float(rng.integers(6, 21)) / 2, (WIDTH, HEIGHT))
            made = entry(args.out, f"short-{index:03d}", "short", scene, 2.0, rng, len(questions.KINDS))
        else:
            scene = scenes.Scene(rng, store, float(rng.integers(90, 151)), (WIDTH, HEIGHT))
            made = entry(args.out, f"long-{index:03d}", "long", scene, 10.0, rng, 6, ("when", "what", "any", "first", "direction"))
        suite += [made] if made else []
        print(f"\r{index + 1} of {args.clips + args.long} clips drawn", end="", file=sys.stderr)
    (args.out / "suite.json").write_text(json.dumps(suite, ensure_ascii=False, indent=1))
    print(f"\n{len(suite)} clips, {sum(len(c['questions']) for c in suite)} questions", file=sys.stderr)


if __name__ == "__main__":
    main()
