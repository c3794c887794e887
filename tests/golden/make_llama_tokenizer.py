#!/usr/bin/env python3
"""Trains a tiny tokenizer of Llama's kind and writes what the tokenizers library computes for it and variants.
SPDX-License-Identifier: LGPL-2.1-or-later

  tests/golden/make_llama_tokenizer.py      writes tokenizer/llama.json and tokenizer/llama-variants.json
"""
import copy
import json
import pathlib

from tokenizers import Tokenizer, decoders, models, normalizers, trainers

HERE = pathlib.Path(__file__).resolve().parent / "tokenizer"
CORPUS = ["The quick brown fox jumps over the lazy dog. What is left of the red box?",
          "A person walks; the car stops at the red light, doesn't it?", "Ein Käfer läuft über die Straße. Où est le café?",
          "USER: ASSISTANT: what is in the video", "1234567890 in 2024 at 00:12", "what  is   there\n\nwhat is it", "視頻 視頻"]
TEXTS = ["Hello world", " hello  world ", "a b\tc\n\nd", "   ", " ", "", "\n", "▁", "▁a ▁ b", "<s>", "</s></s>", "<s> a</s> b <image>\nc",
         "USER: <image>\nWhat is it? ASSISTANT:", "x<image>y", " <image> ", "  <tok>  <tok>  x", "<tok><tok>", "word<tok>word",
         "1234567 12", "you're I'LL", "é É e\u0301 Käfer", "a\u00a0b\u0085c\u3000d", "視頻 視頻 世界", "😀 😀😀 👨‍👩‍👧", "\u0000\u0001\u007f",
         "<0x41> <0xe2>", "<unk>", "ÿ\u07ff\uffff\U0010ffff", "\ufeffx", "a" * 40, "ab" * 20, "the the the the", "--a-b--c", "ﬁ Å",
         "\u202ea\u200d", "<image", "image>", "<pad> x<pad> <pad>", "x  <pad>y", "ASSISTANT:\n", "'\"`´"]
# Ids as a model may write them: cut characters, lone bytes, spaces and specials anywhere.
RANDOM_IDS = 60


def train():
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    special = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)]
    letters = "▁abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,:;?!'\"()-éäü"
    trainer = trainers.BpeTrainer(vocab_size=480, special_tokens=special, initial_alphabet=list(letters),
                                  limit_alphabet=len(letters) + 4, show_progress=False)
    tokenizer.train_from_iterator(CORPUS * 3, trainer)
    file = json.loads(tokenizer.to_str())
    file["added_tokens"] = [dict(token, normalized=False) for token in file["added_tokens"] if token["id"] < 3]
    size = len(file["model"]["vocab"])
    file["added_tokens"] += [added("<image>", size, special=True), added("<pad>", size + 1, special=True, normalized=True),
                             added("<tok>", size + 2)]
    begin = {"SpecialToken": {"id": "<s>", "type_id": 0}}
    text = {"Sequence": {"id": "A", "type_id": 0}}
    file["post_processor"] = {"type": "TemplateProcessing", "single": [begin, text],
                              "pair": [begin, text, {"Sequence": {"id": "B", "type_id": 1}}],
                              "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}}
    tokenizer = Tokenizer.from_str(json.dumps(file))
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(),
                                           decoders.Strip(" ", 1, 0)])
    return json.loads(tokenizer.to_str())


def added(content, number, **flags):
    return dict(dict(id=number, content=content, single_word=False, lstrip=False, rstrip=False, normalized=False, special=False),
                **flags)


def metaspace(**settings):
    return {"normalizer": None, "pre_tokenizer": dict({"type": "Metaspace", "replacement": "▁"}, **settings)}


VARIANTS = [
    dict(name="as trained", patch={}),
    dict(name="Metaspace, first", patch=metaspace(prepend_scheme="first", split=False)),
    dict(name="Metaspace, always", patch=metaspace(prepend_scheme="always", split=False)),
    dict(name="Metaspace, never", patch=metaspace(prepend_scheme="never", split=False)),
    dict(name="Metaspace that splits", patch=metaspace(prepend_scheme="first", split=True)),
    dict(name="Metaspace of old files", patch=metaspace(add_prefix_space=True)),
    dict(name="Metaspace decoder", patch=dict(metaspace(prepend_scheme="always"),
                                              decoder={"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True})),
    dict(name="Metaspace decoder, never", patch=dict(metaspace(prepend_scheme="never"),
                                                     decoder={"type": "Metaspace", "replacement": "▁", "prepend_scheme": "never", "split": True})),
    dict(name="no byte fallback", patch={"model": {"byte_fallback": False}}),
    dict(name="unknown tokens one by one", patch={"model": {"byte_fallback": False, "fuse_unk": False}}),
    dict(name="no unknown token", patch={"model": {"byte_fallback": False, "unk_token": None}}),
    dict(name="no strip", patch={"decoder": {"type": "Sequence", "decoders": [
        {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}]}}),
    dict(name="strip three", patch={"decoder": {"type": "Sequence", "decoders": [
        {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
        {"type": "Strip", "content": " ", "start": 3, "stop": 0}]}}),
    dict(name="Replace by a pattern", patch={"normalizer": {"type": "Sequence", "normalizers": [
        {"type": "NFKC"}, {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "},
        {"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]}}),
    dict(name="words first", patch={"model": {"ignore_merges": True}}),
    dict(name="swallows spaces", patch={}, strip=True),
]


def merge_patch(target, patch):  # RFC 7396, as the test applies it
    for key, value in patch.items():
        if isinstance(value, dict):
            target[key] = merge_patch(target[key] if isinstance(target.get(key), dict) else {}, value)
        elif value is None:
            target.pop(key, None)
        else:
            target[key] = value
    return target


def main():
    import random
    base = train()
    draw = random.Random(7)
    size = len(base["model"]["vocab"]) + 3
    runs = [[draw.choice([draw.randrange(size), draw.randrange(3, 259), 259, 0xE2 + 3, 0x82 + 3, 0xAC + 3]) for _ in range(12)]
            for _ in range(RANDOM_IDS)]
    for variant in VARIANTS:
        file = merge_patch(copy.deepcopy(base), copy.deepcopy(variant["patch"]))
        for key in ("normalizer", "pre_tokenizer"):
            file.setdefault(key, None)
        if variant.get("strip"):
            for token in file["added_tokens"]:
                token["rstrip"] = token["content"] == "<image>"
                token["lstrip"] = token["content"] in ("<tok>", "</s>")
        tokenizer = Tokenizer.from_str(json.dumps(file))
        variant["samples"] = []
        for text in TEXTS:
            ids = tokenizer.encode(text, add_special_tokens=False).ids
            variant["samples"].append(dict(text=text, ids=ids,
                                           decoded=tokenizer.decode(ids, skip_special_tokens=False),
                                           skipped=tokenizer.decode(ids, skip_special_tokens=True)))
            assert tokenizer.encode(text).ids == [1] + ids
        variant["runs"] = [dict(ids=ids, decoded=tokenizer.decode(ids, skip_special_tokens=False),
                                skipped=tokenizer.decode(ids, skip_special_tokens=True)) for ids in runs[:RANDOM_IDS]] \
            if "decoder" in variant["patch"] or not variant["patch"] else []
    HERE.mkdir(exist_ok=True)
    (HERE / "llama.json").write_text(json.dumps(base, ensure_ascii=False) + "\n")
    (HERE / "llama-variants.json").write_text(json.dumps(VARIANTS, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
