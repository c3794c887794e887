"""The shipped model in Hugging Face transformers, unchanged: it loads with nothing missing, and its greedy answers about a real
clip's frames are those of the elements, letter for letter. Skipped (77) where .venv has not transformers and all of torch
(.venv/bin/pip install torch torchvision transformers)."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import importlib.util
import os
import re
import shlex
import subprocess
import sys
import tempfile

SIDE, FRAMES = 168, 12
QUESTIONS = ("Is there a red car?", "How many cars are there?", "What colour is the first car?", "Which way does the white car drive?",
             "Where is the red car at the end?", "Is there a person?")


def launch(line, **environment):
    return subprocess.run(["gst-launch-1.0", "-m", *shlex.split(line)], env={**os.environ, **environment}, capture_output=True,
                          text=True, check=True, timeout=120).stdout


def frames(clip, path):
    """FRAMES pictures of the clip, one a second, at the network's size: uint8 [f, 168, 168, 3], and raw in `path`."""
    launch(f"filesrc location={clip} ! decodebin ! videoconvert ! videoscale ! videorate ! video/x-raw,format=RGB,width={SIDE},"
           f"height={SIDE},framerate=1/1,pixel-aspect-ratio=1/1 ! filesink location={path}")
    import numpy as np
    os.truncate(path, FRAMES * SIDE * SIDE * 3)
    return np.fromfile(path, np.uint8).reshape(FRAMES, SIDE, SIDE, 3)


def elements(plugins, model, path, question):
    """What vtokllmsink answers of all tokens, without times: the checkpoint's own prompt."""
    said = launch(f"filesrc location={path} ! rawvideoparse format=rgb width={SIDE} height={SIDE} framerate=1/1 ! "
                  f"vtokenc model={model} dtype=float32 ! vtokllmsink model={model} dtype=float32 timestamps=false "
                  f"max-new-tokens=16 question='{question}'", GST_PLUGIN_PATH=plugins)
    text = re.search(r'vtok-answer.*?text=\(string\)("(?:[^"\\]|\\.)*"|[^,;]*)', said).group(1).strip('"')
    return re.sub(r"\\(.)", r"\1", text)


def greedy(model, processor, video, question):
    prompt = processor.apply_chat_template(
        [{"role": "user", "content": [{"type": "video"}, {"type": "text", "text": question}]}], add_generation_prompt=True)
    inputs = processor(text=prompt, videos=[list(video)], return_tensors="pt")
    ids = model.generate(**inputs, max_new_tokens=16, do_sample=False)
    return processor.decode(ids[0, inputs["input_ids"].shape[1]:], skip_special_tokens=True)


def main(source, build):
    python = f"{source}/.venv/bin/python"
    if importlib.util.find_spec("transformers") is None and sys.executable != python and os.path.exists(python):
        os.execv(python, [python, *sys.argv])
    try:
        import torch
        from transformers import AutoModelForImageTextToText, AutoProcessor
    except ImportError as missing:
        print(f"skipped: {missing}")
        return 77
    torch.set_num_threads(1)
    folder = f"{source}/models/tiny"
    processor = AutoProcessor.from_pretrained(folder)
    model, report = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
    for what in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        assert not report[what], (what, report[what])
    parameters, size = sum(p.numel() for p in model.parameters()), os.path.getsize(f"{folder}/model.safetensors")
    assert parameters <= 30e6 and size <= 64e6, (parameters, size)
    assert model.config.text_config.max_position_embeddings >= 8192
    with tempfile.TemporaryDirectory() as scratch:
        raw = f"{scratch}/frames"
        video = frames(f"{source}/pipelines/media/car-detection.mp4", raw)
        for question in QUESTIONS:
            theirs, ours = greedy(model, processor, video, question), elements(f"{build}/gst", folder, raw, question)
            print(f"{question} {theirs!r}")
            assert ours == theirs, (question, theirs, ours)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
