"""A soak whose server, or whose camera, is killed says so in a sentence and fails."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import os
import pathlib
import signal
import subprocess
import sys

SOAK = pathlib.Path(__file__).resolve().parent / "soak.py"


def child(parent, name):
    """The id of a process that `parent` started, by a part of its command."""
    for status in pathlib.Path("/proc").glob("[0-9]*/status"):
        try:
            own = f"\nPPid:\t{parent}\n" in status.read_text()
            if own and name in (status.parent / "cmdline").read_bytes().decode(errors="replace"):
                return int(status.parent.name)
        except OSError:  # one that ended meanwhile
            continue
    raise AssertionError(f"{name} does not run")


def main(source, build):
    for victim, name in (("vtok-serve", "vtok-serve"), ("rtsp_server", "the RTSP server")):
        with subprocess.Popen([sys.executable, SOAK, source, build, "1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True) as soak:
            for line in soak.stderr:
                if line == "asking\n":
                    break
            else:
                out = soak.communicate(timeout=60)[0]
                assert "skipped:" in out, out
                print(out)
                return 77
            os.kill(child(soak.pid, victim), signal.SIGKILL)
            out, err = soak.communicate(timeout=180)
        assert soak.returncode == 1, (soak.returncode, out, err)
        assert "Traceback" not in out + err, err
        assert f"failed: {name} ended with -9 after" in out, out
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
