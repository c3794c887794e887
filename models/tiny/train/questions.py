"""Questions and answers about a clip (clips.py), in thirteen kinds and many phrasings.

`ask(rng, clip)` lists `Asked` candidates; `pick(rng, clip, n)` chooses n of them, kinds evenly. Three more kinds, "list", "times"
and "trace", are for training only: they teach to name everything, to copy a group's times, and to follow an object from
group to group.
"""
import details
import events
import sentences
import things
import turns
import wordings
from about import TEACHING, About, Asked

KINDS = ["what", "how many", "colour", "where", "direction", "any", "when", "first", "happens", "motion", "detail",
         "two turns", "sentence"]
LOOSE = 0.4  # of the training's questions are worded as people type them


def ask(rng, clip):
    a = About(rng, clip)
    things.add_all(a)
    details.add_all(a)
    if not a.single and a.frames > 2:
        events.add_all(a)
    return a.out + turns.second(a, a.out) + whole(a, a.out)


def whole(a, single, most=4):
    """Some of the questions once more, to be answered in a sentence, and to describe it all."""
    rng, out = a.rng, []
    for i in rng.permutation(len(single)):
        q = single[i]
        text = None if q.kind in TEACHING else sentences.sentence(q.question, q.answer)
        if text and len(out) < most:
            out.append(Asked(f"{q.question} {rng.choice(sentences.ASKING)}", text, "sentence", q.at))
    text = sentences.describe(a.objects, a.frames)
    return out + [Asked(str(rng.choice(sentences.DESCRIBE)), text, "sentence")] if text else out


def pick(rng, clip, n=8, train=False):
    """At most n questions, taking the kinds in turn. train: those for TEACHING too, some of them as people type."""
    queue = [q for q in ask(rng, clip) if train or q.kind not in TEACHING]
    rng.shuffle(queue)
    chosen, counts = [], {}
    while queue and len(chosen) < n:
        least = min(counts.get(q.kind, 0) for q in queue)
        for i, q in enumerate(queue):
            if counts.get(q.kind, 0) == least:
                counts[q.kind] = least + 1
                chosen.append(queue.pop(i))
                break
    if train:
        chosen = [q._replace(question=wordings.loosely(rng, q.question)) if rng.random() < LOOSE else q for q in chosen]
    return [q._replace(question=str(q.question), answer=str(q.answer)) for q in chosen]
