"""Writes the trained network as a Hugging Face LLaVA-OneVision folder.

    python export.py WORKDIR OUT
"""
import os
import sys

import torch
from transformers import (GenerationConfig, LlavaOnevisionImageProcessor, LlavaOnevisionProcessor,
                          LlavaOnevisionVideoProcessor, PreTrainedTokenizerFast)

import lm
import model as net

TEMPLATE = (
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + ' '}}"
    "{# Render all images first #}{% for content in message['content'] | selectattr('type', 'equalto', 'image') %}"
    "{{ '<image>' }}{% endfor %}"
    "{# Render all video then #}{% for content in message['content'] | selectattr('type', 'equalto', 'video') %}"
    "{{ '<video>' }}{% endfor %}"
    "{# Render all text next #}{% if message['role'] != 'assistant' %}"
    "{% for content in message['content'] | selectattr('type', 'equalto', 'text') %}{{ '\n' + content['text'] }}{% endfor %}"
    "{% else %}{% for content in message['content'] | selectattr('type', 'equalto', 'text') %}"
    "{% generation %}{{ content['text'] }}{% endgeneration %}{% endfor %}{% endif %}{{'<|im_end|>'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant' }}{% endif %}")


def main():
    work, out = sys.argv[1:3]
    model, _ = lm.start_model(work)
    if os.path.exists(f"{work}/lm.pt"):
        model.load_state_dict(torch.load(f"{work}/lm.pt")["model"])
    text = model.config.text_config
    model.generation_config = GenerationConfig(
        bos_token_id=text.bos_token_id, eos_token_id=text.eos_token_id, pad_token_id=text.pad_token_id)
    model.save_pretrained(out)
    os.chmod(f"{out}/model.safetensors", 0o644)  # the safetensors library makes it its owner's alone
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=f"{work}/tokenizer.json", eos_token="<|im_end|>", pad_token="<|endoftext|>", clean_up_tokenization_spaces=False, errors="replace", split_special_tokens=False,
        additional_special_tokens=["<|im_start|>", "<|im_end|>"], model_max_length=8192)
    size = {"height": net.IMAGE, "width": net.IMAGE}
    half = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3, "resample": 3, "size": size}
    processor = LlavaOnevisionProcessor(
        LlavaOnevisionImageProcessor(image_grid_pinpoints=model.config.image_grid_pinpoints, **half), tokenizer,
        LlavaOnevisionVideoProcessor(do_sample_frames=False, **half), num_image_tokens=net.SIDE ** 2,
        vision_feature_select_strategy="full", chat_template=TEMPLATE, vision_aspect_ratio="anyres_max_9")
    processor.save_pretrained(out)


if __name__ == "__main__":
    main()
