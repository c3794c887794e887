"""Runs the scripts in pipelines/ on the real clips, and looks at what they print and draw."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import os
import pathlib
import subprocess
import sys
import tempfile

SECONDS = 100
WIDTH, HEIGHT = 480, 270
failed = 0


def check(what, holds, told=""):
    global failed
    failed += not holds
    print(f"{'ok     ' if holds else 'FAILED '} {what}{'' if holds else ': ' + str(told)}", flush=True)


def run(*command, stdin="", program=()):
    done = subprocess.run([*program, *map(str, command)], input=stdin, capture_output=True, text=True, timeout=SECONDS)
    print(done.stderr, end="", flush=True)
    check(f"{pathlib.Path(command[0]).name} ends well", done.returncode == 0 and "CRITICAL" not in done.stderr, done)
    return done.stdout


def frames(script, folder, *arguments):
    """The pictures a script shows, in RGB."""
    path = pathlib.Path(folder) / "shown.rgb"
    run(script, *[a if a is not None else f"videorate ! videoscale ! video/x-raw,format=RGB,width={WIDTH},height={HEIGHT},framerate=4/1 ! filesink location={path}" for a in arguments])
    data, size = path.read_bytes(), WIDTH * HEIGHT * 3
    return [data[i : i + size] for i in range(0, len(data), size)]


def coloured(frame, colour):
    """Pixels about as (red, green, blue) as that."""
    planes = [frame[i::3] for i in range(3)]
    return sum(all(abs(value - want) < 40 for value, want in zip(pixel, colour)) for pixel in zip(*planes))


def lit(frame):
    """Pixels as white as text in the lowest fifth, which is dark asphalt."""
    low = frame[WIDTH * (HEIGHT - HEIGHT // 5) * 3 :]
    return sum(min(low[i : i + 3]) > 240 for i in range(0, len(low), 3))


def main(source):
    scripts, media = pathlib.Path(source) / "pipelines", pathlib.Path(source) / "pipelines/media"
    cars, aisle = media / "person-bicycle-car-detection.mp4", media / "store-aisle-detection.mp4"

    lines = run(scripts / "ask-file.sh", cars, "Is there a car?", 1).splitlines()
    check("ask-file.sh: an answer a second", len(lines) in (3, 4) and all(line in ("yes", "no") for line in lines), lines)

    lines = run(scripts / "webcam.sh", "Is anything moving?", "videotestsrc is-live=true num-buffers=240 pattern=ball", "127.0.0.1:0").splitlines()
    check("webcam.sh: an answer after two seconds", len(lines) >= 1 and all(lines), lines)

    green, amber = (0x5A, 0xD1, 0x9A), (0xFF, 0xB4, 0x54)
    with tempfile.TemporaryDirectory() as folder:
        shown = frames(scripts / "show-kept.sh", folder, cars, None, "0.9")
        kept = [(coloured(f, green), coloured(f, amber)) for f in shown]
        check("show-kept.sh: every picture has cells that are kept or merged", len(kept) > 10 and all(sum(k) > 100 for k in kept), kept)
        shown = frames(scripts / "show-kept.sh", folder, cars, None, "1")
        all_kept = [coloured(f, green) for f in shown]
        check("show-kept.sh: with tau=1 all of them are kept", min(all_kept) > 5 * max(k[0] for k in kept), all_kept)

        shown = frames(scripts / "show-answers.sh", folder, cars, "Is there a car?", None)
        text = [lit(f) for f in shown]
        check("show-answers.sh: a text from the first asking on", len(text) > 10 and max(text[:3]) == 0 and min(text[5:]) > 0, text)

    python = ("/usr/bin/python3",)
    try:
        subprocess.run([*python, "-c", "import gi; gi.require_version('Gst', '1.0'); from gi.repository import Gst"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        print("cameras.py: skipped, python3-gi or gir1.2-gstreamer-1.0 is missing")
        return
    clips = [cars, aisle, media / "people-detection.mp4"]
    out = run(scripts / "cameras.py", "--question", "Is there a car?", *clips, stdin="Is it night?\n", program=python)
    for i in range(3):
        mine = [line for line in out.splitlines() if line.startswith(f"camera{i + 1} [")]
        check(f"cameras.py: camera {i + 1} answers both questions", len(mine) == 2 and all("?" in line for line in mine), out)
    gone = subprocess.run([*python, scripts / "cameras.py", "--question", "Is there a car?", "/no/such.mp4", str(cars)],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS)
    check("cameras.py: a camera that fails does not stop the other", "camera1: " in gone.stderr and "camera2 [" in gone.stdout, gone)


if __name__ == "__main__":
    os.environ.setdefault("GST_DEBUG_NO_COLOR", "1")
    main(sys.argv[1])
    sys.exit(1 if failed else 0)
