"""Stages 2 and 3: the language model on tokens of the frozen vision tower.

A clip's prompt is a prefix (groups, times, tokens) that a dozen questions and more share: a block mask keeps them from
seeing each other, and each counts positions as if it came alone. Loss on the answers only. Part of the prompts hold
tokens compressed by SCC, at its own tau or to some share of the tokens, a few no tokens at all.

    python lm.py MEDIA WORKDIR --minutes 60      (run again to go on)
"""
import argparse
import multiprocessing as mp
import os

import cv2
import numpy as np
import torch
from torch.nn import functional as F

import assets
import clips
import model as net
import questions
import tokenizer as words
from prompts import Clip, Prompt, layout

LAYERS = 6
PLAIN = 28  # longest clip, in frames, whose tokens are learnt from uncompressed
ASKED = {"full": 16, "scc": 24, "budget": 20, "blind": 16}  # questions in one prompt
HARD = {"when": 4.0, "how many": 1.5, "first": 1.5, "motion": 1.5}  # kinds learnt last weigh more in the loss


def curriculum(done):
    """(most frames in a clip, shares of single frames and of long clips) after this share of the training."""
    return (int(np.interp(done, [0, 0.2, 0.4], [8, 12, 16])), float(np.interp(done, [0, 0.1, 0.3, 0.5], [0.9, 0.4, 0.2, 0.1])),
            float(np.interp(done, [0.2, 0.5], [0, 0.3])))


def produce(queue, store, seed, progress):
    net.follow_parent()
    cv2.setNumThreads(1)
    os.nice(2)
    rng = np.random.default_rng(seed)
    while True:
        most, single, long = curriculum(progress.value)
        clip = clips.sample(rng, store, most, single=rng.random() < single, long=rng.random() < long)
        asked = [q for _ in range(3) for q in questions.pick(rng, clip, 20, train=True)]
        if asked:
            queue.put((clip["pixels"], clip["groups"], clip["stamps"], asked))


def forward(model, samples):
    """Packed samples -> (logits at the answers, targets, [(sample, block)] of each target)."""
    b, length = len(samples), -(-max(len(s[0]) for s in samples) // 64) * 64  # few shapes: each costs oneDNN set-up and memory
    ids = torch.zeros(b, length, dtype=torch.long)
    positions = torch.zeros(b, length, dtype=torch.long)
    blocks = torch.full((b, length), -1)
    targets = torch.full((b, length), -100)
    for i, (x, p, k, t, _, _) in enumerate(samples):
        n = len(x)
        ids[i, :n], positions[i, :n], blocks[i, :n], targets[i, :n] = map(torch.tensor, (x, p, k, t))
    lm = model.model.language_model
    embeds = lm.embed_tokens(ids.clamp(min=0))
    visual = [s[4] for s in samples if s[4] is not None]
    if visual:
        embeds = embeds.index_put((ids == -1).nonzero(as_tuple=True), torch.cat(visual))
        embeds = torch.where((ids == -2)[..., None], model.model.image_newline, embeds)
    allowed = (blocks[:, None, :] == 0) | (blocks[:, None, :] == blocks[:, :, None])
    allowed &= torch.ones(length, length, dtype=torch.bool).tril()
    allowed |= torch.eye(length, dtype=torch.bool)
    mask = torch.zeros(b, 1, length, length, dtype=embeds.dtype).masked_fill_(~allowed[:, None], -1e30)
    hidden = lm(inputs_embeds=embeds, attention_mask={"full_attention": mask}, position_ids=positions,
                use_cache=False).last_hidden_state
    where = (targets >= 0).nonzero(as_tuple=True)
    return model.lm_head(hidden[where]).float(), targets[where], (where[0], blocks[where])


def right(logits, targets, owner):
    """{(sample, block): whether every token of the answer is the likeliest} = whether greedy decoding gives it."""
    out = {}
    for i, k, ok in zip(*[v.tolist() for v in (*owner, logits.argmax(-1) == targets)]):
        out[i, k] = out.get((i, k), True) and ok
    return out


def evaluate(model, prompt, held, mode, most=8):
    """{kind: (accuracy, questions)} over held-out clips, at most `most` questions of each."""
    hits = {}
    with torch.no_grad():
        for start in range(0, len(held), 4):
            samples = [layout(prompt, c, mode, c.asked[:most]) for c in held[start:start + 4]]
            for (i, k), ok in right(*forward(model, samples)).items():
                hits.setdefault(samples[i][5][k - 1], []).append(ok)
    return {k: (float(np.mean(v)), len(v)) for k, v in sorted(hits.items())}


def start_model(work, layers=LAYERS):
    """The network with the trained vision stage, its tokens scaled to suit the LM's embeddings."""
    prompt = Prompt(f"{work}/tokenizer.json")
    model = net.build({t: prompt.tokenizer.token_to_id(t) for t in words.SPECIAL}, layers)
    model.model.language_model.set_attn_implementation("eager")
    torch.nn.init.normal_(model.model.language_model.embed_tokens.weight, std=0.06)
    torch.nn.init.normal_(model.model.image_newline, std=0.06)
    if os.path.exists(f"{work}/vit.pt"):
        parts = torch.load(f"{work}/vit.pt")["parts"]
        model.model.vision_tower.load_state_dict(parts[0])
        model.model.multi_modal_projector.load_state_dict(parts[1])
        last = model.model.multi_modal_projector.linear_2
        with torch.no_grad():
            rms = net.visual_tokens(model, torch.randint(0, 255, (4, 168, 168, 3), dtype=torch.uint8)).float().pow(2).mean() ** 0.5
            last.weight.mul_(0.25 / rms)
            last.bias.mul_(0.25 / rms)
    model.model.vision_tower.requires_grad_(False)
    model.model.multi_modal_projector.requires_grad_(False)
    return model, prompt


def main(rank=0):
    p = argparse.ArgumentParser()
    p.add_argument("media")
    p.add_argument("work")
    p.add_argument("--minutes", type=float, default=60, help="training time, all runs together: the learning rate falls over it")
    p.add_argument("--share", type=float, default=0.6, help="of prompts with compressed tokens; 0: they are never seen")
    p.add_argument("--budget", type=int, default=5000, help="tokens in a step, for each of the two processes")
    p.add_argument("--rate", type=float, default=1.0e-3)
    args = p.parse_args()
    store = assets.build(args.media, f"{args.work}/assets.pkl")
    if rank == 0 and not os.path.exists(f"{args.work}/tokenizer.json"):
        words.train(store, f"{args.work}/tokenizer.json")
    torch.distributed.barrier()
    model, prompt = start_model(args.work)
    optimiser = net.Optimiser(model.named_parameters(), args.rate)
    path, clock = f"{args.work}/lm.pt", net.Clock(0.0)
    if os.path.exists(path):
        state = torch.load(path)
        model.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        clock = net.Clock(state["spent"])
    progress = mp.Value("d", clock.spent / (args.minutes * 60))
    queue = mp.Queue(16)
    mp.Process(target=produce, args=(queue, store, 50000 + optimiser.count + 400000 * rank, progress), daemon=True).start()
    rng = np.random.default_rng(optimiser.count + 7 * rank)
    held_rng = np.random.default_rng(10 ** 6)
    held = []
    while len(held) < 30 and rank == 0:
        clip = clips.sample(held_rng, store, 16, single=len(held) % 6 == 0)
        asked = questions.pick(held_rng, clip, 8)
        if asked:
            held.append(Clip(model, held_rng, clip["pixels"], clip["groups"], clip["stamps"], asked))
    pool, seen, sums, hits, drawn, done = [], 0, 0.0, {}, 0, progress.value
    told = clock()
    while done < 1:
        while len(pool) < 64 or (not queue.empty() and drawn < 64 + 4 * seen):
            pool.append(Clip(model, rng, *queue.get()))
            drawn += 1
        pool = pool[-2500:]
        candidates = []
        for i in rng.choice(len(pool), min(len(pool), 64), replace=False):
            frames = len(pool[i].tokens)
            small = args.share and frames > PLAIN or rng.random() < args.share
            mode = "blind" if rng.random() < 0.02 else "full" if not small else "scc" if rng.random() < 0.55 else "budget"
            asked = [pool[i].asked[j] for j in rng.permutation(len(pool[i].asked))[:ASKED[mode]]]
            candidates.append(layout(prompt, pool[i], mode, asked))
        candidates.sort(key=lambda s: len(s[0]))
        first = rng.integers(len(candidates))
        batch = [candidates[first]]
        for s in candidates[first + 1:] + candidates[:first][::-1]:
            if (len(batch) + 1) * max(len(s[0]), len(batch[0][0])) > args.budget:
                break
            batch.append(s)
        logits, targets, owner = forward(model, batch)
        length = torch.zeros(len(batch), 1 + max(ASKED.values())).index_put(owner, torch.ones(len(targets)), accumulate=True)
        hard = torch.tensor([HARD.get(batch[i][5][k - 1], 1.0) for i, k in zip(*(o.tolist() for o in owner))])
        weight = hard * length[owner] ** -0.5
        loss = (F.cross_entropy(logits, targets, reduction="none") * weight).sum() / weight.sum()
        loss.backward()
        spent = clock()
        done = progress.value = optimiser.step(spent / (args.minutes * 60))
        seen += 1
        sums += float(loss.detach())
        for (i, k), ok in right(logits.detach(), targets, owner).items():
            hits.setdefault(batch[i][5][k - 1], []).append(ok)
        if seen % 50 == 0 and rank == 0:
            text = " ".join(f"{k} {np.mean(v):.2f}" for k, v in sorted(hits.items()))
            print(f"{optimiser.count} {spent:.0f}s drawn {drawn} pool {len(pool)} loss {sums / 50:.3f} {text}", flush=True)
            sums, hits = 0.0, {}
        if spent - told > 300 and rank == 0:
            told = spent
            for mode in ("full", "scc", "budget") if args.share else ("full",):
                scores = evaluate(model, prompt, held, mode)
                mean = np.mean([v for v, _ in scores.values()])
                print(f"   held-out {mode} {mean:.3f} " + " ".join(f"{k} {v:.2f}" for k, (v, _) in scores.items()), flush=True)
            save(path, model, optimiser, spent)
    if rank == 0:
        save(path, model, optimiser, clock())


def save(path, model, optimiser, spent):
    torch.save({"model": model.state_dict(), "optimiser": optimiser.state_dict(), "spent": spent}, path + ".new")
    os.replace(path + ".new", path)


if __name__ == "__main__":
    net.team(main)
