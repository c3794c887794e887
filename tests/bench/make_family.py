#!/usr/bin/env python3
"""Writes a random checkpoint of a family at a public size's shapes in bfloat16, for benchmarks.

SPDX-License-Identifier: LGPL-2.1-or-later

  tests/bench/make_family.py NAME FOLDER    needs torch and transformers 5; prints the side of a frame and how many make a batch

Every width, number of heads, vocabulary, patch and frame is the public checkpoint's. Layers are as many as `layers` says (of the
tower, of the language model), and fewer than the public `whole` where a round would take minutes. Everything else is as in the
family's test checkpoint (tests/golden), its tokenizer too: ids above have no text.
"""
import json
import pathlib
import shutil
import sys

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden"
CLIP = {"hidden_size": 1024, "intermediate_size": 4096, "num_attention_heads": 16, "image_size": 336, "patch_size": 14,
        "projection_dim": 768}
VICUNA = {"hidden_size": 4096, "intermediate_size": 11008, "num_attention_heads": 32, "num_key_value_heads": 32, "head_dim": 128,
          "vocab_size": 32064, "rms_norm_eps": 1e-5, "rope_parameters": {"rope_theta": 1e4, "rope_type": "default"}}
CROP = {"size": {"shortest_edge": 336}, "crop_size": {"height": 336, "width": 336}}


def axes(*section, theta=1e6, **more):
    return {"rope_parameters": {"mrope_section": section, "rope_theta": theta, "rope_type": "default", **more}}


def dynamic(patch):  # frames of 448 x 448 stay as they are
    return {"patch_size": patch, "size": {"shortest_edge": 4096, "longest_edge": 1 << 22}}


# frame: its side in pixels; batch: frames at a time (Qwen: a pair is one step)
FAMILIES = {
    "qwen2_vl": {  # Qwen2-VL-2B
        "layers": (8, 8), "whole": (32, 28), "frame": 448, "batch": 2, "processor": dynamic(14),
        "vision": {"embed_dim": 1280, "hidden_size": 1536, "mlp_ratio": 4, "num_heads": 16, "patch_size": 14},
        "text": {"hidden_size": 1536, "intermediate_size": 8960, "num_attention_heads": 12, "num_key_value_heads": 2,
                 "vocab_size": 151936, **axes(16, 24, 24)}},
    "qwen2_5_vl": {  # Qwen2.5-VL-3B; one layer in eight sees the whole frame, as in the public one
        "layers": (8, 8), "whole": (32, 36), "frame": 448, "batch": 2, "processor": dynamic(14),
        "vision": {"hidden_size": 1280, "intermediate_size": 3420, "num_heads": 16, "out_hidden_size": 2048, "patch_size": 14,
                   "window_size": 112, "fullatt_block_indexes": [7]},
        "text": {"hidden_size": 2048, "intermediate_size": 11008, "num_attention_heads": 16, "num_key_value_heads": 2,
                 "vocab_size": 151936, **axes(16, 24, 24)}},
    "qwen3_vl": {  # Qwen3-VL-2B; a deepstack level every eight layers
        "layers": (8, 8), "whole": (24, 28), "frame": 448, "batch": 2, "processor": dynamic(16),
        "vision": {"hidden_size": 1024, "intermediate_size": 4096, "num_heads": 16, "out_hidden_size": 2048, "patch_size": 16,
                   "num_position_embeddings": 2304, "deepstack_visual_indexes": [5]},
        "text": {"hidden_size": 2048, "intermediate_size": 6144, "num_attention_heads": 16, "num_key_value_heads": 8,
                 "head_dim": 128, "vocab_size": 151936, **axes(24, 20, 20, theta=5e6, mrope_interleaved=True)}},
    "llava": {  # LLaVA-1.5-7B
        "layers": (24, 4), "whole": (24, 32), "frame": 336, "batch": 2, "processor": CROP, "vision": CLIP, "text": VICUNA},
    "llava_next_video": {  # LLaVA-NeXT-Video-7B
        "layers": (24, 4), "whole": (24, 32), "frame": 336, "batch": 2, "processor": CROP, "vision": CLIP, "text": VICUNA},
    "smolvlm": {  # SmolVLM2-500M
        "layers": (12, 32), "whole": (12, 32), "frame": 512, "batch": 2, "top": {"scale_factor": 4},
        "processor": {"max_image_size": {"longest_edge": 512}, "size": {"longest_edge": 2048}},
        "vision": {"hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12, "image_size": 512, "patch_size": 16},
        "text": {"hidden_size": 960, "intermediate_size": 2560, "num_attention_heads": 15, "num_key_value_heads": 5,
                 "head_dim": 64, "vocab_size": 49280}},
    "internvl": {  # InternVL3-1B
        "layers": (24, 24), "whole": (24, 24), "frame": 448, "batch": 2,
        "processor": {"size": {"height": 448, "width": 448}},
        "vision": {"hidden_size": 1024, "intermediate_size": 4096, "num_attention_heads": 16, "attention_bias": True,
                   "image_size": [448, 448], "patch_size": [14, 14]},
        "text": {"hidden_size": 896, "intermediate_size": 4864, "num_attention_heads": 14, "num_key_value_heads": 2,
                 "vocab_size": 151674}},
}


def write_settings(name, folder):
    family, base = FAMILIES[name], GOLDEN / name / "checkpoint"
    folder.mkdir(parents=True, exist_ok=True)
    for file in base.iterdir():
        if file.suffix != ".safetensors": shutil.copy(file, folder / file.name)
    config = json.loads((base / "config.json").read_text())
    tower, language = family["layers"]
    vision, text = config["vision_config"], config["text_config"]
    vision |= family["vision"] | {"depth" if "depth" in vision else "num_hidden_layers": tower}
    text |= family["text"] | {"num_hidden_layers": language, "max_position_embeddings": 4096}
    if "layer_types" in text: text["layer_types"] = ["full_attention"] * language
    for part in (config, text, vision): part["dtype"] = "bfloat16"
    (folder / "config.json").write_text(json.dumps(config | family.get("top", {}), indent=2))
    processor = json.loads((base / "processor_config.json").read_text())
    for part in ("image_processor", "video_processor"):
        if part in processor: processor[part] |= family["processor"]
    (folder / "processor_config.json").write_text(json.dumps(processor, indent=2))


def write_weights(folder):
    """Rows of a matrix are taken from one long row of random numbers: making a billion of them would take a minute."""
    import torch
    from transformers import AutoConfig, AutoModelForImageTextToText
    config = AutoConfig.from_pretrained(folder)
    with torch.device("meta"):
        model = AutoModelForImageTextToText.from_config(config, dtype=torch.bfloat16)
    model.to_empty(device="cpu")
    noise = torch.randn(1 << 22, generator=torch.Generator().manual_seed(0)).to(torch.bfloat16)
    with torch.no_grad():
        for i, (name, weight) in enumerate(model.named_parameters()):
            flat = weight.view(-1)
            for at in range(0, flat.numel(), noise.numel() - 7 * i):
                part = flat[at:at + noise.numel() - 7 * i]
                part.copy_(noise[7 * i:7 * i + part.numel()])
            if weight.dim() > 1: weight.mul_(0.02 if "embed_tokens" in name else weight[0].numel() ** -0.5)
            elif "norm" in name and name.endswith("weight"): weight.mul_(0.02).add_(1)
            else: weight.mul_(0.02)
    model.tie_weights()
    model.save_pretrained(folder, max_shard_size="50GB")


def main():
    name, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    write_settings(name, folder)
    settings = (folder / "config.json").read_text()
    write_weights(folder)
    (folder / "config.json").write_text(settings)
    print(FAMILIES[name]["frame"], FAMILIES[name]["batch"])


if __name__ == "__main__":
    main()
