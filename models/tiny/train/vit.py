"""Stage 1: the vision tower and projector, by dense labels of drawn and real frames.

Each sample is a pair of frames of one scene. Heads (thrown away afterwards) read
    patches   [144]  class, colour and mark of what covers the patch, and which of its 7x7 parts objects cover
    tokens    [36]   its mark, which class x colour covers most of the cell, whose centre lies in it, where that centre is
and a hinge on cosines makes tokens fit to be compressed: background alike, objects unlike it and each other, one object
alike over time only while it stays where it is.

    python vit.py MEDIA WORKDIR --minutes 30
"""
import argparse
import multiprocessing as mp
import os

import cv2
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

import assets
import model as net
import real
import scenes
from pictures import squash
from words import CLASSES, COLOUR_NAMES, MARKS

KINDS, MOST, BINS = len(CLASSES) * len(COLOUR_NAMES), 9, 12


def labels(ids, count, side):
    """Share of each cell that each of the objects covers, uint8 0..255: [MOST, side * side]."""
    fine = cv2.resize(ids, (side * 14, side * 14), interpolation=cv2.INTER_NEAREST)
    out = np.zeros((MOST, side * side), np.uint8)
    for k in range(min(count, MOST)):
        cover = (fine == k + 1).astype(np.uint8) * 255
        out[k] = cv2.resize(cover, (side, side), interpolation=cv2.INTER_AREA).reshape(-1)
    return out


def outline(ids):
    """Where in each patch objects are, uint8 [144, 49] of 0 and 1."""
    n = net.SIDE
    fine = cv2.resize(ids, (n * 7, n * 7), interpolation=cv2.INTER_NEAREST) > 0
    return fine.reshape(n, 7, n, 7).transpose(0, 2, 1, 3).reshape(n * n, 49).astype(np.uint8)


def centre(ids, k):
    ys, xs = np.nonzero(ids == k + 1)
    if len(xs) < 12:
        return np.nan, np.nan
    return (xs.mean() + 0.5) / ids.shape[1], (ys.mean() + 0.5) / ids.shape[0]


def sample(rng, store):
    """A pair of frames: dict of arrays with the leading dimension 2 (one per frame)."""
    scene = real.RealScene(rng, store, 8) if rng.random() < 0.07 else \
        scenes.Scene(rng, store, 8, lively=rng.random() < 0.8)
    t = rng.uniform(0, scene.duration)
    out = {k: [] for k in ("pixels", "cells", "patches", "outline", "kind", "mark", "centre")}
    for when in (t, min(t + rng.choice([0.25, 0.5, 1.0, 2.0]), scene.duration - 1e-3)):
        image, ids = scene.draw(when)
        facts = scene.facts(when)
        out["pixels"].append(squash(image))
        out["cells"].append(labels(ids, len(facts), net.GRID))
        out["patches"].append(labels(ids, len(facts), net.SIDE))
        out["outline"].append(outline(ids))
        kind = [CLASSES.index(c) * len(COLOUR_NAMES) + COLOUR_NAMES.index(p) for c, p, _ in facts][:MOST]
        out["kind"].append(np.array(kind + [0] * (MOST - len(kind))))
        mark = [-100 if m is None else MARKS.index(m) for _, _, m in facts][:MOST]
        out["mark"].append(np.array(mark + [-100] * (MOST + 1 - len(mark))))
        out["centre"].append(np.array([centre(ids, k) for k in range(MOST)], np.float32))
    return {k: np.stack(v) for k, v in out.items()}


def produce(queue, store, seed, batch):
    net.follow_parent()
    cv2.setNumThreads(1)
    os.nice(5)
    rng = np.random.default_rng(seed)
    while True:
        samples = [sample(rng, store) for _ in range(batch)]
        queue.put({k: np.concatenate([s[k] for s in samples]) for k in samples[0]})


def flip(batch):
    """The batch mirrored left to right."""
    def grid(a, side):
        return a.reshape(*a.shape[:2], side, side)[..., ::-1].reshape(a.shape).copy()
    edges = grid(batch["outline"].reshape(-1, net.SIDE ** 2, 7, 7).transpose(0, 2, 3, 1).reshape(-1, 49, net.SIDE ** 2), net.SIDE)
    edges = edges.reshape(-1, 7, 7, net.SIDE ** 2)[:, :, ::-1].transpose(0, 3, 1, 2).reshape(-1, net.SIDE ** 2, 49).copy()
    return {"outline": edges, "pixels": batch["pixels"][:, :, ::-1].copy(), "kind": batch["kind"], "mark": batch["mark"],
            "cells": grid(batch["cells"], net.GRID), "patches": grid(batch["patches"], net.SIDE),
            "centre": batch["centre"] * np.float32([-1, 1]) + np.float32([1, 0])}


class Heads(nn.Module):
    def __init__(self):
        super().__init__()
        self.patch = nn.Sequential(nn.LayerNorm(192), nn.Linear(192, 1 + len(CLASSES) + 1 + len(COLOUR_NAMES)))
        self.outline = nn.Linear(192, 49)
        self.norm = nn.LayerNorm(net.WIDTH)
        self.cls = nn.Linear(net.WIDTH, len(CLASSES) + 1)
        self.kind = nn.Linear(net.WIDTH, 1 + KINDS)
        self.middle = nn.Linear(net.WIDTH, KINDS)
        self.mark, self.patch_mark = nn.Linear(net.WIDTH, len(MARKS)), nn.Linear(192, len(MARKS))
        self.bins = nn.Linear(net.WIDTH, 2 * BINS)
        nn.init.constant_(self.middle.bias, -6.0)


def dominant(cover, high, low):
    """cover [n, MOST, cells] -> index of the covering object, MOST for background, -100 where unclear."""
    best, who = cover.max(1)
    who = torch.where(best >= high, who, MOST)
    unclear = (best < high) & (cover.sum(1) > low)
    return torch.where(unclear, -100, who)


def cosine_loss(tokens, who, middle):
    """Hinges on the cosines among the 72 tokens of a pair. tokens [2b, 36, d], who [2b, 36], middle [2b, MOST, 2]."""
    b = tokens.shape[0] // 2
    x = F.normalize(tokens.float().view(b, 72, -1), dim=-1)
    c = x @ x.transpose(1, 2)
    w = who.view(b, 72)
    valid = (w >= 0)[:, :, None] & (w >= 0)[:, None]
    back = (w == MOST)
    bb = back[:, :, None] & back[:, None]
    ob = back[:, :, None] ^ back[:, None]
    same = (w[:, :, None] == w[:, None]) & ~bb
    frame = torch.arange(72) // 36
    across = frame[:, None] != frame[None]
    middle = middle.view(b, 2, MOST, 2)
    moved = (middle[:, 0] - middle[:, 1]).norm(dim=-1)  # [b, MOST], NaN where not seen in both
    moved = torch.cat([moved, torch.zeros(b, 1)], 1).gather(1, w.clamp(0, MOST))[:, :, None]
    terms = [(bb, F.relu(0.97 - c), 1.0), (ob, F.relu(c - 0.45), 2.0),
             (~bb & ~ob & ~same, F.relu(c - 0.7), 1.0), (same & ~across, F.relu(0.92 - c), 0.3),
             (same & across & (moved > 0.05), F.relu(c - 0.78), 1.0),
             (same & across & (moved < 0.006), F.relu(0.97 - c), 0.5)]
    total = 0
    for mask, hinge, weight in terms:
        mask = mask & valid
        total = total + weight * (hinge * mask).sum() / mask.sum().clamp(min=1)
    return total


def losses(model, heads, batch):
    """Dict of losses and of accuracies (names with '%')."""
    t = {k: torch.from_numpy(v) for k, v in batch.items()}
    n = t["pixels"].shape[0]
    features = net.patches(model, t["pixels"])
    tokens = net.pool(model.model.multi_modal_projector(features))
    kinds = torch.cat([t["kind"], torch.full((n, 1), KINDS)], 1)  # background last

    who = dominant(t["patches"].float() / 255, 0.35, 0.12)
    kind = kinds.gather(1, who.clamp(min=0))
    colours = len(COLOUR_NAMES)
    cls = torch.where(who == MOST, len(CLASSES), kind // colours)
    col = torch.where(who == MOST, colours, kind % colours)
    out = heads.patch(features).float()
    a, b = out[..., :len(CLASSES) + 1], out[..., len(CLASSES) + 1:]
    weight = torch.where(who == -100, 0.0, torch.where(who == MOST, 0.3, 1.0))
    def ce(logits, target, weight):
        loss = F.cross_entropy(logits.flatten(0, 1), target.flatten(), reduction="none")
        return (loss * weight.flatten()).sum() / weight.sum().clamp(min=1)
    result = {"patch": 2 * ce(a, cls, weight) + 0.5 * ce(b, col, weight)}
    def mark(logits, who):
        target = t["mark"].gather(1, torch.where(who < 0, MOST, who))
        return ce(logits.float(), target, (target >= 0).float()), (logits.argmax(-1) == target)[target > 0].float().mean()
    result["mark"], _ = mark(heads.patch_mark(features), who)
    result["outline"] = 2 * F.binary_cross_entropy_with_logits(heads.outline(features).float(), t["outline"].float())

    who = dominant(t["cells"].float() / 255, 0.10, 0.03)
    kind = kinds.gather(1, who.clamp(min=0))
    x = heads.norm(tokens)
    weight = torch.where(who == -100, 0.0, torch.where(who == MOST, 0.3, 1.0))
    logits = heads.kind(x).float()
    result["kind"] = ce(logits, kind, weight)
    cls = torch.where(kind == KINDS, len(CLASSES), kind // colours)
    result["class"] = 2 * ce(heads.cls(x).float(), cls, weight)
    seen = (who >= 0) & (who < MOST)
    loss, result["mark%"] = mark(heads.mark(x), who)
    result["mark"] = result["mark"] + 2 * loss
    guess = logits.argmax(-1)
    result["kind%"] = (guess == kind)[seen].float().mean()
    result["class%"] = (guess // colours == kind // colours)[seen].float().mean()
    result["colour%"] = (guess % colours == kind % colours)[seen & (guess < KINDS)].float().mean()
    result["back%"] = (guess == KINDS)[who == MOST].float().mean()

    place = t["centre"]
    known = ~place[..., 0].isnan() & (t["cells"].sum(-1) > 25)
    cell = (place.nan_to_num() * net.GRID).long().clamp(0, net.GRID - 1)
    target = torch.zeros(n, net.TOKENS, KINDS)
    f, k = known.nonzero(as_tuple=True)
    target[f, (cell[..., 1] * net.GRID + cell[..., 0])[f, k], t["kind"][f, k]] = 1
    logits = heads.middle(x).float()
    loss = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    result["middle"] = (loss * (1 + 2 * target)).sum() / known.sum().clamp(min=1) * 0.15

    own = torch.cat([place, torch.full((n, 1, 2), float("nan"))], 1)
    own = own.gather(1, who.clamp(min=0)[..., None].expand(-1, -1, 2))
    use = (seen & ~own[..., 0].isnan()).float()
    bins = (own.nan_to_num() * BINS).long().clamp(0, BINS - 1)
    logits = heads.bins(x).float()
    result["place"] = 0.3 * (ce(logits[..., :BINS], bins[..., 0], use) + ce(logits[..., BINS:], bins[..., 1], use))
    result["place%"] = (logits[..., :BINS].argmax(-1) == bins[..., 0])[use > 0].float().mean()
    result["cosine"] = cosine_loss(tokens, who, place)
    return result


def main(rank=0):
    p = argparse.ArgumentParser()
    p.add_argument("media")
    p.add_argument("work")
    p.add_argument("--minutes", type=float, default=30, help="all runs together: the learning rate falls over them")
    p.add_argument("--batch", type=int, default=12, help="pairs of frames, for each of the two processes")
    p.add_argument("--rate", type=float, default=1.2e-3)
    args = p.parse_args()
    store = assets.build(args.media, f"{args.work}/assets.pkl")
    model = net.build({"<|endoftext|>": 0, "<|im_end|>": 0, "<image>": 0, "<video>": 0}, layers=1)
    heads = Heads().to(torch.bfloat16)
    parts = [model.model.vision_tower, model.model.multi_modal_projector, heads]
    optimiser = net.Optimiser([q for part in parts for q in part.named_parameters()], args.rate)
    path, clock = f"{args.work}/vit.pt", net.Clock(0.0)
    if os.path.exists(path):
        state = torch.load(path)
        for part, saved in zip(parts, state["parts"]):
            part.load_state_dict(saved, strict=False)
        optimiser.load_state_dict(state["optimiser"])
        clock = net.Clock(state["spent"])
    queue = mp.Queue(6)
    mp.Process(target=produce, args=(queue, store, 1000 + optimiser.count + 500000 * rank, args.batch), daemon=True).start()
    rng = np.random.default_rng(optimiser.count + 7 * rank)
    sums, seen, pool, done = {}, 0, [], 0.0
    while done < 1:
        if not pool or not queue.empty():  # each batch is used a few times, at times mirrored
            batch = queue.get()
            pool = (pool + [batch])[-64:]
        else:
            batch = flip(pool[rng.integers(len(pool))])
        result = losses(model, heads, batch)
        sum(v for k, v in result.items() if not k.endswith("%")).backward()
        spent = clock()
        done = optimiser.step(spent / (args.minutes * 60))
        for k, v in result.items():
            sums[k] = sums.get(k, 0) + float(v.detach().nan_to_num())
        seen += 1
        if optimiser.count % 100 == 0 and rank == 0:
            text = " ".join(f"{k} {v / seen:.3f}" for k, v in sums.items())
            print(f"{optimiser.count} {spent:.0f}s queue {queue.qsize()} {text}", flush=True)
            sums, seen = {}, 0
        if rank == 0 and (optimiser.count % 250 == 0 or done >= 1):
            torch.save({"parts": [q.state_dict() for q in parts], "optimiser": optimiser.state_dict(), "spent": spent},
                       path + ".new")
            os.replace(path + ".new", path)


if __name__ == "__main__":
    net.team(main)
