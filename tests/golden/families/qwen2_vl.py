"""Qwen2-VL checkpoints: qwen2_vl as save_pretrained writes today, qwen2_vl-odd as public checkpoints are.

SPDX-License-Identifier: LGPL-2.1-or-later

As qwen2_5_vl.py's, without windows: layer norms, a two-layer MLP, time positions that count frame pairs.
"""
from transformers import Qwen2VLConfig, Qwen2VLForConditionalGeneration, Qwen2VLProcessor

from families.qwen2_5_vl import ODD, PLAIN, ids_and_text, make_model


def config(odd):
    ids, text = ids_and_text(odd)
    vision = {"depth": 2, "embed_dim": 32, "hidden_size": text["hidden_size"], "mlp_ratio": 1, "num_heads": 2,
              "patch_size": 6}
    if odd: vision |= {"depth": 3, "embed_dim": 48, "num_heads": 3, "patch_size": 4, "mlp_ratio": 2, "hidden_act": "gelu"}
    return Qwen2VLConfig(vision_config=vision, text_config=text, **ids)


def make(folder):
    for name, shape, odd in (("qwen2_vl", PLAIN, False), ("qwen2_vl-odd", ODD, True)):
        make_model(folder, name, shape, config, Qwen2VLForConditionalGeneration, odd, processor_class=Qwen2VLProcessor)
