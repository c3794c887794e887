"""SmolVLM2 checkpoints: smolvlm as save_pretrained writes today, smolvlm-odd as public checkpoints are.

SPDX-License-Identifier: LGPL-2.1-or-later

Needs num2words. The second one has sides of which two patches get one position, a shuffle of 3 patches, several shards.
case-a is of the tower's size, case-b is resized twice.
"""
import torch
from transformers import (AutoTokenizer, LlamaConfig, SmolVLMConfig, SmolVLMForConditionalGeneration, SmolVLMImageProcessor,
                          SmolVLMProcessor, SmolVLMVideoProcessor)

from families import llava
from reference import BASE

ADDED = ["<image>", "<fake_token_around_image>", "<global-img>", "<end_of_utterance>"]
IMAGE = 603
TEMPLATE = ("<|im_start|>{% for message in messages %}{{message['role'] | capitalize}}"
            "{% if message['content'][0]['type'] == 'image' %}{{':'}}{% else %}{{': '}}{% endif %}"
            "{% for line in message['content'] %}{% if line['type'] == 'text' %}{{line['text']}}"
            "{% elif line['type'] == 'image' %}{{ '<image>' }}{% endif %}{% endfor %}<end_of_utterance>\n{% endfor %}"
            "{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}")
PLAIN = {"size": 32, "patch": 4, "shuffle": 2, "cases": {"case-a": (3, 32, 32), "case-b": (2, 97, 61)}}
ODD = {"size": 54, "patch": 2, "shuffle": 9, "cases": {"case-a": (2, 54, 54), "case-b": (3, 51, 83)}}
NAMES = {}


def config(odd, shape):
    text = LlamaConfig(vocab_size=612, hidden_size=40 if odd else 64, intermediate_size=80, num_hidden_layers=3 if odd else 2,
                       num_attention_heads=5 if odd else 4, num_key_value_heads=1 if odd else 2, max_position_embeddings=2048,
                       rms_norm_eps=1e-5, rope_parameters={"rope_theta": 1e5, "rope_type": "default"}, bos_token_id=601,
                       eos_token_id=607, tie_word_embeddings=False)
    vision = {"hidden_size": 24 if odd else 32, "intermediate_size": 40, "num_hidden_layers": 2 if odd else 3,
              "num_attention_heads": 3 if odd else 2, "image_size": shape["size"], "patch_size": shape["patch"]}
    return SmolVLMConfig(text_config=text.to_dict(), vision_config=vision, image_token_id=IMAGE, scale_factor=shape["shuffle"],
                         tie_word_embeddings=False)


def processor(odd, shape):
    tokenizer = AutoTokenizer.from_pretrained(BASE)
    tokenizer.add_special_tokens({"additional_special_tokens": ADDED})
    assert tokenizer.convert_tokens_to_ids("<image>") == IMAGE, tokenizer.get_added_vocab()
    tokenizer.bos_token = "<|im_start|>"
    side = {"longest_edge": shape["size"]}
    tall = {"longest_edge": 2 * shape["size"] + (3 if odd else 0)}
    video = {"max_image_size": side, "size": tall}
    if odd: video["video_sampling"] = {"fps": 1, "max_frames": 64, "video_size": tall}
    return SmolVLMProcessor(image_processor=SmolVLMImageProcessor(max_image_size=side, size=tall), tokenizer=tokenizer,
                            video_processor=SmolVLMVideoProcessor(**video), chat_template=TEMPLATE,
                            image_seq_len=(shape["size"] // shape["patch"] // shape["shuffle"])**2)


def inputs_of_video(made, frames):
    chat = [{"role": "user", "content": [{"type": "video"}, {"type": "text", "text": llava.QUESTION}]}]
    prompt = made.apply_chat_template(chat, add_generation_prompt=True)
    metadata = [{"fps": 2.0, "total_num_frames": len(frames), "duration": len(frames) / 2.0,
                 "frames_indices": list(range(len(frames)))}]
    return prompt, made(text=[prompt], videos=[torch.tensor(frames).permute(0, 3, 1, 2)], return_tensors="pt",
                        do_sample_frames=False, video_metadata=metadata)


def stages(model, inputs):
    """As SmolVLMModel.get_image_features does it, step by step."""
    core, pixels = model.model, inputs["pixel_values"][0]
    vision = core.vision_model(pixel_values=pixels).last_hidden_state
    made = core.connector(vision)
    return {"pixel_values": pixels, "vision": vision, "projector": made, "tokens": made}


def make(folder):
    for name, shape, odd in (("smolvlm", PLAIN, False), ("smolvlm-odd", ODD, True)):
        llava.make_model(folder, name, shape, SmolVLMForConditionalGeneration, config(odd, shape), processor(odd, shape), odd,
                         inputs_of_video, stages, end=(607, 601), public=lambda where: llava.as_public(where, NAMES),
                         generation={"bos_token_id": 601, "eos_token_id": 607, "pad_token_id": 600})
