"""Installs into an empty folder, then uses what is there alone: pkg-config, headers, plugin, module and shipped model."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import os
import pathlib
import platform
import re
import subprocess
import sys
import tempfile

PROGRAM = r"""
#include <gst/vtok/vtok.h>
int main(int argc, char **argv) {
  gst_init(&argc, &argv);
  GstCaps *caps = gst_caps_from_string("application/x-visual-tokens, type=(string)float32, hidden-size=(int)8, "
                                       "space=(string)\"test@0123456789abcdef\", stream-format=(string)raw");
  GstVtokInfo info = GST_VTOK_INFO_INIT;
  GError *error = NULL;
  if (!gst_vtok_info_from_caps(&info, caps, &error)) { g_printerr("%s\n", error->message); return 1; }
  g_print("hidden-size %d\n", info.hidden_size);
  gst_vtok_info_clear(&info);
  gst_caps_unref(caps);
  return 0;
}
"""


def main(source, build):
    source, build = pathlib.Path(source), pathlib.Path(build)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["meson", "install", "-C", build, "--no-rebuild", "--destdir", folder], check=True,
                       stdout=subprocess.DEVNULL)
        pc = next(pathlib.Path(folder).rglob("gstvtok-1.0.pc"))
        library = pc.parent.parent
        prefix = next(pathlib.Path(folder).rglob("include")).parent
        pc.write_text(re.sub(r"^prefix=.*", f"prefix={prefix}", pc.read_text(), flags=re.M))
        env = {name: value for name, value in os.environ.items() if not name.startswith("GST_")}
        env = dict(env, LD_LIBRARY_PATH=str(library), GST_PLUGIN_PATH=str(library / "gstreamer-1.0"),
                   GST_REGISTRY=f"{folder}/registry.bin", PKG_CONFIG_PATH=str(pc.parent))
        model = next(pathlib.Path(folder).rglob("models/tiny"))
        assert (model / "model.safetensors").stat().st_size > 1e6, f"no weights in {model}"
        flags = subprocess.run(["pkg-config", "--cflags", "--libs", "gstvtok-1.0"], env=env, check=True,
                               capture_output=True, text=True).stdout.split()
        pathlib.Path(f"{folder}/use.c").write_text(PROGRAM)
        subprocess.run(["cc", f"{folder}/use.c", "-o", f"{folder}/use", *flags], check=True, env=env)
        subprocess.run([f"{folder}/use"], check=True, env=env)
        launch = ["gst-launch-1.0", "-q", "filesrc", f"location={source}/pipelines/media/car-detection.mp4", "!", "decodebin",
                  "!", "videoconvert", "!", "vtokkeyframe", "min-interval=500000000", "!", "vtokenc", "!", "vtokspatial", "!",
                  "vtoktemporal", "!", "vtokllm", "question=Is there a car?", "!", "filesink", "location=/dev/stdout"]
        run = subprocess.run(launch, env=env, capture_output=True, text=True, timeout=120)
        print(run.stdout, run.stderr)
        assert run.returncode == 0 and run.stdout.strip(), "the installed plugin did not answer"
        if platform.machine() == "x86_64":  # a package needs a libtorch.so: LibTorch's own or the installed stand-in
            package = ["gst-launch-1.0", "-q", "videotestsrc", "num-buffers=2", "!", "vtokenc", "device=cpu",
                       f"model={source}/tests/golden/exported-package", "!", "fakesink"]
            run = subprocess.run(package, env=env, capture_output=True, text=True, timeout=120)
            assert run.returncode == 0, f"the installed plugin did not run a package: {run.stderr}"
        (model / "config.json").write_text("{")  # so it was the installed model that answered
        run = subprocess.run(launch, env=env, capture_output=True, text=True, timeout=120)
        assert run.returncode and str(model) in run.stderr, f"another model than {model} was used: {run.stderr}"
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
