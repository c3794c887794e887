#!/usr/bin/env python3
"""Answers the questions of a clips.json (or real.json) with the GStreamer elements.

    eval/pipeline.py CLIPS.JSON VIDEOS OUT.JSONL --mode full|scc [--model FOLDER] [--build BUILD]

Every clip goes through `vtok-ask`: at most two frames a second, groups of two seconds. full: the compressors pass every
token on; scc: their defaults. An entry of CLIPS.JSON may have `from` and `to` (seconds) and an `id`. Frames that show
nothing new are kept in full mode (method=interval).
"""
# SPDX-License-Identifier: LGPL-2.1-or-later
import argparse
import json
import os
import pathlib
import subprocess
import sys

CHAIN = ("vtokkeyframe name=keyframe {keyframe} min-interval=500000000 max-interval=2000000000 ! vtokenc name=enc ! "
         "vtokspatial name=spatial method={method} ! vtoktemporal name=temporal method={method}")
MODES = {"full": CHAIN.format(keyframe="method=interval", method="none"), "scc": CHAIN.format(keyframe="", method="scc")}
SECONDS = 120


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=pathlib.Path)
    parser.add_argument("videos", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--mode", choices=MODES, default="full")
    parser.add_argument("--model", default="tiny")
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parents[3] / "build")
    args = parser.parse_args()
    env = dict(os.environ, GST_PLUGIN_PATH=str(args.build / "gst"))
    clips = json.loads(args.clips.read_text())
    visual = 0
    with open(args.out, "w") as out:
        for i, clip in enumerate(clips):
            command = [args.build / "pipelines/vtok-ask", "--json", "--model", args.model, "--chain", MODES[args.mode]]
            for end in ("from", "to"):
                command += [f"--{end}", str(clip[end])] if clip.get(end) else []
            questions = list(dict.fromkeys(q["question"] for q in clip["questions"]))
            run = subprocess.run([*command, args.videos / clip["file"], *questions], env=env, capture_output=True, text=True,
                                 timeout=SECONDS)
            answers = [json.loads(line) for line in run.stdout.splitlines()]
            if run.returncode or len(answers) != len(questions):
                sys.exit(f"{clip['file']}: {len(answers)} answers to {len(questions)} questions\n{run.stderr}")
            visual += answers[0]["tokens"]
            for answer in answers:
                answer["clip"] = clip.get("id", clip["file"])
                out.write(json.dumps(answer, ensure_ascii=False) + "\n")
            print(f"\r{i + 1} of {len(clips)} clips, {visual / (i + 1):.0f} visual tokens a clip", end="", file=sys.stderr)
    print(file=sys.stderr)


if __name__ == "__main__":
    main()
