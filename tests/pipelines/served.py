"""vtok-serve over the part of the demo's clip that the shipped model's training never saw."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import contextlib
import json
import os
import pathlib
import subprocess
import time
import urllib.request


def fetch(base, path, key=""):
    request = urllib.request.Request(base + path, headers={"Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(request, timeout=60) as response:
        return response.read()


@contextlib.contextmanager
def served(source, build, key=""):
    """The base address, once all of the clip is remembered. Ends the program, which must end well."""
    clip = pathlib.Path(source) / "pipelines/media/car-detection.mp4"
    serve = subprocess.Popen([f"{build}/pipelines/vtok-serve", "--listen", "127.0.0.1:0", "--from", "20", clip],
                             stdout=subprocess.PIPE, text=True, env=dict(os.environ, VTOK_API_KEY=key))
    try:
        base = serve.stdout.readline().strip()
        assert base.startswith("http://127.0.0.1:"), base
        end = time.monotonic() + 120
        while True:
            assert time.monotonic() < end, "the clip did not come to its end"
            groups = json.loads(fetch(base, "memory", key))["groups"]
            if groups and groups[-1]["closed"] and groups[-1]["to"] > 29:
                break
            time.sleep(.5)
        yield base
    finally:
        serve.terminate()
        code = serve.wait(timeout=30)
    assert code == 0, f"vtok-serve ended with {code}"
