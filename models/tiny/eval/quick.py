#!/usr/bin/env python3
"""Accuracy per kind on held-out drawn clips without going through video files: all tokens, SCC, blind.

    eval/quick.py MEDIA WORKDIR [--model FOLDER] [--n 100] [--seed 2000001] [--json FILE]

The clips are those of make_clips.py in kind (two frames a second, groups of two seconds), drawn straight at the kept
times; WORKDIR/held-SEED-N.pkl keeps them. An answer counts when greedy decoding gives it token for token.
"""
import argparse
import json
import os
import pickle
import sys

import cv2
import numpy as np
import torch
from transformers import LlavaOnevisionForConditionalGeneration

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "train"))
import assets  # noqa: E402
import clips  # noqa: E402
import lm  # noqa: E402
import questions  # noqa: E402
import scenes  # noqa: E402


def draw(media, work, n, seed):
    store, out = assets.build(media, f"{work}/assets.pkl"), []
    for index in range(n):
        rng = np.random.default_rng(seed + index)
        scene = scenes.Scene(rng, store, float(rng.integers(6, 21)) / 2, (320, 240))
        times = np.arange(0, scene.duration - 1e-6, 0.5)
        pixels, kept, groups, objects = clips.gather(scene, times, clips.Selector(0.0, 0.5, 2.0), 99)
        clip = {"times": kept, "groups": groups, "stamps": True, "single": False, "objects": objects,
                "moving": clips.moving(objects)}
        out.append((pixels, groups, True, questions.pick(rng, clip, 9)))
    return out


def main():
    p = argparse.ArgumentParser()
    p.add_argument("media")
    p.add_argument("work")
    p.add_argument("--model", default=os.path.join(HERE, ".."))
    p.add_argument("--n", type=int, default=100)
    p.add_argument("--seed", type=int, default=2000001)
    p.add_argument("--modes", default="full,scc,blind")
    p.add_argument("--json")
    p.add_argument("--draw", action="store_true", help="only draw the clips")
    args = p.parse_args()
    cv2.setNumThreads(1)
    cache = f"{args.work}/held-{args.seed}-{args.n}.pkl"
    if not os.path.exists(cache):
        with open(cache, "wb") as file:
            pickle.dump(draw(args.media, args.work, args.n, args.seed), file)
    if args.draw:
        return
    with open(cache, "rb") as file:
        drawn = pickle.load(file)
    torch.set_num_threads(2)
    model = LlavaOnevisionForConditionalGeneration.from_pretrained(args.model, dtype=torch.bfloat16).eval()
    model.model.language_model.set_attn_implementation("eager")
    prompt = lm.Prompt(f"{args.model}/tokenizer.json")
    held = [lm.Clip(model, *clip) for clip in drawn]
    result = {}
    for mode in args.modes.split(","):
        scores = lm.evaluate(model, prompt, held, mode, 9)
        total = sum(round(v * n) for v, n in scores.values()) / sum(n for _, n in scores.values())
        result[mode] = {"all": total, **{k: v for k, (v, _) in scores.items()}}
        print(mode, " ".join(f"{k} {v:.1%}" for k, v in result[mode].items()), flush=True)
    result["questions"] = {k: n for k, (_, n) in scores.items()}
    kept, every = (sum(len(v) for c in held for v in f(c)) for f in (lm.Clip.compressed, lm.Clip.plain))
    result["retention"] = kept / every
    print(f"SCC keeps {kept / every:.1%} of the tokens; questions: {result['questions']}")
    if args.json:
        with open(args.json, "w", encoding="utf-8") as file:
            json.dump(result, file, indent=1)


if __name__ == "__main__":
    main()
