"""Runs every gst-launch-1.0 line of the README, of docs/ and of the elements' own documentation, each under a timeout.

A line may name car.mp4 (the demo's clip) and my-encoder (an exported encoder), which lie in the folder it runs in. A line that cannot end by itself
(a camera, a screen) is not allowed in the documentation without `# not run: REASON` after it; those are listed.
"""
# SPDX-License-Identifier: LGPL-2.1-or-later
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

SECONDS = 60


def lines_of(path):
    """Launch lines of one file, continuation lines joined."""
    text = path.read_text()
    if path.suffix == ".md":
        blocks = re.findall(r"```(?:sh|console)?\n(.*?)```", text, re.S)
    else:
        blocks = [re.sub(r"\n \* ?", " ", b) for b in re.findall(r"\|\[(.*?)\]\|", text, re.S)]  # one line each
    for block in blocks:
        for line in block.replace("\\\n", " ").splitlines():
            if line.strip().startswith("gst-launch-1.0"):
                yield re.sub(r"\s+", " ", line.strip())


def main(source, build):
    source, build = pathlib.Path(source), pathlib.Path(build)
    files = [source / "README.md", *sorted((source / "docs").glob("*.md")), *sorted((source / "gst").glob("*.cc"))]
    failed = ran = 0
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(source / "pipelines/media/car-detection.mp4", f"{folder}/car.mp4")
        shutil.copytree(source / "tests/golden/exported-script", f"{folder}/my-encoder")
        for file in files:
            for line in lines_of(file):
                where = file.relative_to(source)
                if "# not run:" in line:
                    print(f"not run  {where}: {line}")
                    continue
                ran += 1
                try:
                    run = subprocess.run(["bash", "-c", line], cwd=folder, capture_output=True, text=True, timeout=SECONDS)
                    problem = run.stderr + run.stdout if run.returncode or "ERROR" in run.stderr else ""
                except subprocess.TimeoutExpired:
                    problem = f"still running after {SECONDS} s"
                failed += bool(problem)
                print(f"{'FAILED ' if problem else 'ok     '}  {where}: {line}\n{problem}")
    print(f"{ran} launch lines run, {failed} failed")
    return 1 if failed or not ran else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
