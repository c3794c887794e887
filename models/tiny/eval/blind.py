#!/usr/bin/env python3
"""The blind baseline: Hugging Face answers the questions of a clips.json without any video.

    eval/blind.py CLIPS.JSON OUT.JSONL [--model FOLDER]
"""
import argparse
import json
import os

import torch
from transformers import AutoProcessor, LlavaOnevisionForConditionalGeneration


def main():
    p = argparse.ArgumentParser()
    p.add_argument("clips")
    p.add_argument("out")
    p.add_argument("--model", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    args = p.parse_args()
    processor = AutoProcessor.from_pretrained(args.model)
    model = LlavaOnevisionForConditionalGeneration.from_pretrained(args.model, dtype=torch.bfloat16).eval()
    with open(args.clips, encoding="utf-8") as file:
        listing = json.load(file)
    known = {}
    with open(args.out, "w", encoding="utf-8") as out:
        for clip in listing:
            for q in clip["questions"]:
                text = q["question"]
                if text not in known:
                    chat = [{"role": "user", "content": [{"type": "text", "text": text}]}]
                    inputs = processor(text=processor.apply_chat_template(chat, add_generation_prompt=True),
                                       return_tensors="pt")
                    ids = model.generate(**inputs, max_new_tokens=24, do_sample=False)[0, inputs["input_ids"].shape[1]:]
                    known[text] = processor.tokenizer.decode(ids, skip_special_tokens=True)
                out.write(json.dumps({"clip": clip.get("id", clip["file"]), "question": text, "answer": known[text]},
                                     ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
