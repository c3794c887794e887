"""Asks the shipped model about the part of the demo's clip that its training never saw, through all elements."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import json
import pathlib
import subprocess
import sys

EXPECTED = {"Is there a car?": "yes", "Is there a person?": "no", "What colour is the car?": "white",
            "Which way does the car drive?": "down"}


def main(source, build):
    clip = pathlib.Path(source) / "pipelines/media/car-detection.mp4"
    run = subprocess.run([f"{build}/pipelines/vtok-ask", "--json", "--from", "20", clip, *EXPECTED], stdout=subprocess.PIPE,
                         text=True, timeout=120, check=True)
    answers = {a["question"]: a["answer"] for a in map(json.loads, run.stdout.splitlines())}
    for question, expected in EXPECTED.items():
        print(f"{question} {answers.get(question)!r}, expected {expected!r}")
    return answers != EXPECTED


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
