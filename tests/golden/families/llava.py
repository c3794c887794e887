"""LLaVA-1.5 checkpoints: llava as save_pretrained writes today, llava-odd as public checkpoints are.

SPDX-License-Identifier: LGPL-2.1-or-later

The second one has an untied head of another width, Mistral for Llama, a projector without biases, bilinear resizing, several
shards. Frames are images. case-a is of the tower's size, case-b wider, case-c higher than wide: cropped.
"""
import json
import shutil

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from transformers import (AutoProcessor, CLIPImageProcessor, CLIPVisionConfig, LlamaConfig, LlavaConfig,
                          LlavaForConditionalGeneration, LlavaProcessor, MistralConfig, PreTrainedTokenizerFast)

from reference import HERE, answer, make_frames, randomize, sure, write

QUESTION = "What is left of the red box?  \u00dcber 3\u00bd s?"
TEMPLATE = (
    "{% for message in messages %}{% if message['role'] != 'system' %}{{ message['role'].upper() + ': '}}{% endif %}"
    "{# Render all images first #}{% for content in message['content'] | selectattr('type', 'equalto', 'image') %}"
    "{{ '<image>\n' }}{% endfor %}{# Render all video then #}"
    "{% for content in message['content'] | selectattr('type', 'equalto', 'video') %}{{ '<video>\n' }}{% endfor %}"
    "{# Render all text next #}{% if message['role'] != 'assistant' %}"
    "{% for content in message['content'] | selectattr('type', 'equalto', 'text') %}{{ content['text'] + ' '}}{% endfor %}"
    "{% else %}{% for content in message['content'] | selectattr('type', 'equalto', 'text') %}"
    "{% generation %}{{ content['text'] + ' '}}{% endgeneration %}{% endfor %}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}")
VOCABULARY = 488
PLAIN = {"size": 28, "patch": 7, "cases": {"case-a": (3, 28, 28), "case-b": (2, 97, 61)}}
ODD = {"size": 40, "patch": 12, "cases": {"case-a": (2, 40, 40), "case-b": (3, 51, 83)}}
NAMES = {"model.vision_tower.": "vision_tower.vision_model.", "model.multi_modal_projector.": "multi_modal_projector.",
         "model.language_model.": "language_model.model.", "lm_head.": "language_model.lm_head.",
         "vision_tower.embeddings": "vision_tower.vision_model.embeddings", "vision_tower.encoder": "vision_tower.vision_model.encoder",
         "vision_tower.p": "vision_tower.vision_model.p", "model.image_newline": "image_newline"}


def tokenizer():
    """The tiny tokenizer of Llama's kind, as every public checkpoint's is: <image> and <video> are added tokens."""
    file = json.loads((HERE / "tokenizer" / "llama.json").read_text())
    size = len(file["model"]["vocab"])
    added = [token for token in file["added_tokens"] if token["id"] < size]
    for i, content in enumerate(("<image>", "<video>", "<pad>")):
        added.append({"id": size + i, "content": content, "single_word": False, "lstrip": False, "rstrip": False,
                      "normalized": False, "special": True})
    file["added_tokens"] = added
    return PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(json.dumps(file)), bos_token="<s>", eos_token="</s>",
                                   unk_token="<unk>", pad_token="<pad>")


IMAGE = json.loads((HERE / "tokenizer" / "llama.json").read_text())["model"]["vocab"].__len__()
VIDEO = IMAGE + 1


def text_config(odd):
    common = {"vocab_size": VOCABULARY, "max_position_embeddings": 2048, "bos_token_id": 1, "eos_token_id": 2}
    if odd:
        return MistralConfig(hidden_size=48, intermediate_size=80, num_hidden_layers=3, num_attention_heads=3, head_dim=20,
                             num_key_value_heads=1, rms_norm_eps=1e-5, sliding_window=None,
                             rope_parameters={"rope_theta": 1e6, "rope_type": "default"}, **common)
    return LlamaConfig(hidden_size=64, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
                       num_key_value_heads=4, rms_norm_eps=1e-6,
                       rope_parameters={"rope_theta": 1e4, "rope_type": "linear", "factor": 2.0}, **common)


def vision_config(odd, shape):
    return CLIPVisionConfig(hidden_size=36 if odd else 48, intermediate_size=56, num_hidden_layers=4 if odd else 3,
                            num_attention_heads=3 if odd else 4, image_size=shape["size"], patch_size=shape["patch"],
                            projection_dim=16, hidden_act="gelu" if odd else "quick_gelu")


def config(odd, shape):
    return LlavaConfig(vision_config=vision_config(odd, shape), text_config=text_config(odd), image_token_index=IMAGE,
                       multimodal_projector_bias=not odd, vision_feature_layer=-3 if odd else -2,
                       image_seq_length=(shape["size"] // shape["patch"])**2, pad_token_id=VIDEO + 1)


def processor_settings(odd, shape):
    return {"size": {"shortest_edge": shape["size"]}, "crop_size": {"height": shape["size"], "width": shape["size"]},
            "resample": 2 if odd else 3}


def processor(odd, shape):
    return LlavaProcessor(image_processor=CLIPImageProcessor(**processor_settings(odd, shape)), tokenizer=tokenizer(),
                          patch_size=shape["patch"], vision_feature_select_strategy="default", chat_template=TEMPLATE,
                          num_additional_image_tokens=1)


def as_public(folder, names=NAMES):
    """The folder's files as those of public checkpoints: other tensor names, flat settings, older words."""
    settings = json.loads((folder / "config.json").read_text())
    settings["torch_dtype"] = settings.pop("dtype")
    text = settings["text_config"]
    rope = text.pop("rope_parameters")
    text["rope_theta"] = rope["rope_theta"]
    text["rope_scaling"] = None if rope["rope_type"] == "default" else {
        "type": rope["rope_type"], **{key: value for key, value in rope.items() if key not in ("rope_type", "rope_theta")}}
    (folder / "config.json").write_text(json.dumps(settings, indent=2) + "\n")
    inside = json.loads((folder / "processor_config.json").read_text())
    for part, file in (("image_processor", "preprocessor_config.json"), ("video_processor", "video_preprocessor_config.json")):
        if part in inside: (folder / file).write_text(json.dumps(inside.pop(part), indent=2) + "\n")
    (folder / "processor_config.json").write_text(json.dumps(inside, indent=2) + "\n")
    words = json.loads((folder / "tokenizer_config.json").read_text()) | {"tokenizer_class": "LlamaTokenizer", "legacy": False}
    added = json.loads((folder / "tokenizer.json").read_text())["added_tokens"]
    words["added_tokens_decoder"] = {str(token.pop("id")): token for token in added}
    (folder / "tokenizer_config.json").write_text(json.dumps(words, indent=2) + "\n")
    template = (folder / "chat_template.jinja").read_text()
    (folder / "chat_template.json").write_text(json.dumps({"chat_template": template}, indent=2) + "\n")
    (folder / "chat_template.jinja").unlink()
    where = {}
    for file in sorted(folder.glob("*.safetensors")):
        tensors = {}
        for name, tensor in load_file(file).items():
            for old, new in names.items():
                if name.startswith(old):
                    name = new + name[len(old):]
                    break
            tensors[name] = tensor
            where[name] = file.name
        save_file(tensors, file, metadata={"format": "pt"})
    index = folder / "model.safetensors.index.json"
    if index.exists():
        total = json.loads(index.read_text())["metadata"]
        index.write_text(json.dumps({"metadata": total, "weight_map": where}, indent=2) + "\n")


def inputs_of_images(made, frames):
    chat = [{"role": "user", "content": [{"type": "image"}] * len(frames) + [{"type": "text", "text": QUESTION}]}]
    prompt = made.apply_chat_template(chat, add_generation_prompt=True)
    return prompt, made(text=[prompt], images=[torch.tensor(frame).permute(2, 0, 1) for frame in frames],
                        return_tensors="pt")


def stages(model, inputs):
    """As LlavaModel.get_image_features does it, step by step."""
    core = model.model
    vision = core.vision_tower(inputs["pixel_values"], output_hidden_states=True).hidden_states[
        model.config.vision_feature_layer][:, 1:]
    made = core.multi_modal_projector(vision)
    return {"pixel_values": inputs["pixel_values"], "vision": vision, "projector": made, "tokens": made}


def make_case(case, model, processor, seed, size, inputs_of, get_stages, end):
    count, width, height = size
    frames = make_frames(seed, count, width, height)
    prompt, inputs = inputs_of(processor, frames)
    with torch.no_grad():
        arrays = get_stages(model, inputs)
        logits = model(**inputs).logits[0, -1]
        ids, gaps = answer(model, inputs)
    if not sure(ids, gaps, end): return None
    arrays |= {"logits": logits, "input_ids": inputs["input_ids"][0].to(torch.int32),
               "generated": torch.tensor(ids, dtype=torch.int32)}
    facts = {"seed": seed, "fps": 2.0, "question": QUESTION, "prompt": prompt, "generated": ids,
             "text": processor.decode(ids, skip_special_tokens=True), "min_gap": min(gaps), "gaps": gaps}
    return lambda: write(case, frames, arrays, facts)


def make_model(folder, name, shape, model_class, model_config, made, odd, inputs_of, get_stages, end=(2,), public=as_public,
               generation=None, norms=("norm",)):
    """One checkpoint with its cases, of the first seed whose answers are all sure."""
    checkpoint = folder / name / "checkpoint"
    for seed in range(300):
        shutil.rmtree(checkpoint, ignore_errors=True)
        model = model_class._from_config(model_config, attn_implementation="eager")
        randomize(model, seed, norms)
        model.save_pretrained(checkpoint, max_shard_size="200KB" if odd else "5GB")
        made.save_pretrained(checkpoint)
        (checkpoint / "generation_config.json").write_text(json.dumps(
            generation or {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}, indent=2) + "\n")
        if odd: public(checkpoint)
        model = model_class.from_pretrained(checkpoint, attn_implementation="eager").eval()
        loaded = AutoProcessor.from_pretrained(checkpoint)
        done = []
        for case, size in shape["cases"].items():
            done.append(make_case(folder / name / case, model, loaded, seed, size, inputs_of, get_stages, set(end)))
            if not done[-1]: break
        if all(done): break
    else:
        raise SystemExit("no seed gave answers far from ties")
    for save in done: save()
    print(f"{folder / name}: seed {seed}")


def make(folder):
    for name, shape, odd in (("llava", PLAIN, False), ("llava-odd", ODD, True)):
        make_model(folder, name, shape, LlavaForConditionalGeneration, config(odd, shape), processor(odd, shape), odd,
                   inputs_of_images, stages)
