"""Qwen3-VL checkpoints: qwen3_vl as save_pretrained writes today, qwen3_vl-odd as public checkpoints are.

SPDX-License-Identifier: LGPL-2.1-or-later

As qwen2_5_vl.py's, with times as text, deepstack levels (deepstack.npy: [levels, steps, tokens, width]), interleaved M-RoPE and
norms of queries and keys. The limits on a frame's pixels are wide: they count those of the whole video.
"""
import json

import torch
from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration, Qwen3VLProcessor, Qwen3VLVideoProcessor

from families.qwen2_5_vl import ids_and_text, make_model

PLAIN = {"patch": 6, "merge": 2, "cases": {"case-a": (4, 60, 48, 2.0), "case-b": (5, 79, 53, 3.0)}}
ODD = {"patch": 4, "merge": 2, "cases": {"case-a": (2, 48, 40, 24.0), "case-b": (5, 61, 45, 1.0)}}


def config(odd):
    ids, text = ids_and_text(odd)
    text |= {"head_dim": 20 if odd else 16, "num_hidden_layers": 3, "intermediate_size": 56,
             "rope_parameters": {"rope_theta": 5e5, "rope_type": "default", "mrope_interleaved": True,
                                 "mrope_section": [4, 3, 3] if odd else [4, 2, 2]}}
    vision = {"depth": 3, "hidden_size": 32, "intermediate_size": 40, "num_heads": 2, "patch_size": 6,
              "num_position_embeddings": 25, "deepstack_visual_indexes": [0, 1], "out_hidden_size": text["hidden_size"]}
    if odd:
        vision |= {"depth": 2, "hidden_size": 24, "num_heads": 3, "patch_size": 4, "num_position_embeddings": 49,
                   "deepstack_visual_indexes": [1]}
    return Qwen3VLConfig(vision_config=vision, text_config=text, **ids)


def stages(model, inputs):
    tower, kept = model.model.visual, {}
    hook = tower.merger.register_forward_hook(lambda _, given, made: kept.update(vision=given[0], projector=made))
    out = tower(inputs["pixel_values_videos"], grid_thw=inputs["video_grid_thw"], return_dict=True)
    hook.remove()
    steps = int(inputs["video_grid_thw"][0, 0])
    tokens = out.pooler_output.view(steps, -1, out.pooler_output.shape[-1])
    levels = torch.stack(list(out.deepstack_features)).view(-1, *tokens.shape)
    return {"vision": kept["vision"], "projector": kept["projector"], "tokens": tokens, "deepstack": levels}


def as_public(folder):
    file = folder / "config.json"
    config = json.loads(file.read_text())
    text = config["text_config"]
    rope = text.pop("rope_parameters")
    text["rope_theta"] = rope.pop("rope_theta")
    text["rope_scaling"] = rope
    config["vision_config"]["model_type"] = "qwen3_vl"
    config["vision_config"].pop("rope_parameters", None)
    config["torch_dtype"] = config.pop("dtype")
    file.write_text(json.dumps(config, indent=2) + "\n")
    processor = json.loads((folder / "processor_config.json").read_text())
    (folder / "preprocessor_config.json").write_text(json.dumps(processor["image_processor"], indent=2) + "\n")
    (folder / "video_preprocessor_config.json").write_text(json.dumps(processor["video_processor"], indent=2) + "\n")
    (folder / "processor_config.json").unlink()
    template = (folder / "chat_template.jinja").read_text()
    (folder / "chat_template.json").write_text(json.dumps({"chat_template": template}, indent=2) + "\n")
    (folder / "chat_template.jinja").unlink()


def make(folder):
    for name, shape, odd in (("qwen3_vl", PLAIN, False), ("qwen3_vl-odd", ODD, True)):
        make_model(folder, name, shape, config, Qwen3VLForConditionalGeneration, odd, get_stages=stages, public=as_public,
                   processor_class=Qwen3VLProcessor, video=Qwen3VLVideoProcessor, limits=(1024, 1 << 20))
