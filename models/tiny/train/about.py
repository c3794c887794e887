"""What questions are made from: the objects of a clip (clips.py), their names, and the candidates so far."""
from typing import NamedTuple

import numpy as np

from clips import label
from words import article, place


TEACHING = ("list", "times", "trace")  # kinds for training only


class Asked(NamedTuple):
    question: str
    answer: str
    kind: str
    at: float | None = None  # the event's time in seconds of "when"
    before: tuple | None = None  # (question, answer) of the turn before it


class Object:
    """What can be said of one object of a clip."""

    def __init__(self, o):
        self.cls, self.seen, self.x, self.y, self.colours = o["cls"], o["seen"], o["x"], o["y"], o["colours"]
        self.mark = o["mark"]
        index = np.flatnonzero(self.seen)
        self.first, self.last = index[0], index[-1]
        self.colour, self.end_colour = self.colours[self.first], self.colours[self.last]
        self.changes = self.colour != self.end_colour
        self.dx, self.dy = self.x[self.last] - self.x[self.first], self.y[self.last] - self.y[self.first]
        self.range = max(np.ptp(self.x[index]), np.ptp(self.y[index]))
        self.still = self.range < 0.02
        self.way = None
        if self.still and len(index) > 1:
            self.way = "it does not move"
        elif abs(self.dx) > 0.12 and abs(self.dx) > 1.6 * abs(self.dy):
            self.way = "right" if self.dx > 0 else "left"
        elif abs(self.dy) > 0.12 and abs(self.dy) > 1.6 * abs(self.dx):
            self.way = "down" if self.dy > 0 else "up"
        self.place = place(np.mean(self.x[index]), np.mean(self.y[index]), 0.03) if self.still else None
        self.names = []  # noun phrases that mean this object alone

    def path(self, times):
        """(speed in pictures a second, whether it stands still at the last three frames or more), None where unclear."""
        index = np.flatnonzero(self.seen)
        if len(index) < 3 or not self.moves():
            return None, None
        x, y, t = self.x[index], self.y[index], times[index]
        step = np.hypot(np.diff(x), np.diff(y))
        going = step > 0.012
        speed = np.median((step / np.diff(t))[going]) if going.any() else None
        rest = len(step) - 1 - np.flatnonzero(going)[-1] if going.any() else 0  # steps at the end without a move
        stops = True if rest >= 3 and self.seen[-1] else False if rest == 0 else None
        return speed, stops

    def moves(self):
        return self.way in ("left", "right", "up", "down")

    def turn(self):
        """Frame in which the new colour is first seen, or None."""
        return next(i for i in range(self.first, self.last + 1) if self.seen[i] and self.colours[i] != self.colour)


def name(objects):
    kinds = [(o.cls, c) for o in objects for c in {o.colour, o.end_colour}]
    for o in objects:
        if o.changes:
            if sum(k == o.cls for k, _ in kinds) == 2:
                o.names = [o.cls]
            continue
        if kinds.count((o.cls, o.colour)) == 1:
            o.names.append(f"{o.colour} {o.cls}")
        if sum(k == o.cls for k, _ in kinds) == 1:
            o.names.append(o.cls)
        if sum(c == o.colour for _, c in kinds) == 1:
            o.names.append(o.colour + " object")


class About:
    """A clip as its questions see it. `out` collects the candidates."""

    def __init__(self, rng, clip):
        self.rng, self.clip, self.out = rng, clip, []
        self.objects = [Object(o) for o in clip["objects"]]
        name(self.objects)
        self.named = [o for o in self.objects if o.names]
        self.frames, self.single = len(clip["times"]), clip["single"]
        self.kinds = {(o.cls, c) for o in self.objects for c in (o.colour, o.end_colour)}
        # sorted: a set's order is not the seed's
        self.classes, self.colours = sorted({k for k, _ in self.kinds}), sorted({c for _, c in self.kinds})
        self.spans = [label(*g[:2])[1:-1] for g in clip["groups"]] if clip["stamps"] and len(clip["groups"]) > 1 else []
        self.group_of = {f: g for g, (_, _, fs) in enumerate(clip["groups"]) for f in fs}

    def one(self, *texts):
        return str(self.rng.choice(texts))

    def the(self, o):
        return "the " + str(self.rng.choice(o.names))

    def full(self, o):
        return article(f"{o.colour} {o.cls}") if not o.changes else article(o.cls)

    def add(self, kind, question, answer, when=None):
        self.out.append(Asked(question, answer, kind, when))

    def add_span(self, question, frame):
        """A question whose answer is the group of a frame."""
        self.add("when", question, self.spans[self.group_of[frame]], float(self.clip["times"][frame]))
