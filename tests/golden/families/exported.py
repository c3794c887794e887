"""Encoders as programs: exported-script (TorchScript), exported-package (AOTInductor), exported-program (torch.export).

SPDX-License-Identifier: LGPL-2.1-or-later

exported-script is the encoder of llava-onevision's checkpoint, and its tokens are of that checkpoint's space:
llava-onevision/case-* hold for it. The others are one small network, which makes maps. The package is compiled for any x86-64.
Needs g++, and minutes on a slow machine.
"""
import json
import pathlib
import subprocess
import zipfile

import numpy as np
import torch
from torch import nn
from transformers import LlavaOnevisionForConditionalGeneration, LlavaOnevisionVideoProcessor
from reference import BASE, make_frames, randomize, write

SPACE = "llava_onevision@2ec466836113d5cd"  # of llava-onevision/checkpoint, as vtokenc's caps have it
HEIGHT, WIDTH, ROWS, COLUMNS, HIDDEN = 24, 32, 3, 4, 20
MEAN, STD = [0.48, 0.46, 0.41], [0.27, 0.26, 0.28]


class Frames(nn.Module):
    """A checkpoint's encoder as one program: pixels [n, 3, height, width] -> tokens [n, tokens, hidden]."""

    def __init__(self, model):
        super().__init__()
        self.tower, self.projector = model.model.vision_tower, model.model.multi_modal_projector
        self.pool, self.layer = model.model.apply_pooling, model.config.vision_feature_layer

    def forward(self, pixels):
        vision = self.tower(pixels, output_hidden_states=True).hidden_states[self.layer]
        return self.pool(self.projector(vision))


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.vision = nn.Conv2d(3, 16, 8, 8)
        self.out = nn.Conv2d(16, HIDDEN, 1)

    def forward(self, pixels):
        return self.out(nn.functional.gelu(self.vision(pixels)))


def strip(package):
    """The shared library without symbols, no sources."""
    with zipfile.ZipFile(package) as archive:
        files = {name: archive.read(name) for name in archive.namelist() if not name.endswith(".cpp")}
    with zipfile.ZipFile(package, "w") as archive:
        for name, data in files.items():
            if name.endswith(".so"):
                library = package.with_suffix(".so")
                library.write_bytes(data)
                subprocess.run(["strip", library], check=True)
                data = library.read_bytes()
                library.unlink()
            archive.writestr(zipfile.ZipInfo(name), data)


def make_script(folder):
    model = LlavaOnevisionForConditionalGeneration.from_pretrained(BASE, attn_implementation="eager").eval()
    side = model.config.vision_config.image_size
    with torch.no_grad():
        torch.jit.trace(Frames(model), torch.rand(2, 3, side, side)).save(folder / "encoder.pt")
    video = json.loads((BASE / "processor_config.json").read_text())["video_processor"]
    (folder / "encoder.json").write_text(json.dumps(
        {"program": "encoder.pt", "size": side, "resample": video["resample"], "image_mean": video["image_mean"],
         "image_std": video["image_std"], "grid": 3, "hidden_size": 96, "space": SPACE}, indent=1) + "\n")


def make_small(folder):
    model = Small().eval()
    randomize(model, 3)
    package, program = folder / "exported-package", folder / "exported-program"
    for place in (package, program): place.mkdir(parents=True, exist_ok=True)
    settings = {"size": {"height": HEIGHT, "width": WIDTH}, "resample": 2, "image_mean": MEAN, "image_std": STD}
    frames = make_frames(5, 5, 83, 51)
    pixels = LlavaOnevisionVideoProcessor(**settings)(list(frames), return_tensors="pt")["pixel_values_videos"][0]
    with torch.no_grad():
        tokens = model(pixels).flatten(2).transpose(1, 2)
        batch = torch.export.Dim("batch", min=1, max=64)
        made = torch.export.export(model, (pixels,), dynamic_shapes=({0: batch},))
        torch.export.save(made, program / "encoder.pt2")
        config = torch._inductor.config
        config.cpp.march, config.cpp.simdlen, config.cpp_cache_precompile_headers = "x86-64", 1, False
        config.aot_inductor.precompile_headers = config.aot_inductor.enable_line_tables = False
        torch._inductor.aoti_compile_and_package(made, package_path=str(package / "encoder.pt2"))
    strip(package / "encoder.pt2")
    for place in (package, program):
        (place / "encoder.json").write_text(json.dumps(
            {"program": "encoder.pt2", **settings, "grid": {"height": ROWS, "width": COLUMNS}, "hidden_size": HIDDEN},
            indent=1) + "\n")
    write(package / "case-a", frames, {"pixel_values": np.asarray(pixels), "tokens": np.ascontiguousarray(tokens)},
          {"family": "exported"})


def make(folder):
    folder = pathlib.Path(folder)
    (folder / "exported-script").mkdir(parents=True, exist_ok=True)
    make_script(folder / "exported-script")
    make_small(folder)
