"""Which answers are right, and how sure a share of right ones is."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import math
import re

NUMBERS = "zero one two three four five six seven eight nine ten".split()


def plain(text):
    """Lower case, no punctuation, no articles, number words as digits."""
    words = re.sub(r"[^\w\s:.–-]", " ", text.lower().replace("-", "–")).strip(" .").split()
    words = [str(NUMBERS.index(w)) if w in NUMBERS else "0" if w == "none" else w for w in words]
    return " ".join(w.strip(".") for w in words if w not in ("a", "an", "the"))


def seconds(clock):
    total = 0.0
    for part in clock.split(":"):
        total = total * 60 + float(part)
    return total


def right(answer, question):
    """question: {answer, also: other right ones, at: seconds of the event}. A time is right, too, when it is a span of at
    most 3 s that holds the event."""
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


def share(marks):
    """(share, low, high) of a list of bools, low and high of Wilson's 95 % interval; zeros where there are none."""
    n, z = len(marks), 1.96
    if not n:
        return 0.0, 0.0, 0.0
    p = sum(marks) / n
    middle, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return p, max(0.0, (middle - half) / (1 + z * z / n)), min(1.0, (middle + half) / (1 + z * z / n))
