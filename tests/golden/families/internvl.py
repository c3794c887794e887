"""InternVL3 checkpoints: internvl as save_pretrained writes today, internvl-odd as public checkpoints are.

SPDX-License-Identifier: LGPL-2.1-or-later

The second one has RMS norms, norms over q and k, biases, a last norm, several shards and a dynamic rotary scale.
case-a is of the tower's size, case-b is resized.
"""
import torch
from transformers import (AutoTokenizer, GotOcr2ImageProcessor, InternVLConfig, InternVLForConditionalGeneration,
                          InternVLProcessor, InternVLVideoProcessor, Qwen2Config)

from families import llava
from reference import BASE

ADDED = {"start_image_token": "<img>", "end_image_token": "</img>", "context_image_token": "<IMG_CONTEXT>"}
IMAGE = 607
TEMPLATE = ("{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n'}}{% if message['content'] is string %}"
            "{{ message['content'] }}{% else %}{% for content in message['content'] %}{% if content['type'] == 'image' %}"
            "{{ '<IMG_CONTEXT>\n' }}{% elif content['type'] == 'video' %}{{ '<video>\n' }}{% elif content['type'] == 'text' %}"
            "{{ content['text'] }}{% endif %}{% endfor %}{% endif %}{{'<|im_end|>\n'}}{% endfor %}"
            "{% if add_generation_prompt %}{{'<|im_start|>assistant\n' }}{% endif %}")
NAMES = {"model.language_model.": "language_model.model.", "lm_head.": "language_model.lm_head.", "model.": ""}
PLAIN = {"size": 32, "patch": 8, "cases": {"case-a": (3, 32, 32), "case-b": (2, 97, 61)}}
ODD = {"size": 48, "patch": 6, "cases": {"case-a": (2, 48, 48), "case-b": (3, 51, 83)}}


def config(odd, shape):
    rope = {"rope_theta": 1e6, "rope_type": "dynamic", "factor": 2.0} if odd else {"rope_theta": 1e4, "rope_type": "default"}
    text = Qwen2Config(vocab_size=612, hidden_size=48 if odd else 64, intermediate_size=80, num_hidden_layers=3 if odd else 2,
                       num_attention_heads=3 if odd else 4, num_key_value_heads=1 if odd else 2, max_position_embeddings=2048,
                       rope_parameters=rope, bos_token_id=601, eos_token_id=602, tie_word_embeddings=False)
    vision = {"hidden_size": 36 if odd else 32, "intermediate_size": 40, "num_hidden_layers": 3, "num_attention_heads": 3 if odd else 2,
              "image_size": [shape["size"]] * 2, "patch_size": [shape["patch"]] * 2}
    if odd:
        vision |= {"norm_type": "rms_norm", "use_qk_norm": True, "attention_bias": True, "use_mean_pooling": False,
                   "layer_norm_eps": 1e-5}
    return InternVLConfig(text_config=text.to_dict(), vision_config=vision, image_token_id=IMAGE, tie_word_embeddings=False,
                          projector_hidden_act="gelu_pytorch_tanh" if odd else "gelu",
                          downsample_ratio=0.25 if odd else 0.5)


def processor(odd, shape):
    tokenizer = AutoTokenizer.from_pretrained(BASE, extra_special_tokens=ADDED | {"video_token": "<video>"})
    assert tokenizer.convert_tokens_to_ids(list(ADDED.values())) == [605, 606, IMAGE]
    sides = {"size": {"height": shape["size"], "width": shape["size"]}}
    return InternVLProcessor(image_processor=GotOcr2ImageProcessor(**sides), tokenizer=tokenizer, chat_template=TEMPLATE,
                             video_processor=InternVLVideoProcessor(**sides),
                             image_seq_length=(shape["size"] // shape["patch"] // (4 if odd else 2))**2)


def inputs_of_video(made, frames):
    chat = [{"role": "user", "content": [{"type": "video"}, {"type": "text", "text": llava.QUESTION}]}]
    prompt = made.apply_chat_template(chat, add_generation_prompt=True)
    return prompt, made(text=[prompt], videos=[torch.tensor(frames).permute(0, 3, 1, 2)], return_tensors="pt")


def stages(model, inputs):
    """As InternVLModel.get_image_features does it, step by step."""
    core, kept = model.model, {}
    hook = core.multi_modal_projector.register_forward_hook(lambda _, given, made: kept.update(made=made))
    vision = core.vision_tower(pixel_values=inputs["pixel_values"]).last_hidden_state[:, 1:]
    core.get_image_features(inputs["pixel_values"])
    hook.remove()
    return {"pixel_values": inputs["pixel_values"], "vision": vision, "projector": kept["made"], "tokens": kept["made"]}


def make(folder):
    for name, shape, odd in (("internvl", PLAIN, False), ("internvl-odd", ODD, True)):
        llava.make_model(folder, name, shape, InternVLForConditionalGeneration, config(odd, shape), processor(odd, shape), odd,
                         inputs_of_video, stages, end=(602, 601), public=lambda where: llava.as_public(where, NAMES), norms=("norm", "lambda"),
                         generation={"bos_token_id": 601, "eos_token_id": 602, "pad_token_id": 600})
