#!/usr/bin/env python3
"""Writes held-out generated clips as video files, with questions.

    eval/make_clips.py OUT --media MEDIA --n 100 --seed 2000001

OUT/clips.json: [{"file", "questions": [{"question", "answer", "kind", "at"}]}]; at is the event's time in seconds for
"when" questions, else null. Answers hold for frames taken twice a second in groups of 2 s. Without --media, or for clips
missing from it, no cut-outs of real objects are drawn.
"""
import argparse
import json
import os
import subprocess
import sys

import cv2
import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "train"))
import assets  # noqa: E402
import clips  # noqa: E402
import questions  # noqa: E402
import scenes  # noqa: E402

RATE, SIZE = 8, (320, 240)


def write(path, frames):
    """Nearly lossless H.264 in Matroska."""
    command = ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{SIZE[0]}x{SIZE[1]}",
               "-r", str(RATE), "-i", "-", "-c:v", "libx264", "-preset", "veryfast", "-crf", "10", "-pix_fmt", "yuv420p",
               path]
    subprocess.run(command, input=b"".join(f.tobytes() for f in frames), check=True)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("out")
    p.add_argument("--media", default="")
    p.add_argument("--cache", help="where the cut-outs are kept (default: OUT/assets.pkl)")
    p.add_argument("--n", type=int, default=100)
    p.add_argument("--seed", type=int, default=2000001, help="training uses seeds below 1000000")
    args = p.parse_args()
    os.makedirs(args.out, exist_ok=True)
    cv2.setNumThreads(1)
    store = assets.build(args.media, args.cache or f"{args.out}/assets.pkl")
    listing = []
    for index in range(args.n):
        rng = np.random.default_rng(args.seed + index)
        duration = float(rng.integers(6, 21)) / 2
        scene = scenes.Scene(rng, store, duration, SIZE)
        frames = [scene.draw(i / RATE) for i in range(int(duration * RATE))]
        kept, maps, states, selector, groups = [], [], [], clips.Selector(0.0, 0.5, 2.0), []
        for i, (image, ids) in enumerate(frames):
            kind = selector.take(i / RATE, image)
            if kind == "start":
                groups.append([i / RATE, duration, []])
                if len(groups) > 1:
                    groups[-2][1] = i / RATE
            if kind:
                groups[-1][2].append(len(kept))
                kept.append(i / RATE)
                maps.append(cv2.resize(ids, (84, 84), interpolation=cv2.INTER_NEAREST))
                states.append(scene.facts(i / RATE))
        objects = clips.facts(maps, states)
        clip = {"times": np.array(kept), "groups": [tuple(g) for g in groups], "stamps": True, "single": False,
                "objects": objects, "moving": clips.moving(objects)}
        asked = questions.pick(rng, clip, 9)
        name = f"clip-{index:04d}.mkv"
        write(f"{args.out}/{name}", [image for image, _ in frames])
        listing.append({"file": name, "questions": [
            {"question": q, "answer": a, "kind": k, "at": at} for q, a, k, at in asked]})
    with open(f"{args.out}/clips.json", "w", encoding="utf-8") as file:
        json.dump(listing, file, ensure_ascii=False, indent=1)
    print(f"{args.n} clips, {sum(len(c['questions']) for c in listing)} questions in {args.out}")


if __name__ == "__main__":
    main()
