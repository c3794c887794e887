"""Asks the shipped model about the demo's clip, the part its training saw and the part it never saw, through all elements."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import json
import pathlib
import subprocess
import sys

SEEN = {"Is there a car?": "yes", "Is there a person?": "no", "How many cars are there?": "three",
        "What colour is the first car?": "white", "Which way does the red car drive?": "up",
        "When does the red car appear?": "00:14.0–00:16.0", "When does the white car leave?": "00:08.0–00:10.0"}
UNSEEN = {"Is there a car?": "yes", "Is there a person?": "no", "How many cars are there?": "one", "Is there a red car?": "no",
          "What colour is the car?": "white", "What is moving?": "a white car", "Which way does the car drive?": "down"}


def main(source, build):
    clip, failed = pathlib.Path(source) / "pipelines/media/car-detection.mp4", False
    for part, expected in (("--to", SEEN), ("--from", UNSEEN)):
        run = subprocess.run([f"{build}/pipelines/vtok-ask", "--json", part, "20", clip, *expected], stdout=subprocess.PIPE,
                             text=True, timeout=120, check=True)
        answers = {a["question"]: a["answer"] for a in map(json.loads, run.stdout.splitlines())}
        failed |= answers != expected
        for question, answer in expected.items():
            print(f"{question} {answers.get(question)!r}, expected {answer!r}")
    return failed


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
