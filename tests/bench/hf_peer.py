#!/usr/bin/env python3
"""Hugging Face transformers as a peer for benchmarks: answers one request a line, so that runs can be interleaved.

SPDX-License-Identifier: LGPL-2.1-or-later

  tests/bench/hf_peer.py FOLDER [THREADS]    needs torch and transformers 5; bfloat16, sdpa

Reads lines from standard input and answers each with seconds on standard output:
  encode N      N random frames through vision tower, projector and pooling; of 448 x 448 where the family takes any size
  prefill N     N random rows into an empty cache, logits of the last
  decode N M    M greedy steps after N rows; seconds of the steps alone
It says `ready` once the model is loaded.
"""
import sys
import time

import torch
from transformers import AutoModelForImageTextToText, DynamicCache


FRAME = 448  # make_family.py


class Peer:
    def __init__(self, folder):
        self.model = AutoModelForImageTextToText.from_pretrained(
            folder, dtype=torch.bfloat16, attn_implementation="sdpa").eval()
        self.config = self.model.config
        core = self.model.model
        self.language = core.text_model if hasattr(core, "text_model") else core.language_model
        self.random = torch.Generator().manual_seed(0)

    def pixels(self, *shape):
        return torch.randn(shape, generator=self.random).to(torch.bfloat16)

    def encode(self, frames):
        core, vision, family = self.model.model, self.config.vision_config, self.config.model_type
        if family.startswith("qwen"):
            side, steps = FRAME // vision.patch_size, (frames + 1) // 2
            pixels = self.pixels(steps * side * side, 3 * vision.temporal_patch_size * vision.patch_size**2)
            grid = torch.tensor([[steps, side, side]])
            work = lambda: core.get_video_features(pixels, grid)
        else:
            edge = vision.image_size if isinstance(vision.image_size, int) else vision.image_size[0]
            pixels = self.pixels(frames, 3, edge, edge)
            kinds = {"llava": core.get_image_features, "internvl": core.get_image_features,
                     "smolvlm": lambda pixels: core.get_image_features(pixels[None])}
            work = lambda: kinds.get(family, lambda pixels: core.get_video_features(pixels[None]))(pixels)
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    def step(self, cache, **inputs):
        out = self.language(past_key_values=cache, use_cache=True, **inputs)
        return self.model.lm_head(out.last_hidden_state[:, -1:])

    def read(self, rows):
        width = self.config.text_config.hidden_size
        embeds = torch.randn(1, rows, width, generator=self.random).to(torch.bfloat16) * 0.02
        cache = DynamicCache(config=self.config.text_config)
        start = time.perf_counter()
        logits = self.step(cache, inputs_embeds=embeds)
        return cache, logits, time.perf_counter() - start

    def prefill(self, rows):
        return self.read(rows)[2]

    def decode(self, rows, steps):
        cache, logits, _ = self.read(rows)
        start = time.perf_counter()
        for _ in range(steps):
            logits = self.step(cache, input_ids=logits[:, -1].argmax(-1, keepdim=True))
        return time.perf_counter() - start


def main():
    if len(sys.argv) > 2: torch.set_num_threads(int(sys.argv[2]))
    peer = Peer(sys.argv[1])
    print("ready", flush=True)
    with torch.inference_mode():
        for line in sys.stdin:
            what, *numbers = line.split()
            if what not in ("encode", "prefill", "decode"): raise SystemExit(f"no request named {what!r}")
            print(getattr(peer, what)(*map(int, numbers)), flush=True)


if __name__ == "__main__":
    main()
