"""Questions about the small marks on shapes."""
from words import MARKS, NUMBERS, SHAPES, article


def add_all(a):
    rng, one = a.rng, a.one
    for o in a.named:
        if o.mark is None or o.seen.sum() < min(2, len(o.seen)):
            continue
        n = a.the(o)
        for _ in range(1 if o.mark == "nothing" else 2):
            a.add("detail", one(f"What is on {n}?", f"What mark is on {n}?", f"What mark does {n} have?", f"What is drawn on {n}?",
                                f"Which mark do you see on {n}?"), o.mark)
        if o.mark == "nothing" and rng.random() < 0.4 or o.mark != "nothing":
            a.add("detail", one(f"Does {n} have a mark?", f"Is there a mark on {n}?", f"Is there something on {n}?"),
                  "no" if o.mark == "nothing" else "yes")
        if o.mark.endswith("dots") or o.mark == "a dot" or o.mark == "nothing" and rng.random() < 0.3:
            count = {"nothing": 0, "a dot": 1, "two dots": 2, "three dots": 3}[o.mark]
            a.add("detail", one(f"How many dots are on {n}?", f"How many dots does {n} have?", f"Count the dots on {n}."), NUMBERS[count])
    if all(o.mark is not None or o.cls not in SHAPES for o in a.objects):
        for mark in MARKS[1:]:
            row = [o for o in a.objects if o.mark == mark]
            if len(row) == 1 and row[0] in a.named:
                a.add("detail", one(f"What has {mark} on it?", f"Which object has {mark}?", f"On which object is there {mark}?",
                                    f"Which object has {mark} on it?"), article(f"{row[0].colour} {row[0].cls}"))
