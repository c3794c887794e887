"""A camera over RTSP for as long as one likes, asked something every second: no answer may be lost, nothing critical be said, and
the memory shall not grow. Prints one JSON object.

  soak.py SOURCE BUILD [MINUTES]

It may hold as much as is full after a few minutes, so that the slope of the resident memory, of the second half by least squares, is
that of a camera which has forgotten something; of a short run it means nothing. Skipped (77) without
gst-rtsp-server.
"""
# SPDX-License-Identifier: LGPL-2.1-or-later
import json
import pathlib
import sys
import tempfile
import threading
import time
import urllib.error

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "pipelines"))
from served import Camera, ask, count, remembered, serve, wait_until  # noqa: E402

CLIPS = ("car-detection", "one-by-one-person-detection", "store-aisle-detection", "fruit-and-vegetable-detection")
QUESTIONS = ("Is there a car?", "What is in the video?", "How many cars are there?", "What is moving?", "Is there a person?",
             "When does the first car appear?", "What colour is the car?")
MEMORY = "memory-tokens=600"  # four minutes of these clips
LONG = 10  # minutes from which on the memory's slope means something
ALLOWED = 0.5  # MB a minute of the second half, in a long run


class Died(Exception):
    """A sentence: what should have run to the end did not."""


def resident(pid):
    """MB."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def slope(samples):
    """MB a minute over the second half of [(s, MB)]."""
    half = samples[len(samples) // 2:]
    if len(half) < 2:
        return 0.0
    t, mb = [s / 60 for s, _ in half], [m for _, m in half]
    mean_t, mean_mb = sum(t) / len(t), sum(mb) / len(mb)
    return sum((a - mean_t) * (b - mean_mb) for a, b in zip(t, mb)) / sum((a - mean_t) ** 2 for a in t)


class Asker:
    def __init__(self, base):
        self.base, self.asked, self.answered, self.lost, self.ms, self.lock = base, 0, 0, [], [], threading.Lock()

    def ask(self, question):
        began = time.monotonic()
        try:
            text, (start, end) = ask(self.base, question, max_tokens=16)
            problem = "" if text.strip() and start < end else f"{text!r} about {start} to {end}"
        except (OSError, KeyError, ValueError) as error:
            problem = error.read().decode() if isinstance(error, urllib.error.HTTPError) else repr(error)
        with self.lock:
            self.answered += not problem
            self.ms.append(1000 * (time.monotonic() - began))
            if problem:
                self.lost.append(f"{question} {problem}")

    def every_second(self, until, look):
        due, threads = time.monotonic(), []
        while time.monotonic() < until:
            threads = [t for t in threads if t.is_alive()]
            threads.append(threading.Thread(target=self.ask, args=(QUESTIONS[self.asked % len(QUESTIONS)],)))
            threads[-1].start()
            self.asked += 1
            look()
            due += 1
            time.sleep(max(0, due - time.monotonic()))
        for thread in threads:
            thread.join(70)


def still_runs(processes, asker, seconds):
    for name, process in processes.items():
        if process.poll() is not None:
            raise Died(f"{name} ended with {process.returncode} after {seconds:.0f} s: {asker.answered} of {asker.asked} questions "
                       f"were answered till then")


def soak(source, build, minutes, log):
    clips = [pathlib.Path(source) / f"pipelines/media/{name}.mp4" for name in CLIPS]
    samples = []
    with Camera(*clips) as camera, serve(build, "--llm", MEMORY, camera.over_tcp, log=log) as (base, process):
        wait_until(lambda: remembered(base), "something is remembered", 120)
        asker, began = Asker(base), time.monotonic()
        print("asking", file=sys.stderr, flush=True)

        def look():
            seconds = time.monotonic() - began
            try:
                samples.append((seconds, resident(process.pid)))
            except (OSError, IndexError):  # it has no memory any more: it is about to end
                process.wait(10)
            still_runs({"vtok-serve": process, "the RTSP server": camera.process}, asker, seconds)
            if len(samples) % 60 == 0:
                print(f"{len(samples) // 60} min: {asker.answered} of {asker.asked} answered, {len(asker.lost)} lost, "
                      f"{samples[-1][1]:.0f} MB", file=sys.stderr, flush=True)

        asker.every_second(began + 60 * minutes, look)
        still_runs({"vtok-serve": process, "the RTSP server": camera.process}, asker, time.monotonic() - began)
        counts = {name: count(base, name) for name in ("questions", "answers", "answers_failed", "reads_failed",
                                                      "questions_refused", "groups_forgotten", "dropped_full", "discontinuities")}
    ms = sorted(asker.ms)
    return asker, {"minutes": minutes, "asked": asker.asked, "answered": asker.answered, "lost": len(asker.lost),
                   "ms_median": round(ms[len(ms) // 2], 1), "ms_most": round(ms[-1], 1), "rss_mb": round(samples[-1][1], 1),
                   "rss_mb_a_minute": round(slope(samples), 3), **counts}


def main(source, build, minutes="0.2"):
    minutes = float(minutes)
    with tempfile.TemporaryFile("w+") as log:
        try:
            asker, result = soak(source, build, minutes, log)
        except FileNotFoundError as error:
            print(f"skipped: {error}")
            return 77
        except (Died, AssertionError, urllib.error.URLError) as error:
            print(f"failed: {error}")
            return 1
        finally:
            log.seek(0)
            said = log.read()
            print(said, file=sys.stderr)
    result["criticals"] = said.count("CRITICAL") + said.count("WARNING **")
    print(json.dumps(result))
    for line in asker.lost:
        print(f"lost: {line}")
    grows = minutes >= LONG and result["rss_mb_a_minute"] > ALLOWED
    return int(bool(asker.lost or result["criticals"] or grows or asker.answered != asker.asked))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
