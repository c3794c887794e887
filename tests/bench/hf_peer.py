#!/usr/bin/env python3
"""Hugging Face transformers as a peer for benchmarks: answers one request a line, so that runs can be interleaved.

SPDX-License-Identifier: LGPL-2.1-or-later

  tests/bench/hf_peer.py FOLDER [THREADS]    needs torch and transformers 5; bfloat16, sdpa

Reads lines from standard input and answers each with seconds on standard output:
  encode N      N random frames through vision tower, projector and pooling
  prefill N     N random rows into an empty cache, logits of the last
  decode N M    M greedy steps after N rows; seconds of the steps alone
It says `ready` once the model is loaded.
"""
import sys
import time

import torch
from transformers import DynamicCache, LlavaOnevisionForConditionalGeneration


class Peer:
    def __init__(self, folder):
        self.model = LlavaOnevisionForConditionalGeneration.from_pretrained(
            folder, dtype=torch.bfloat16, attn_implementation="sdpa").eval()
        self.config = self.model.config
        self.random = torch.Generator().manual_seed(0)

    def encode(self, frames):
        edge = self.config.vision_config.image_size
        pixels = torch.randn(1, frames, 3, edge, edge, generator=self.random).to(torch.bfloat16)
        start = time.perf_counter()
        self.model.model.get_video_features(pixels, vision_feature_layer=self.config.vision_feature_layer,
                                            vision_feature_select_strategy=self.config.vision_feature_select_strategy)
        return time.perf_counter() - start

    def step(self, cache, **inputs):
        out = self.model.model.language_model(past_key_values=cache, use_cache=True, **inputs)
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
