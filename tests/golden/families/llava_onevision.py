#!/usr/bin/env python3
"""Writes a tiny random LLaVA-OneVision checkpoint and what Hugging Face transformers computes from it.

SPDX-License-Identifier: LGPL-2.1-or-later

  tests/golden/make.py [FOLDER]     default: llava-onevision-odd beside this script; needs torch and transformers 5

The checkpoint is everything the one in llava-onevision is not: picture no multiple of the patch, other activations,
norms and rotary base, an earlier vision layer, a projector without biases, an untied head, 2 key/value heads for 10,
several shards, a generation_config.json with several end tokens, a repetition penalty and settings that only sampling
uses. Tokenizer and chat template are llava-onevision's. README.md says what the files of case-* hold.
"""
import json
import pathlib
import sys

import numpy as np
import torch
from transformers import (AutoProcessor, LlavaOnevisionConfig, LlavaOnevisionForConditionalGeneration, Qwen2Config,
                          SiglipVisionConfig)

HERE = pathlib.Path(__file__).resolve().parent
BASE = HERE / "llava-onevision" / "checkpoint"
IMAGE, FRAMES, WIDTH, HEIGHT, NEW = 77, 3, 131, 58, 32
QUESTION = "What is left of the red box, and since when? \u00dcber 3\u00bd s?"


def make_config():
    vision = SiglipVisionConfig(hidden_size=48, intermediate_size=80, num_hidden_layers=4, num_attention_heads=3,
                                image_size=IMAGE, patch_size=10, layer_norm_eps=1e-5, hidden_act="gelu",
                                vision_use_head=False)
    text = Qwen2Config(vocab_size=608, hidden_size=80, intermediate_size=112, num_hidden_layers=4,
                       num_attention_heads=10, num_key_value_heads=2, max_position_embeddings=2048, rms_norm_eps=1e-5,
                       rope_parameters={"rope_theta": 10000.0, "rope_type": "default"}, tie_word_embeddings=False,
                       bos_token_id=600, eos_token_id=602)
    return LlavaOnevisionConfig(vision_config=vision, text_config=text, image_token_index=603, video_token_index=604,
                                projector_hidden_act="gelu_pytorch_tanh", multimodal_projector_bias=False,
                                vision_feature_layer=-2, vision_feature_select_strategy="full",
                                image_grid_pinpoints=[[IMAGE, IMAGE]], tie_word_embeddings=False)


def randomize(model, seed):
    """Products keep the scale of their input, so that tokens and logits depend on the frames."""
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            noise = torch.randn(weight.shape, generator=random)
            if "norm" in name:
                weight.copy_(0.3 * noise + (0 if name.endswith("bias") else 1))
            elif weight.dim() == 1:
                weight.copy_(0.3 * noise)
            else:
                fan_in = weight[0].numel()
                weight.copy_(noise * (1.0 if "embed" in name and "patch" not in name else 1.3 / fan_in**0.5))


def save_processor(folder):
    processor = AutoProcessor.from_pretrained(BASE)
    video = processor.video_processor
    video.size = {"height": IMAGE, "width": IMAGE}
    video.resample = 2
    video.image_mean, video.image_std = [0.48, 0.46, 0.41], [0.27, 0.26, 0.28]
    processor.image_processor.size = video.size
    processor.num_image_tokens = (IMAGE // 10) ** 2
    processor.save_pretrained(folder)
    (folder / "generation_config.json").write_text(json.dumps(
        {"bos_token_id": 600, "do_sample": False, "eos_token_id": [602, 600], "pad_token_id": 600,
         "repetition_penalty": 1.15, "temperature": 0.7, "top_k": 20, "top_p": 0.8}, indent=2) + "\n")


def make_frames(seed):
    """Soft colours that drift, with a sharp box that moves: [FRAMES, HEIGHT, WIDTH, 3]."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    frames = np.empty((FRAMES, HEIGHT, WIDTH, 3))
    for f in range(FRAMES):
        for c in range(3):
            frames[f, :, :, c] = 128 + 90 * np.sin(x / (9.0 + 5 * c) + f) * np.cos(y / (6.0 + 3 * c) - f)
        frames[f, 10:30, 20 + 25 * f:50 + 25 * f] = (230, 30, 20)
    return (frames + random.normal(0, 6, frames.shape)).clip(0, 255).astype(np.uint8)


def stages(model, pixels):
    """As LlavaOnevisionModel.get_video_features does it, step by step."""
    core, config = model.model, model.config
    flat = pixels.flatten(0, 1)
    vision = core.vision_tower(flat, output_hidden_states=True).hidden_states[config.vision_feature_layer]
    projector = core.multi_modal_projector(vision)
    return vision, projector, core.apply_pooling(projector)


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "llava-onevision-odd"
    checkpoint, case = folder / "checkpoint", folder / "case-a"
    case.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    for seed in range(100):  # until no step of the answer is near a tie and the answer is not one id over and over
        model = LlavaOnevisionForConditionalGeneration._from_config(make_config(), attn_implementation="eager")
        randomize(model, seed)
        model.save_pretrained(checkpoint, max_shard_size="400KB")
        save_processor(checkpoint)
        model = LlavaOnevisionForConditionalGeneration.from_pretrained(checkpoint, attn_implementation="eager").eval()
        processor = AutoProcessor.from_pretrained(checkpoint)
        frames = make_frames(seed)
        chat = [{"role": "user", "content": [{"type": "video"}, {"type": "text", "text": QUESTION}]}]
        prompt = processor.apply_chat_template(chat, add_generation_prompt=True)
        inputs = processor(text=[prompt], videos=[list(frames)], return_tensors="pt")
        with torch.no_grad():
            vision, projector, tokens = stages(model, inputs["pixel_values_videos"])
            logits = model(**inputs).logits[0, -1]
            out = model.generate(**inputs, max_new_tokens=NEW, return_dict_in_generate=True, output_scores=True)
        ids = out.sequences[0, inputs["input_ids"].shape[1]:].tolist()
        top = torch.stack(out.scores)[:, 0].topk(2).values
        gaps = (top[:, 0] - top[:, 1]).tolist()
        if min(gaps) > 0.02 and len(set(ids)) > 12 and len(ids) == NEW and not {600, 602} & set(ids): break
    else:
        raise SystemExit("no seed gave an answer far from ties")

    arrays = {"pixel_values": inputs["pixel_values_videos"][0], "vision": vision, "projector": projector,
              "tokens": tokens, "newline": model.model.image_newline.detach(), "logits": logits,
              "input_ids": inputs["input_ids"][0].to(torch.int32), "generated": torch.tensor(ids, dtype=torch.int32)}
    for name, array in arrays.items():
        np.save(case / f"{name}.npy", array.numpy())
    (case / "frames.rgb").write_bytes(frames.tobytes())
    (case / "case.json").write_text(json.dumps({
        "family": "llava-onevision", "seed": seed, "width": WIDTH, "height": HEIGHT, "count": FRAMES,
        "question": QUESTION, "prompt": prompt, "generated": ids,
        "text": processor.decode(ids, skip_special_tokens=True), "min_gap": min(gaps), "gaps": gaps}, indent=1) + "\n")
    print(f"{folder}: seed {seed}, smallest gap {min(gaps):.3f}, ids {ids}")


if __name__ == "__main__":
    main()
