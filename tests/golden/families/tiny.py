"""What transformers makes of the shipped model, models/tiny, loaded as it stands: answers about a real clip.

SPDX-License-Identifier: LGPL-2.1-or-later

To be made again with every new version of the weights. tiny/: frames.rgb, case.json with the questions, and of each the
prompt's ids, the logits behind it and the greedy answer.
"""
import cv2
import numpy as np
import torch
from transformers import AutoProcessor, LlavaOnevisionForConditionalGeneration
from reference import HERE, answer, write

ROOT = HERE.parents[1]
CLIP, FIRST, COUNT, WIDTH, HEIGHT = "car-detection.mp4", 24.0, 8, 112, 84  # of the part kept out of training; two a second
QUESTIONS = ["What colour is the car?", "How many cars are there?", "Which way does the car drive?", "Is there a person?",
             "What is in the video? Answer in a sentence."]


def clip():
    capture, out = cv2.VideoCapture(str(ROOT / "pipelines/media" / CLIP)), []
    for i in range(COUNT):
        capture.set(cv2.CAP_PROP_POS_MSEC, 1000 * (FIRST + i / 2))
        out.append(cv2.resize(cv2.cvtColor(capture.read()[1], cv2.COLOR_BGR2RGB), (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA))
    return np.stack(out)


def make(folder):
    model = LlavaOnevisionForConditionalGeneration.from_pretrained(ROOT / "models/tiny", dtype=torch.float32, attn_implementation="eager").eval()
    processor = AutoProcessor.from_pretrained(ROOT / "models/tiny")
    frames, arrays, asked = clip(), {}, []
    for i, question in enumerate(QUESTIONS):
        chat = [{"role": "user", "content": [{"type": "video"}, {"type": "text", "text": question}]}]
        prompt = processor.apply_chat_template(chat, add_generation_prompt=True)
        inputs = processor(text=[prompt], videos=[list(frames)], return_tensors="pt")
        with torch.no_grad():
            arrays[f"logits-{i}"] = model(**inputs).logits[0, -1]
            ids, gaps = answer(model, inputs)
        arrays[f"input_ids-{i}"] = inputs["input_ids"][0].to(torch.int32)
        asked.append({"question": question, "text": processor.decode(ids, skip_special_tokens=True), "min_gap": min(gaps)})
        print(asked[-1])
    write(folder / "tiny", frames, arrays, {"asked": asked})
