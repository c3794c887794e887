#!/usr/bin/env python3
"""Writes a random checkpoint of LLaVA-OneVision-0.5B's true shapes in bfloat16 (1.8 GB), for benchmarks.

SPDX-License-Identifier: LGPL-2.1-or-later

  tests/bench/make_checkpoint.py [FOLDER]    default: $XDG_CACHE_HOME/gst-vtok/llava-onevision-0.5b-random

Shapes are those of the public llava-onevision-qwen2-0.5b: SigLIP so400m (384 px, patch 14, 26 layers)
and Qwen2-0.5B. The tokenizer is the test checkpoint's with its 605 tokens: ids above have no text. A folder that is
complete already is left alone.
"""
import json
import math
import os
import pathlib
import random
import shutil
import struct
import sys

BASE = pathlib.Path(__file__).resolve().parents[1] / "golden" / "llava-onevision" / "checkpoint"
PERIOD = 65537
VISION = {"hidden_size": 1152, "intermediate_size": 4304, "num_hidden_layers": 26, "num_attention_heads": 16,
          "image_size": 384, "patch_size": 14}
TEXT = {"hidden_size": 896, "intermediate_size": 4864, "num_hidden_layers": 24, "num_attention_heads": 14,
        "num_key_value_heads": 2, "vocab_size": 152000, "max_position_embeddings": 32768}


def shapes():
    """Every tensor's name and shape."""
    d, inner, patch = VISION["hidden_size"], VISION["intermediate_size"], VISION["patch_size"]
    patches = (VISION["image_size"] // patch) ** 2
    yield "vision_tower.embeddings.patch_embedding.weight", (d, 3, patch, patch)
    yield "vision_tower.embeddings.patch_embedding.bias", (d,)
    yield "vision_tower.embeddings.position_embedding.weight", (patches, d)
    for i in range(VISION["num_hidden_layers"]):
        layer = f"vision_tower.encoder.layers.{i}."
        products = {f"self_attn.{n}": (d, d) for n in ("q_proj", "k_proj", "v_proj", "out_proj")}
        products |= {"mlp.fc1": (inner, d), "mlp.fc2": (d, inner)}
        for name, shape in products.items():
            yield layer + name + ".weight", shape
            yield layer + name + ".bias", shape[:1]
        for name in ("layer_norm1.weight", "layer_norm1.bias", "layer_norm2.weight", "layer_norm2.bias"):
            yield layer + name, (d,)
    for name in ("weight", "bias"):
        yield f"vision_tower.post_layernorm.{name}", (d,)
    h, inner, vocabulary = TEXT["hidden_size"], TEXT["intermediate_size"], TEXT["vocab_size"]
    kv = h // TEXT["num_attention_heads"] * TEXT["num_key_value_heads"]
    for name, columns in (("linear_1", d), ("linear_2", h)):
        yield f"multi_modal_projector.{name}.weight", (h, columns)
        yield f"multi_modal_projector.{name}.bias", (h,)
    yield "image_newline", (h,)
    yield "language_model.model.embed_tokens.weight", (vocabulary, h)
    for i in range(TEXT["num_hidden_layers"]):
        layer = f"language_model.model.layers.{i}."
        for name, rows in (("q_proj", h), ("k_proj", kv), ("v_proj", kv)):
            yield f"{layer}self_attn.{name}.weight", (rows, h)
            yield f"{layer}self_attn.{name}.bias", (rows,)
        yield f"{layer}self_attn.o_proj.weight", (h, h)
        yield f"{layer}mlp.gate_proj.weight", (inner, h)
        yield f"{layer}mlp.up_proj.weight", (inner, h)
        yield f"{layer}mlp.down_proj.weight", (h, inner)
        yield f"{layer}input_layernorm.weight", (h,)
        yield f"{layer}post_attention_layernorm.weight", (h,)
    yield "language_model.model.norm.weight", (h,)


def block(std, mean, random):
    """PERIOD bfloat16 numbers; rows of a tensor take them in turn, and PERIOD is prime, so rows differ."""
    out = bytearray()
    for _ in range(PERIOD):
        out += struct.pack("<f", random.gauss(mean, std))[2:]
    return bytes(out)


def contents(name, shape, blocks):
    """Norms near 1, everything else of a size that keeps activations in range."""
    fan_in = math.prod(shape[1:])
    if "norm" in name and name.endswith("weight"): kind = (0.02, 1.0)
    elif len(shape) == 1 or "embed_tokens" in name: kind = (0.02, 0.0)
    else: kind = (fan_in**-0.5, 0.0)
    if kind not in blocks: blocks[kind] = block(*kind, random.Random(len(blocks)))
    size = 2 * math.prod(shape)
    start = 2 * random.Random(name).randrange(PERIOD)
    return (blocks[kind] * ((start + size) // (2 * PERIOD) + 1))[start:start + size]


def write_settings(folder):
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "generation_config.json"):
        shutil.copy(BASE / name, folder / name)
    config = json.loads((BASE / "config.json").read_text())
    config["dtype"] = config["text_config"]["dtype"] = config["vision_config"]["dtype"] = "bfloat16"
    config["vision_config"] |= VISION
    config["text_config"] |= TEXT | {"layer_types": ["full_attention"] * TEXT["num_hidden_layers"]}
    config["image_grid_pinpoints"] = [[384, 384]]
    (folder / "config.json").write_text(json.dumps(config, indent=2))
    processor = json.loads((BASE / "processor_config.json").read_text())
    for part in ("image_processor", "video_processor"):
        processor[part]["size"] = {"height": 384, "width": 384}
    processor["image_processor"]["image_grid_pinpoints"] = [[384, 384]]
    processor["num_image_tokens"] = 729
    (folder / "processor_config.json").write_text(json.dumps(processor, indent=2))


def main():
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache"))
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else cache / "gst-vtok" / "llava-onevision-0.5b-random"
    print(folder)
    if (folder / "model.safetensors").exists(): return
    folder.mkdir(parents=True, exist_ok=True)
    write_settings(folder)
    header, at = {}, 0
    for name, shape in shapes():
        size = 2 * math.prod(shape)
        header[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    blocks = {}
    with open(folder / "model.safetensors.part", "wb") as out:
        out.write(len(text).to_bytes(8, "little") + text)
        for i, (name, shape) in enumerate(shapes()):
            out.write(contents(name, shape, blocks))
            if i % 100 == 0: print(f"  {100 * header[name]['data_offsets'][0] // at} %", file=sys.stderr)
    os.rename(folder / "model.safetensors.part", folder / "model.safetensors")


if __name__ == "__main__":
    main()
