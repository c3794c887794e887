"""vtok-serve, over the part of the demo's clip that the shipped model's training never saw or over a camera on the network."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import contextlib
import json
import os
import pathlib
import re
import subprocess
import time
import urllib.request

RTSP_SERVER = pathlib.Path(__file__).resolve().parent / "rtsp_server.py"


def fetch(base, path, key=""):
    request = urllib.request.Request(base + path, headers={"Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(request, timeout=60) as response:
        return response.read()


def ask(base, question, **fields):
    """The answer's text, and the span it saw in seconds."""
    body = json.dumps({"messages": [{"role": "user", "content": question}], **fields}).encode()
    request = urllib.request.Request(base + "v1/chat/completions", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as response:
        answer = json.loads(response.read())
    return answer["choices"][0]["message"]["content"], (answer["vtok"]["from"], answer["vtok"]["to"])


def remembered(base):
    """(from, to) of the groups, in seconds."""
    return [(g["from"], g["to"]) for g in json.loads(fetch(base, "memory"))["groups"]]


def count(base, name):
    """A counter of /metrics."""
    found = re.search(rf"^vtok_{name}_total{{.*?}} (\S+)$", fetch(base, "metrics").decode(), re.M)
    assert found, f"no {name} in /metrics"
    return int(float(found[1]))


def wait_until(true, what, seconds=60):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"never came true in {seconds} s: {what}"
        time.sleep(.2)


@contextlib.contextmanager
def serve(build, *arguments, key="", log=None):
    """(base address, process). Ends the program, which must end well. `log`: a file for what it complains of."""
    process = subprocess.Popen([f"{build}/pipelines/vtok-serve", "--listen", "127.0.0.1:0", *arguments], stdout=subprocess.PIPE,
                               stderr=log, text=True, env=dict(os.environ, VTOK_API_KEY=key))
    try:
        base = process.stdout.readline().strip()
        assert base.startswith("http://127.0.0.1:"), f"vtok-serve did not come up, it said {base!r}"
        yield base, process
    finally:
        process.terminate()
        code = process.wait(timeout=30)
    assert code == 0, f"vtok-serve ended with {code}"


@contextlib.contextmanager
def served(source, build, key=""):
    """The base address, once all of the clip is remembered."""
    clip = pathlib.Path(source) / "pipelines/media/car-detection.mp4"
    with serve(build, "--from", "20", clip, key=key) as (base, _):
        end = time.monotonic() + 120
        while True:
            assert time.monotonic() < end, "the clip did not come to its end"
            groups = json.loads(fetch(base, "memory", key))["groups"]
            if groups and groups[-1]["closed"] and groups[-1]["to"] > 29:
                break
            time.sleep(.5)
        yield base


class Camera:
    """An RTSP server that plays videos for ever, until it is killed. Raises FileNotFoundError where none can run."""

    def __init__(self, *videos, port=0, kind=()):
        self.process = subprocess.Popen(["/usr/bin/python3", RTSP_SERVER, str(port), *kind, *videos], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.address = self.process.stdout.readline().strip()
        if not self.address:
            why = self.process.communicate(timeout=30)[1].strip().split("\n")[-1]
            raise FileNotFoundError(f"no RTSP server (python3-gi, gir1.2-gst-rtsp-server-1.0): {why}")
        self.port = int(re.search(r":(\d+)/", self.address)[1])
        self.over_tcp = self.address.replace("rtsp:", "rtspt:")

    def say(self, command):
        print(command, file=self.process.stdin, flush=True)

    def die(self):
        self.process.kill()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.die()
