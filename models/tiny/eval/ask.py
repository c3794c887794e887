#!/usr/bin/env python3
"""Answers the questions of a clips.json (or real.json) with Hugging Face's network: the reference for the pipeline.

    eval/ask.py CLIPS.JSON VIDEOS OUT.JSONL --mode full|scc [--model FOLDER] [--threshold 0.0]

Frames are taken as `vtokkeyframe` takes them (at most two a second, groups of two seconds), times stand before each
group. An entry of CLIPS.JSON may have `from` and `to` (seconds) and an `id`.
"""
import argparse
import copy
import json
import os
import sys

import cv2
import numpy as np
import torch
from transformers import DynamicCache, LlavaOnevisionForConditionalGeneration

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "train"))
import clips  # noqa: E402
import lm  # noqa: E402
import model as net  # noqa: E402
from vit import squash  # noqa: E402


def select(path, start, stop, threshold, longest=2.0):
    """(pixels uint8 [f, 168, 168, 3], groups [(from, to, frames)])."""
    video = cv2.VideoCapture(path)
    rate = video.get(cv2.CAP_PROP_FPS) or 10.0
    selector, pixels, groups, index = clips.Selector(threshold, 0.5, longest), [], [], -1
    while True:
        ok, frame = video.read()
        index += 1
        t = index / rate
        if not ok or t >= stop:
            break
        if t < start - 1e-6:
            continue
        image = cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
        kind = selector.take(t, image)
        if kind == "start":
            if groups:
                groups[-1][1] = t
            groups.append([t, t, []])
        if kind:
            groups[-1][2].append(len(pixels))
            pixels.append(squash(image))
    groups[-1][1] = min(index / rate, stop)
    return np.stack(pixels), groups


class Asker:
    """One clip's prompt, prefilled once; each question goes on from a copy of the cache."""

    def __init__(self, model, prompt, pixels, groups, mode, stamps=True):
        self.model, self.prompt, self.lm = model, prompt, model.model.language_model
        clip = lm.Clip(model, pixels, groups, stamps, [])
        visual = clip.plain() if mode == "full" else clip.compressed()
        self.counts = [len(v) for v in visual]
        ids = torch.tensor(prompt.prefix(groups, self.counts, stamps))
        with torch.no_grad():
            embeds = self.lm.embed_tokens(ids.clamp(min=0))
            embeds[ids == -1] = torch.cat(visual).to(embeds.dtype)
            embeds[ids == -2] = model.model.image_newline
            self.cache = self.lm(inputs_embeds=embeds[None], past_key_values=DynamicCache(), use_cache=True).past_key_values

    def ask(self, question, most=32):
        cache, out = copy.deepcopy(self.cache), []
        ids = self.prompt.question(question)
        end = self.prompt.ids("<|im_end|>")[0]
        with torch.no_grad():
            while len(out) < most:
                state = self.lm(input_ids=torch.tensor([ids]), past_key_values=cache, use_cache=True)
                ids = [int(self.model.lm_head(state.last_hidden_state[0, -1]).argmax())]
                if ids[0] == end:
                    break
                out += ids
        return self.prompt.tokenizer.decode(out)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("clips")
    p.add_argument("videos")
    p.add_argument("out")
    p.add_argument("--mode", choices=["full", "scc"], default="full")
    p.add_argument("--model", default=os.path.join(HERE, ".."))
    p.add_argument("--threshold", type=float, default=0.0)
    args = p.parse_args()
    torch.set_num_threads(2)
    model = LlavaOnevisionForConditionalGeneration.from_pretrained(args.model, dtype=torch.bfloat16).eval()
    prompt = lm.Prompt(f"{args.model}/tokenizer.json")
    with open(args.clips, encoding="utf-8") as file:
        listing = json.load(file)
    kept = total = 0
    with open(args.out, "w", encoding="utf-8") as out:
        for clip in listing:
            pixels, groups = select(os.path.join(args.videos, clip["file"]), clip.get("from", 0.0),
                                    clip.get("to", 1e9), args.threshold)
            asker = Asker(model, prompt, pixels, groups, args.mode)
            kept, total = kept + sum(asker.counts), total + len(pixels) * net.TOKENS
            for q in clip["questions"]:
                out.write(json.dumps({"clip": clip.get("id", clip["file"]), "question": q["question"],
                                      "answer": asker.ask(q["question"])}, ensure_ascii=False) + "\n")
    print(f"{kept} of {total} tokens ({kept / total:.1%})")


if __name__ == "__main__":
    main()
