"""What the reference data of all families have in common: pictures, random weights, a seed without ties, files.

SPDX-License-Identifier: LGPL-2.1-or-later
"""
import copy
import json
import pathlib

import numpy as np
import torch

HERE = pathlib.Path(__file__).resolve().parent
BASE = HERE / "llava-onevision" / "checkpoint"  # whose tokenizer the others build on
NEW = 32  # ids of an answer


def make_frames(seed, count, width, height):
    """Soft colours that drift, with a sharp box that moves: [count, height, width, 3]."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    frames = np.empty((count, height, width, 3))
    for f in range(count):
        for c in range(3):
            frames[f, :, :, c] = 128 + 90 * np.sin(x / (9.0 + 5 * c) + f) * np.cos(y / (6.0 + 3 * c) - f)
        frames[f, 10:30, 20 + 25 * f:50 + 25 * f] = (230, 30, 20)
    return (frames + random.normal(0, 6, frames.shape)).clip(0, 255).astype(np.uint8)


def randomize(model, seed, norms=("norm",), embedding=1.0, gain=1.3):
    """Products keep the scale of their input, so that tokens and logits depend on the frames. `gain`: the language model's."""
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            noise = torch.randn(weight.shape, generator=random)
            if any(norm in name for norm in norms):
                weight.copy_(0.3 * noise + (0 if name.endswith("bias") else 1))
            elif weight.dim() == 1:
                weight.copy_(0.3 * noise)
            else:
                fan_in = weight[0].numel()
                scale = (1.3 if "vis" in name else gain) / fan_in**0.5
                weight.copy_(noise * (embedding if "embed" in name and "patch" not in name else scale))


def answer(model, inputs):
    """The greedy answer's ids, and at each step how far the best logit lies before the second."""
    out = model.generate(**inputs, max_new_tokens=NEW, do_sample=False, return_dict_in_generate=True, output_scores=True)
    top = torch.stack(out.scores)[:, 0].topk(2).values
    return out.sequences[0, inputs["input_ids"].shape[1]:].tolist(), (top[:, 0] - top[:, 1]).tolist()


def sure(ids, gaps, end):
    """No step is near a tie, the answer does not end, and is not one id over and over."""
    return min(gaps) > 0.02 and len(set(ids)) > 12 and len(ids) == NEW and not set(end) & set(ids)


def steady(model, inputs, ids):
    """In bfloat16 the reference itself would choose all but one of the ids: random weights need not be so well-conditioned."""
    forced = {"input_ids": torch.cat([inputs["input_ids"], torch.tensor([ids])], 1)}
    for key in ("attention_mask", "mm_token_type_ids"):
        if key in inputs:
            more = inputs[key].new_full((1, len(ids)), 1 if key == "attention_mask" else 0)
            forced[key] = torch.cat([inputs[key], more], 1)
    narrow = copy.deepcopy(model).to(torch.bfloat16)
    with torch.no_grad():
        logits = narrow(**{**inputs, **forced}).logits[0, -len(ids) - 1:-1]
    return (logits.argmax(-1) == torch.tensor(ids)).sum() >= len(ids) - 1


def write(case, frames, arrays, facts):
    case.mkdir(parents=True, exist_ok=True)
    for name, array in arrays.items():
        np.save(case / f"{name}.npy", np.asarray(array))
    (case / "frames.rgb").write_bytes(frames.tobytes())
    count, height, width, _ = frames.shape
    facts = {"width": width, "height": height, "count": count, **facts}
    (case / "case.json").write_text(json.dumps(facts, indent=1) + "\n")
