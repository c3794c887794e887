#!/usr/bin/env python3
"""Writes tokenizer/variants.json: what the tokenizers library computes for variants of the golden tokenizer.json.
SPDX-License-Identifier: LGPL-2.1-or-later"""
import copy, json, os
from tokenizers import Tokenizer

here = os.path.dirname(os.path.abspath(__file__))
base = json.load(open(here + "/llava-onevision/checkpoint/tokenizer.json"))
TEXTS = ["Hello world", " hello  world ", "a b\tc\n\nd", "<tok> x", "x<tok>y", "x <tok> y", "  <tok>  <tok>  ", "word<tok>word",
         "(<tok>)", "1234567 12", "you're I'LL", "é É e\u0301 <caf\u00e9> <cafe\u0301>", "a\u00a0b\u0085c", "<im_end|><video>",
         "視頻 視頻", "--a-b--c", "ﬁ Å", "", "_<tok>", "\u3000<tok>\u3000", "ＡＢ"]


def token(content, number, **flags):
    return dict(dict(id=number, content=content, single_word=False, lstrip=False, rstrip=False, normalized=False, special=False),
                **flags)


def split(pattern, behavior, invert=False):
    return {"type": "Sequence", "pretokenizers": [
        {"type": "Split", "pattern": pattern, "behavior": behavior, "invert": invert},
        {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}]}


byte_level = dict(type="ByteLevel", add_prefix_space=False, trim_offsets=True, use_regex=True)
text_piece, bos, eos = ({"Sequence": {"id": "A", "type_id": 0}},
                        {"SpecialToken": {"id": "<|im_start|>", "type_id": 0}}, {"SpecialToken": {"id": "<|im_end|>", "type_id": 0}})
around = {"type": "TemplateProcessing", "single": [bos, text_piece, eos], "pair": [bos, text_piece, {"Sequence": {"id": "B", "type_id": 1}}],
          "special_tokens": {"<|im_start|>": {"id": "<|im_start|>", "ids": [601], "tokens": ["<|im_start|>"]},
                             "<|im_end|>": {"id": "<|im_end|>", "ids": [602], "tokens": ["<|im_end|>"]}}}
variants = [
    dict(name="merges as text", patch={}, merges_as_text=True),
    dict(name="GPT-2 pattern", patch={"pre_tokenizer": byte_level}),
    dict(name="prefix space", patch={"pre_tokenizer": dict(byte_level, add_prefix_space=True)}),
    dict(name="no normalizer", patch={"normalizer": None}),
    dict(name="NFKD", patch={"normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "NFKD"}]}}),
    dict(name="ignore merges", patch={"model": {"ignore_merges": True}}),
    dict(name="begin and end", patch={"post_processor": {"type": "Sequence", "processors": [base["post_processor"], around]}}),
    dict(name="plain added token", patch={}, add=[token("<tok>", 605)]),
    dict(name="lstrip", patch={}, add=[token("<tok>", 605, lstrip=True)]),
    dict(name="rstrip", patch={}, add=[token("<tok>", 605, rstrip=True)]),
    dict(name="both strips", patch={}, add=[token("<tok>", 605, lstrip=True, rstrip=True, special=True)]),
    dict(name="single word", patch={}, add=[token("<tok>", 605, single_word=True), token("word", 606, single_word=True)]),
    # decodes=False: the library decodes the normalised content as if it were written in byte characters, and gives U+FFFD
    dict(name="normalized", decodes=False, patch={}, add=[token("<cafe\u0301>", 605, normalized=True)]),
    dict(name="longest wins", patch={}, add=[token("<tok", 605), token("<tok> y", 606)]),
    dict(name="in the vocabulary too", patch={}, add=[token("é", 605, special=True)]),
    dict(name="not printable as bytes", patch={}, add=[token("視頻", 605, special=True)]),
    dict(name="digits", patch={"pre_tokenizer": {"type": "Sequence", "pretokenizers": [
        {"type": "Digits", "individual_digits": True}, byte_level]}}),
    dict(name="runs of digits", patch={"pre_tokenizer": {"type": "Sequence", "pretokenizers": [
        {"type": "Digits", "individual_digits": False}, byte_level]}}),
] + [dict(name=f"{behavior} {invert}", patch={"pre_tokenizer": split({"Regex": "-|\\s"}, behavior, invert)})
     for behavior in ("Isolated", "Removed", "MergedWithPrevious", "MergedWithNext", "Contiguous") for invert in (False, True)
] + [dict(name="string pattern", patch={"pre_tokenizer": split({"String": "b--"}, "Removed")}),
     dict(name="three digits", patch={"pre_tokenizer": split({"Regex": "(?i:'s|'re|'ll)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}++|\\p{N}{1,3}+"
                                                                     "| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*+|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+"}, "Isolated")})]


def merge_patch(target, patch):  # RFC 7396, as the test applies it
    for key, value in patch.items():
        if isinstance(value, dict):
            target[key] = merge_patch(target[key] if isinstance(target.get(key), dict) else {}, value)
        elif value is None:
            target.pop(key, None)
        else:
            target[key] = value
    return target


for variant in variants:
    file = merge_patch(copy.deepcopy(base), copy.deepcopy(variant["patch"]))
    file.setdefault("normalizer", None)
    file["added_tokens"] += variant.get("add", [])
    tokenizer = Tokenizer.from_str(json.dumps(file))
    variant["samples"] = []
    for text in TEXTS:
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        variant["samples"].append(dict(text=text, ids=ids, ids_special=tokenizer.encode(text).ids,
                                       decoded=tokenizer.decode(ids, skip_special_tokens=False)))
os.makedirs(here + "/tokenizer", exist_ok=True)
json.dump(variants, open(here + "/tokenizer/variants.json", "w"), ensure_ascii=True, indent=0)
