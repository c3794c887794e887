"""Byte-level BPE of Qwen2's structure, trained on the questions and answers of random clips.

Unlike Qwen2's it takes digits in pairs, so that a group's times, [00:12.0–00:15.5], are nine tokens instead of seventeen
and one token tells a second from another.
"""
import json

import numpy as np
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

import clips
import model
import questions
from words import CLASSES, COLOUR_NAMES

SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<image>", "<video>"]
SPLIT = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,2}:?|\.\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
         r"|\s+(?!\S)|\s+")
EXTRA = """The video shows a scene with a few things. A car drives from left to right and then it stops. Nothing happens.
There is no one in the picture. Someone walks through the room, stands at the table and leaves. Describe what you see.
Who is there? Why? What time is it? It is fast, it is slow, it stands still. Please answer in one word. system user assistant
before after between while during both none many more less than large small big blue bicycle table floor wall road street"""


def train(store, path, count=400, size=model.VOCABULARY - 5):
    """Writes tokenizer.json to `path` and returns {token: id} of the special ones."""
    rng = np.random.default_rng(7)
    texts = [EXTRA] * 3 + [" ".join(CLASSES + COLOUR_NAMES)] * 5 + ["user assistant"] * 50 + ["[00:12.0–00:15.5]"] * 50
    texts += [f"{n}: {n:02d}:{n:02d}.{n % 10}" for n in range(60)] * 3
    for _ in range(count):
        clip = clips.sample(rng, store, 8, single=rng.random() < 0.3)
        for asked in questions.pick(rng, clip, 12, train=True):
            texts += [asked.question, asked.answer]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(SPLIT), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.post_processor = processors.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=size, initial_alphabet=alphabet, special_tokens=[], show_progress=False))
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in SPECIAL])
    data = json.loads(tokenizer.to_str())
    data["model"].update(continuing_subword_prefix="", end_of_word_suffix="")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(data, file, ensure_ascii=False, indent=1)
    return {t: tokenizer.token_to_id(t) for t in SPECIAL}
