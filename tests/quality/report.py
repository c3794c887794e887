"""The tables of scripts/quality out of what was answered."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import collections

import marks

TITLES = {"none": "all tokens", "default": "SCC as it comes", "last": "the last group alone", "blind": "no video"}


def table(kinds):
    return "\n".join(f"  {name:12} {p:6.1%}  {low:4.0%}–{high:<4.0%} of {n}" for name, (p, low, high, n) in kinds.items())


def grouped(answers, expected, kind):
    """{kind of a question: (share, low, high, count)} of one way's answers; "all" comes last."""
    marked = collections.defaultdict(list)
    for asked, question in expected.items():
        ok = marks.right(answers.get(asked, ""), question)
        marked[kind(question)].append(ok)
    out = {k: (*marks.share(v), len(v)) for k, v in sorted(marked.items())}
    every = [ok for v in marked.values() for ok in v]
    return {**out, "all": (*marks.share(every), len(every))}


def mistakes(answers, expected, kind, most=3):
    """{kind of a question: [(expected, answered, times)]} of the most frequent mistakes that were made more than once."""
    made = collections.defaultdict(collections.Counter)
    for asked, question in expected.items():
        answer = answers.get(asked, "")
        if not marks.right(answer, question):
            made[kind(question)][question["answer"], answer] += 1
    return {k: [(*pair, n) for pair, n in v.most_common(most) if n > 1] for k, v in sorted(made.items())}


def key(clip, asked):
    """What tells an asked question from others: the clip, the words, the turn before."""
    return clip, asked["question"], asked.get("before")


def expected(suite, part=None):
    """{key: question} of a suite, or of one part of it."""
    return {key(c["id"], q): {**q, "part": c["part"]} for c in suite for q in c["questions"] if part in (None, c["part"])}


def kind(question):
    return "long" if question["part"] == "long" else question["kind"]


def report(generated, real, lines, blind, ways):
    """Prints the tables, returns them for --json. lines: what play.py wrote; blind: answers without video, in the order of the
    generated questions; ways: names."""
    answers, counts = collections.defaultdict(dict), collections.defaultdict(collections.Counter)
    drawn = {c["id"] for c in generated}
    for line in lines:
        if "question" in line:
            answers[line["way"]][key(line["clip"], line)] = line["answer"]
        elif line["clip"] in drawn:
            counts[line["way"]].update({k: line[k] for k in ("frames", "tokens_in", "tokens_out", "ms")})
    answers["blind"] = dict(zip((key(c["id"], q) for c in generated for q in c["questions"]), blind, strict=True))
    questions = expected(generated)
    scores = {way: grouped(answers[way], questions, kind) for way in [*ways, "blind"]}

    result = {"questions": len(questions)}
    for way, title in TITLES.items():
        if way in scores:
            print(f"{title}:\n{table(scores[way])}")
            result["full" if way == "none" else way] = scores[way]["all"][0]
    for name, way in (("kinds", "none"), ("default_kinds", "default"), ("blind_kinds", "blind")):
        if way in scores:
            result[name] = {k: v[0] for k, v in scores[way].items() if k != "all"}
    if "none" in scores:
        result["mistakes"] = mistakes(answers["none"], questions, kind)
        print("most frequent mistakes, all tokens (expected → answered):")
        for name, made in result["mistakes"].items():
            print(f"  {name:12} " + (", ".join(f"{a} → {b} {n}×" for a, b, n in made) or "no two alike"))
    result["rows"] = rows(ways, scores, counts, result.get("full"))
    result["real"] = {}
    if real:
        print("\nreal clips:")
    for part in sorted({c["part"] for c in real}):
        for way in ("none", "default"):
            if way in ways:
                p, low, high, n = grouped(answers[way], expected(real, part), kind)["all"]
                print(f"  {part:10} {way:8} {p:6.1%}  {low:4.0%}–{high:<4.0%} of {n}")
                result["real"][f"{part} {way}"] = p
    return result


def rows(ways, scores, counts, full):
    """A row per way: what was kept, how much was right, what compressing cost."""
    out = []
    print(f"\n{'way':14} {'kept':>6} {'right':>7} {'range':>9} {'of full':>8} {'ms a frame':>11}")
    for way in ways:
        p, low, high, _ = scores[way]["all"]
        c = counts[way]
        kept, ms = 100 * c["tokens_out"] / max(c["tokens_in"], 1), c["ms"] / max(c["frames"], 1)
        method, _, percent = way.partition("-")
        out.append({"method": method, "retention": float(percent or (kept if way == "default" else 100)), "kept": kept, "score": p,
                    "low": low, "high": high, "ms_per_frame": ms})
        relative = f"{p / full:8.1%}" if full else " " * 8
        print(f"{way:14} {kept:5.1f}% {p:7.1%} {low:4.0%}–{high:<4.0%} {relative} {ms:11.2f}")
    return out
