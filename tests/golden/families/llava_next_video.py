"""LLaVA-NeXT-Video checkpoints: llava_next_video as save_pretrained writes today, llava_next_video-odd as public ones are.

SPDX-License-Identifier: LGPL-2.1-or-later

What they have in common with LLaVA-1.5 is in llava.py. case-a is of the tower's size, case-b is resized and cropped.
"""
import torch
from transformers import (LlavaNextImageProcessor, LlavaNextVideoConfig, LlavaNextVideoForConditionalGeneration,
                          LlavaNextVideoProcessor, LlavaNextVideoVideoProcessor)

from families import llava

PLAIN = {"size": 28, "patch": 7, "cases": {"case-a": (3, 28, 28), "case-b": (4, 97, 61)}}
ODD = {"size": 50, "patch": 12, "cases": {"case-a": (2, 50, 50), "case-b": (3, 51, 83)}}


def config(odd, shape):
    return LlavaNextVideoConfig(vision_config=llava.vision_config(odd, shape), text_config=llava.text_config(odd),
                                image_token_index=llava.IMAGE, video_token_index=llava.VIDEO, multimodal_projector_bias=not odd,
                                vision_feature_layer=-3 if odd else -2, pad_token_id=llava.VIDEO + 1)


def processor(odd, shape):
    settings = llava.processor_settings(odd, shape)
    return LlavaNextVideoProcessor(video_processor=LlavaNextVideoVideoProcessor(**settings),
                                   image_processor=LlavaNextImageProcessor(**settings), tokenizer=llava.tokenizer(),
                                   patch_size=shape["patch"], vision_feature_select_strategy="default",
                                   chat_template=llava.TEMPLATE, num_additional_image_tokens=1)


def inputs_of_video(made, frames):
    chat = [{"role": "user", "content": [{"type": "video"}, {"type": "text", "text": llava.QUESTION}]}]
    prompt = made.apply_chat_template(chat, add_generation_prompt=True)
    return prompt, made(text=[prompt], videos=[torch.tensor(frames).permute(0, 3, 1, 2)], return_tensors="pt")


def stages(model, inputs):
    """As LlavaNextVideoModel.get_video_features does it, step by step."""
    core, pixels = model.model, inputs["pixel_values_videos"][0]
    vision = core.vision_tower(pixels, output_hidden_states=True).hidden_states[model.config.vision_feature_layer][:, 1:]
    made = core.multi_modal_projector(core.vision_resampler(vision))
    return {"pixel_values": pixels, "vision": vision, "projector": made, "tokens": made}


def make(folder):
    for name, shape, odd in (("llava_next_video", PLAIN, False), ("llava_next_video-odd", ODD, True)):
        llava.make_model(folder, name, shape, LlavaNextVideoForConditionalGeneration, config(odd, shape), processor(odd, shape),
                         odd, inputs_of_video, stages)
