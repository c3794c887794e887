"""Qwen2.5-VL checkpoints: qwen2_5_vl as save_pretrained writes today, qwen2_5_vl-odd as public checkpoints are.

SPDX-License-Identifier: LGPL-2.1-or-later

The second one has another patch, window and merge, layers of full attention elsewhere, several shards, an untied head and
other sections. case-a is of a size that is kept (4 frames), case-b is resized and has an odd number of frames.
"""
import json
import shutil

import torch
from safetensors.torch import load_file, save_file
from transformers import (AutoProcessor, AutoTokenizer, Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration,
                          Qwen2_5_VLProcessor, Qwen2VLImageProcessor, Qwen2VLVideoProcessor)

from reference import BASE, answer, make_frames, randomize, steady, sure, write

QUESTION = "Where does the red box go? \u00dcber 3\u00bd s?"
TEMPLATE = """\
{% set image_count = namespace(value=0) %}{% set video_count = namespace(value=0) %}\
{% for message in messages %}{% if loop.first and message['role'] != 'system' %}<|im_start|>system
You are a helpful assistant.<|im_end|>
{% endif %}<|im_start|>{{ message['role'] }}
{% if message['content'] is string %}{{ message['content'] }}<|im_end|>
{% else %}{% for content in message['content'] %}{% if content['type'] == 'image' or 'image' in content %}\
{% set image_count.value = image_count.value + 1 %}{% if add_vision_id %}Picture {{ image_count.value }}: {% endif %}\
<|vision_start|><|image_pad|><|vision_end|>{% elif content['type'] == 'video' or 'video' in content %}\
{% set video_count.value = video_count.value + 1 %}{% if add_vision_id %}Video {{ video_count.value }}: {% endif %}\
<|vision_start|><|video_pad|><|vision_end|>{% elif 'text' in content %}{{ content['text'] }}{% endif %}{% endfor %}<|im_end|>
{% endif %}{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""
IDS = {"<|vision_start|>": 605, "<|vision_end|>": 606, "<|image_pad|>": 607, "<|video_pad|>": 608}
PLAIN = {"patch": 6, "merge": 2, "cases": {"case-a": (4, 60, 48, 2.0), "case-b": (5, 97, 61, 3.0)}}
ODD = {"patch": 4, "merge": 2, "cases": {"case-a": (2, 48, 40, 24.0), "case-b": (5, 61, 83, 1.0)}}


def ids_and_text(odd, rope_type="default"):
    text = {"vocab_size": 616, "hidden_size": 64, "intermediate_size": 72, "num_hidden_layers": 2,
            "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 2048, "rms_norm_eps": 1e-6,
            "rope_parameters": {"rope_theta": 1e6, "rope_type": "default", "mrope_section": [2, 3, 3]},
            "bos_token_id": 600, "eos_token_id": 602, "tie_word_embeddings": True}
    if odd:
        text |= {"hidden_size": 48, "num_attention_heads": 3, "num_key_value_heads": 1, "num_hidden_layers": 3,
                 "rms_norm_eps": 1e-5, "tie_word_embeddings": False,
                 "rope_parameters": {"rope_theta": 1e4, "rope_type": "default", "mrope_section": [4, 2, 2]}}
    ids = {"vision_start_token_id": 605, "vision_end_token_id": 606, "image_token_id": 607, "video_token_id": 608,
           "tie_word_embeddings": text["tie_word_embeddings"]}
    return ids, text


def config(odd):
    ids, text = ids_and_text(odd)
    vision = {"depth": 3, "hidden_size": 32, "intermediate_size": 40, "num_heads": 2, "patch_size": 6,
              "window_size": 36, "fullatt_block_indexes": [1], "out_hidden_size": text["hidden_size"],
              "tokens_per_second": 2}
    if odd:
        vision |= {"depth": 2, "hidden_size": 48, "num_heads": 3, "patch_size": 4, "window_size": 16,
                   "fullatt_block_indexes": [0], "tokens_per_second": 5}
    return Qwen2_5_VLConfig(vision_config=vision, text_config=text, **ids)


def save_processor(folder, shape, processor_class=Qwen2_5_VLProcessor, image=Qwen2VLImageProcessor,
                   video=Qwen2VLVideoProcessor, limits=(1024, 2880)):
    tokenizer = AutoTokenizer.from_pretrained(BASE)
    tokenizer.add_special_tokens({"additional_special_tokens": list(IDS)})
    assert tokenizer.convert_tokens_to_ids(list(IDS)) == list(IDS.values())
    sizes = {"patch_size": shape["patch"], "merge_size": shape["merge"], "temporal_patch_size": 2,
             "size": {"shortest_edge": limits[0], "longest_edge": limits[1]}}
    processor = processor_class(image_processor=image(**sizes), video_processor=video(**sizes), tokenizer=tokenizer,
                                chat_template=TEMPLATE)
    processor.save_pretrained(folder)


def as_public(folder):
    """The folder's files as those of public checkpoints: text settings outside, tensors under model. and visual."""
    text = json.loads((folder / "config.json").read_text())
    inner = text.pop("text_config")
    rope = inner.pop("rope_parameters")
    text |= {key: value for key, value in inner.items() if key not in ("model_type", "dtype", "layer_types")}
    text["torch_dtype"] = text.pop("dtype")
    text["rope_theta"] = rope["rope_theta"]
    text["rope_scaling"] = {"type": "mrope", "mrope_section": rope["mrope_section"]}
    text["vision_config"].pop("dtype", None)
    text["vision_config"].pop("rope_parameters", None)
    (folder / "config.json").write_text(json.dumps(text, indent=2) + "\n")
    processor = json.loads((folder / "processor_config.json").read_text())
    video = processor["video_processor"]
    size = video.pop("size")
    video |= {"min_pixels": size["shortest_edge"], "max_pixels": size["longest_edge"],
              "image_processor_type": "Qwen2VLImageProcessor", "processor_class": processor["processor_class"]}
    video.pop("video_processor_type", None)
    (folder / "preprocessor_config.json").write_text(json.dumps(video, indent=2) + "\n")
    (folder / "processor_config.json").unlink()
    template = (folder / "chat_template.jinja").read_text()
    (folder / "chat_template.json").write_text(json.dumps({"chat_template": template}, indent=2) + "\n")
    (folder / "chat_template.jinja").unlink()
    names = {}
    for file in sorted(folder.glob("*.safetensors")):
        tensors = {}
        for name, tensor in load_file(file).items():
            name = name.replace("model.visual.", "visual.").replace("model.language_model.", "model.")
            tensors[name] = tensor
            names[name] = file.name
        save_file(tensors, file, metadata={"format": "pt"})
    index = folder / "model.safetensors.index.json"
    if index.exists():
        total = json.loads(index.read_text())["metadata"]
        index.write_text(json.dumps({"metadata": total, "weight_map": names}, indent=2) + "\n")


def stages(model, inputs):
    """What the tower makes before and after its merger, in its own order, and the tokens."""
    tower, kept = model.model.visual, {}
    hooks = [tower.merger.register_forward_hook(lambda _, given, made: kept.update(vision=given[0], projector=made))]
    tokens = tower(inputs["pixel_values_videos"], grid_thw=inputs["video_grid_thw"]).pooler_output
    for hook in hooks: hook.remove()
    steps = int(inputs["video_grid_thw"][0, 0])
    return {"vision": kept["vision"], "projector": kept["projector"], "tokens": tokens.view(steps, -1, tokens.shape[-1])}


def processed(processor, frames, fps):
    chat = [{"role": "user", "content": [{"type": "video"}, {"type": "text", "text": QUESTION}]}]
    prompt = processor.apply_chat_template(chat, add_generation_prompt=True)
    metadata = [{"fps": fps, "total_num_frames": len(frames), "duration": len(frames) / fps,
                 "frames_indices": list(range(len(frames)))}]
    return prompt, processor(text=[prompt], videos=[torch.tensor(frames).permute(0, 3, 1, 2)], return_tensors="pt",
                             do_sample_frames=False, video_metadata=metadata)


def make_case(case, model, processor, seed, shape, get_stages=stages):
    count, width, height, fps = shape
    frames = make_frames(seed, count, width, height)
    prompt, inputs = processed(processor, frames, fps)
    with torch.no_grad():
        arrays = get_stages(model, inputs)
        logits = model(**inputs).logits[0, -1]
        extra = {key: inputs[key] for key in ("second_per_grid_ts",) if key in inputs}
        positions, delta = model.model.get_rope_index(
            inputs["input_ids"], mm_token_type_ids=inputs["mm_token_type_ids"], video_grid_thw=inputs["video_grid_thw"], **extra)
        ids, gaps = answer(model, inputs)
    if not sure(ids, gaps, range(600, 609)) or not steady(model, inputs, ids): return None
    arrays |= {"pixel_values": inputs["pixel_values_videos"], "logits": logits,
               "position_ids": positions[:, 0].to(torch.int32), "input_ids": inputs["input_ids"][0].to(torch.int32),
               "generated": torch.tensor(ids, dtype=torch.int32)}
    facts = {"seed": seed, "fps": fps, "question": QUESTION, "prompt": prompt, "generated": ids,
             "text": processor.decode(ids, skip_special_tokens=True),
             "video_grid_thw": inputs["video_grid_thw"][0].tolist(), "rope_delta": int(delta), "min_gap": min(gaps), "gaps": gaps}
    if extra: facts["second_per_grid_ts"] = [float(x) for x in extra["second_per_grid_ts"]]
    return lambda: write(case, frames, arrays, facts)


def make_model(folder, name, shape, make_config, model_class, odd, norms=("norm", "ln_q"), get_stages=stages, public=as_public,
               **processors):
    checkpoint = folder / name / "checkpoint"
    shutil.rmtree(checkpoint, ignore_errors=True)
    save_processor(checkpoint, shape, **processors)
    processor = AutoProcessor.from_pretrained(checkpoint)
    model = model_class._from_config(make_config(odd), attn_implementation="eager").eval()
    generation = {"bos_token_id": 600, "do_sample": False, "eos_token_id": [602, 600], "pad_token_id": 600}

    def cases(model, seed):
        for case, size in shape["cases"].items():
            found = make_case(folder / name / case, model, processor, seed, size, get_stages)
            yield found
            if not found: return

    for seed in range(500):
        randomize(model, seed, norms, embedding=0.5, gain=2.0)
        if all(cases(model, seed)): break
    else:
        raise SystemExit("no seed gave answers far from ties")
    model.save_pretrained(checkpoint, max_shard_size="200KB" if odd else "5GB")
    (checkpoint / "generation_config.json").write_text(json.dumps(generation, indent=2) + "\n")
    if odd: public(checkpoint)
    loaded = model_class.from_pretrained(checkpoint, attn_implementation="eager").eval()
    processor = AutoProcessor.from_pretrained(checkpoint)
    for save in list(cases(loaded, seed)): save()
    print(f"{folder / name}: seed {seed}")


def make(folder):
    for name, shape, odd in (("qwen2_5_vl", PLAIN, False), ("qwen2_5_vl-odd", ODD, True)):
        make_model(folder, name, shape, config, Qwen2_5_VLForConditionalGeneration, odd)
