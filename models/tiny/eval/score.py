#!/usr/bin/env python3
"""Scores answers.

    eval/score.py CLIPS.JSON ANSWERS.JSONL [--json FILE]

ANSWERS.JSONL: a line {"clip", "question", "answer"} per question; clip is the `file` of clips.json. An answer is right
when it equals the expected one after lower-casing, dropping punctuation and articles and writing number words as digits;
a "when" answer also when it is a span of at most 3 s that holds the event.
"""
import argparse
import collections
import json
import os
import re

NUMBERS = "zero one two three four five six seven eight nine ten".split()


def plain(text):
    words = re.sub(r"[^\w\s:.–-]", " ", text.lower().replace("-", "–")).strip(" .").split()
    words = [str(NUMBERS.index(w)) if w in NUMBERS else "0" if w == "none" else w for w in words]
    return " ".join(w.strip(".") for w in words if w not in ("a", "an", "the"))


def seconds(clock):
    total = 0.0
    for part in clock.split(":"):
        total = total * 60 + float(part)
    return total


def right(answer, question):
    if plain(answer) in [plain(a) for a in [question["answer"], *question.get("also", [])]]:
        return True
    if question.get("at") is not None:
        span = re.fullmatch(r"([\d:.]+)–([\d:.]+)", plain(answer))
        if span:
            try:
                a, b = map(seconds, span.groups())
            except ValueError:
                return False
            return a <= question["at"] < b and b - a <= 3.0
    return False


def main():
    p = argparse.ArgumentParser()
    p.add_argument("clips")
    p.add_argument("answers")
    p.add_argument("--json")
    args = p.parse_args()
    with open(args.clips, encoding="utf-8") as file:
        expected = {(c.get("id", c["file"]), q["question"]): {**q, "part": c.get("part", "")} for c in json.load(file)
                    for q in c["questions"]}
    given = {}
    with open(args.answers, encoding="utf-8") as file:
        for line in file:
            if line.strip():
                a = json.loads(line)
                given[os.path.basename(a["clip"]), a["question"]] = a["answer"]
    hits, wrong = collections.defaultdict(list), collections.defaultdict(collections.Counter)
    for key, question in expected.items():
        ok = key in given and right(given[key], question)
        hits[question["kind"]].append(ok)
        if not ok:
            wrong[question["kind"]][question["answer"], given.get(key, "(no answer)")] += 1
    every = [ok for v in hits.values() for ok in v]
    for kind, v in sorted(hits.items()):
        print(f"{kind:12} {sum(v):4}/{len(v):<4} {sum(v) / len(v):6.1%}   " + "; ".join(
            f"{a} → {b} ×{n}" for (a, b), n in wrong[kind].most_common(4)))
    print(f"{'all':12} {sum(every):4}/{len(every):<4} {sum(every) / max(len(every), 1):6.1%}")
    if args.json:
        with open(args.json, "w", encoding="utf-8") as file:
            json.dump({"all": sum(every) / max(len(every), 1),
                       "kinds": {k: sum(v) / len(v) for k, v in hits.items()}}, file, indent=1)


if __name__ == "__main__":
    main()
