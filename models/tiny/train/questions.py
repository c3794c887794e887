"""Questions and answers about a clip (clips.py), in thirteen kinds and many phrasings.

`ask(rng, clip)` lists `Asked` candidates; `pick(rng, clip, n)` chooses n of them, kinds evenly. Three more kinds, "list", "times"
and "trace", are for training only: they teach to name everything, to copy a group's times, and to follow an object from
group to group.
"""
from typing import NamedTuple

import numpy as np

import sentences
import wordings
from clips import label
from words import CLASSES, COLOUR_NAMES, MARKS, NUMBERS, SHAPES, article, at, place, plural

KINDS = ["what", "how many", "colour", "where", "direction", "any", "when", "first", "happens", "motion", "detail",
         "two turns", "sentence"]
TEACHING = ("list", "times", "trace")
LOOSE = 0.3  # of the training's questions are worded as people type them
SLOW, FAST = 0.19, 0.3  # picture widths or heights a second; between them is neither
PLACES = ["top left", "top", "top right", "left", "centre", "right", "bottom left", "bottom", "bottom right"]
EDGES = {"left": 0, "right": 1, "top": 2, "bottom": 3}


class Asked(NamedTuple):
    question: str
    answer: str
    kind: str
    at: float | None = None  # the event's time in seconds of "when"
    before: tuple | None = None  # (question, answer) of the turn before it


class Object:
    """What can be said of one object of a clip."""

    def __init__(self, o, groups):
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


def ask(rng, clip):
    one = lambda *texts: str(rng.choice(texts))  # noqa: E731
    objects = [Object(o, clip["groups"]) for o in clip["objects"]]
    name(objects)
    frames, single = len(clip["times"]), clip["single"]
    group_of = {f: g for g, (_, _, fs) in enumerate(clip["groups"]) for f in fs}
    out = []

    def add(kind, question, answer, when=None):
        out.append(Asked(question, answer, kind, when))

    def the(o):
        return "the " + str(rng.choice(o.names))

    def full(o):
        return article(f"{o.colour} {o.cls}") if not o.changes else article(o.cls)

    named = [o for o in objects if o.names]
    kinds = {(o.cls, c) for o in objects for c in (o.colour, o.end_colour)}
    classes, colours = sorted({k for k, _ in kinds}), sorted({c for _, c in kinds})  # a set's order is not the seed's

    # any: as many noes as yeses, the noes close to what is there
    for _ in range(2):
        yes, form = rng.random() < 0.5, rng.integers(3)
        pool = [f"{c} {k}" for k, c in kinds] if form == 0 else list(classes) if form == 1 else \
            [c + " object" for c in colours]
        if yes and pool:
            thing = str(rng.choice(sorted(pool)))
        elif not yes:
            near = [f"{c} {k}" for k in classes for c in colours] if rng.random() < 0.5 else []
            every = [f"{c} {k}" for k in (classes if rng.random() < 0.4 and classes else CLASSES) for c in COLOUR_NAMES]
            wide = every if form == 0 else CLASSES if form == 1 else [c + " object" for c in COLOUR_NAMES]
            left = [w for w in near if w not in pool and form == 0] or [w for w in wide if w not in pool]
            thing = str(rng.choice(sorted(left)))
        else:
            continue
        a = article(thing)
        add("any", one(f"Is there {a}?", f"Is there {a} in the video?", f"Can you see {a}?", f"Do you see {a}?",
                       f"Does {a} appear?", f"Is {a} visible?"), "yes" if yes else "no")
    if clip["moving"] is not None:
        for _ in range(2 if not clip["moving"] else 1):
            add("any", one("Is anything moving?", "Does anything move?", "Is there any movement?", "Does something move?"),
                "yes" if clip["moving"] else "no")

    # how many
    n = len(objects)
    if n < len(NUMBERS):
        add("how many", one("How many objects are there?", "How many objects can you see?", "How many things are there?",
                            "How many objects appear in the video?"), NUMBERS[n])
    for _ in range(3):
        form = rng.integers(3)
        absent = rng.random() < 0.2
        k, c = (str(rng.choice(CLASSES)), str(rng.choice(COLOUR_NAMES))) if absent or not kinds else \
            sorted(kinds)[rng.integers(len(kinds))]
        if any(o.changes and (o.cls == k or c in (o.colour, o.end_colour)) for o in objects):
            continue
        count = sum((form == 1 or o.colour == c) and (form == 2 or o.cls == k) for o in objects)
        what = f"{c} {plural(k)}" if form == 0 else plural(k) if form == 1 else c + " objects"
        if count < len(NUMBERS):
            add("how many", one(f"How many {what} are there?", f"How many {what} can you see?", f"How many {what} appear?",
                                f"Count the {what}.", f"How many {what} are in the video?"), NUMBERS[count])
        if form == 1 and k == "car" and count and all(o.moves() for o in objects if o.cls == k):
            add("how many", one("How many cars drive through?", "How many cars pass?", "How many cars drive by?"),
                NUMBERS[count])

    same = {k: {o.colour for o in objects if o.cls == k} | {o.end_colour for o in objects if o.cls == k} for k in classes}
    for k, cs in same.items():  # several of one class and one colour count as one answer
        if len(cs) == 1:
            few = sum(o.cls == k for o in objects) == 1
            it = k if few else plural(k)
            add("colour", one(f"What colour is the {it}?", f"What is the colour of the {it}?", f"Which colour is the {it}?",
                              f"What colour does the {it} have?") if few else f"What colour are the {it}?", min(cs))
    still = [o for o in objects if o.place and not o.changes and o.seen.all()]
    for o in still:
        if sum(p is not o and bool(np.any((np.abs(p.x - np.nanmean(o.x)) < 0.25) & (np.abs(p.y - np.nanmean(o.y)) < 0.25)))
               for p in objects):
            continue
        spot = at(o.place)
        add("what", one(f"What is {spot}?", f"What can you see {spot}?", f"Which object is {spot}?", f"What is there {spot}?"), full(o))
        add("colour", one(f"What colour is the object {spot}?", f"What is the colour of the object {spot}?"), o.colour)
    if rng.random() < 0.3:
        p = int(rng.integers(9))
        x, y = (p % 3 + 0.5) / 3, (p // 3 + 0.5) / 3
        if all(np.all(np.isnan(o.x) | (np.abs(o.x - x) > 0.33) | (np.abs(o.y - y) > 0.33)) for o in objects):
            spot = at(PLACES[p])
            add("what", one(f"What is {spot}?", f"What can you see {spot}?"), "nothing")

    if 1 <= len(still) == n <= 4 and not any(o.changes for o in objects):  # everything at once teaches fastest
        row = sorted(objects, key=lambda o: np.nanmean(o.x))
        add("list", one("List the objects from left to right.", "Name everything from left to right.", "Describe the picture from left to right."),
            ", ".join(f"{o.colour} {o.cls}" for o in row))
        add("list", one("Where is everything, from left to right?", "Say where each object is, from left to right."),
            ", ".join(f"{o.cls} {o.place}" for o in row))
    for o in named:
        if o.names[-1].endswith("object") and not o.changes:
            add("what", one(f"What is the {o.colour} object?", f"What is the {o.colour} thing?", f"What kind of object is {o.colour}?"),
                article(o.cls))
            if o.cls in SHAPES:
                add("what", f"What shape is the {o.colour} object?", article(o.cls))
        if o.place:
            add("where", one(f"Where is {the(o)}?", f"Where can you see {the(o)}?", f"In which part of the picture is {the(o)}?"), o.place)
    if not objects:
        add("what", one("What is in the video?", "What can you see?", "What do you see?", "What does the video show?"), "nothing")
    elif n == 1 or (n == 2 and objects[0].names and objects[1].names and not any(o.changes for o in objects)):
        order = sorted(objects, key=lambda o: (o.first, o.x[o.first]))
        if n == 1 or abs(order[0].x[order[0].first] - order[1].x[order[1].first]) > 0.06 or order[0].first < order[1].first:
            add("what", one("What is in the video?", "What can you see?", "What do you see?", "What does the video show?"),
                " and ".join(full(o) for o in order))
    elif len(classes) == 1:
        add("what", one("What is in the video?", "What can you see?", "What do you see?", "What does the video show?"),
            plural(objects[0].cls))
    out += details(rng, objects, named)
    if single or frames < 3:
        return out + turns(rng, named, out) + whole(rng, objects, frames, out)

    # with time
    if clip["stamps"] and len(clip["groups"]) > 1:
        spans = [label(*g[:2])[1:-1] for g in clip["groups"]]
        i = int(rng.integers(len(spans) - 1))
        if rng.random() < 0.5:
            add("times", f"Which part comes after {spans[i]}?", spans[i + 1])
        else:
            add("times", f"Which part comes before {spans[i + 1]}?", spans[i])
        add("times", *[("What is the first part?", spans[0]), ("What is the last part?", spans[-1])][rng.integers(2)])
        for _ in range(2):
            g = int(rng.integers(len(spans)))
            there = [o for o in objects if o.seen[clip["groups"][g][2]].any()]
            if len(there) < 2 and not any(o.changes for o in there):
                add("times", one(f"What is there at {spans[g]}?", f"What can you see at {spans[g]}?"),
                    full(there[0]) if there else "nothing")
        last = [max(fs) for _, _, fs in clip["groups"]]

        def spot(o, f):
            return place(o.x[f], o.y[f]) if o.seen[f] else "not there"
        for o in named:
            if len(spans) < 9:
                add("trace", one(f"Where is {the(o)} in each part?", f"Follow {the(o)} through the parts."),
                    ", ".join(spot(o, f) for f in last))
            for g in rng.integers(len(spans), size=2):
                add("trace", one(f"Where is {the(o)} at {spans[g]}?", f"At {spans[g]}, where is {the(o)}?"), spot(o, last[g]))
        if len(spans) < 9:
            add("trace", one("How many objects are there in each part?", "Count the objects in each part."),
                ", ".join(NUMBERS[sum(bool(o.seen[f]) for o in objects)] for f in last))
        for o in named:
            parts = [g for g, (_, _, fs) in enumerate(clip["groups"]) if o.seen[fs].any()]
            if len(parts) == 1:
                add("when", one(f"When is {the(o)} there?", f"When can you see {the(o)}?", f"In which part is {the(o)}?"),
                    spans[parts[0]], float(clip["times"][o.first]))
    movers = [o for o in objects if o.range > 0.08]
    if len(movers) == 1 and movers[0].names and all(o.still for o in objects if o is not movers[0]):
        add("what", one("What is moving?", "What moves?", "Which object moves?"), full(movers[0]))
    for o in named:
        n_o = lambda: the(o)  # noqa: E731, B023
        verb = "drive" if o.cls == "car" else "walk" if o.cls == "person" else "move"
        if o.moves():
            p, q = place(o.x[o.first], o.y[o.first]), place(o.x[o.last], o.y[o.last])
            add("trace", one(f"How does {n_o()} move?", f"From where to where does {n_o()} move?"), f"from {p} to {q}")
        speed, stops = o.path(clip["times"])
        if speed is not None and not SLOW < speed < FAST:
            add("motion", one(f"Is {n_o()} fast or slow?", f"How fast does {n_o()} {verb}?", f"Does {n_o()} {verb} fast or slowly?"),
                "fast" if speed >= FAST else "slow")
        if stops is not None and (stops or rng.random() < 0.5):
            add("motion", one(f"Does {n_o()} stop?", f"Does {n_o()} come to a stop?", f"Does {n_o()} stand still at the end?"),
                "yes" if stops else "no")
        if o.way and (o.moves() or rng.random() < 0.3):
            add("direction", one(f"Which way does {n_o()} move?", f"In which direction does {n_o()} move?",
                                 f"Which way does {n_o()} {verb}?", f"Where is {n_o()} going?", f"Which way does {n_o()} go?"), o.way)
        if o.moves() and o.last == frames - 1:
            p = place(o.x[o.last], o.y[o.last], 0.03)
            if p:
                add("where", one(f"Where is {n_o()} at the end?", f"Where does {n_o()} end up?", f"Where is {n_o()} last?"), p)
        if o.moves() and o.first == 0:
            p = place(o.x[0], o.y[0], 0.03)
            if p:
                add("where", one(f"Where is {n_o()} at the start?", f"Where does {n_o()} start?", f"Where is {n_o()} first?"), p)
        if o.first > 0 and o.moves():
            gaps = [o.x[o.first], 1 - o.x[o.first], o.y[o.first], 1 - o.y[o.first]]
            side = {"right": "left", "left": "right", "down": "top", "up": "bottom"}[o.way]
            if gaps[EDGES[side]] < 0.3:
                add("direction", one(f"From which side does {n_o()} come?", f"From where does {n_o()} enter?",
                                     f"Where does {n_o()} come from?"), side)
        lasting = o.last < frames - 1
        if clip["stamps"] and len(clip["groups"]) > 1:
            if o.first > 0:
                g = group_of[o.first]
                add("when", one(f"When does {n_o()} appear?", f"When is {n_o()} first seen?", f"When does {n_o()} come?",
                                f"When does {n_o()} enter?", f"At what time does {n_o()} appear?"),
                    label(*clip["groups"][g][:2])[1:-1], float(clip["times"][o.first]))
            if lasting and group_of[o.last] == group_of[o.last + 1]:
                g = group_of[o.last]
                add("when", one(f"When does {n_o()} disappear?", f"When is {n_o()} last seen?", f"When does {n_o()} leave?",
                                f"When is {n_o()} gone?"), label(*clip["groups"][g][:2])[1:-1], float(clip["times"][o.last]))
            if o.changes:
                turn = o.turn()
                add("when", one(f"When does the {o.cls} change colour?", f"When does the {o.cls} turn {o.end_colour}?",
                                f"When does the colour of the {o.cls} change?"),
                    label(*clip["groups"][group_of[turn]][:2])[1:-1], float(clip["times"][turn]))
        event = f"it turns {o.end_colour}" if o.changes else f"it moves {o.way}" if o.moves() else None
        if o.still and not o.changes:
            event = "it appears" if o.first > 0 and not lasting else "it disappears" if lasting and o.first == 0 else \
                "nothing" if o.seen.all() else None
        if event:
            add("happens", one(f"What happens to {n_o()}?", f"What does {n_o()} do?", f"What becomes of {n_o()}?"), event)
        if o.changes:
            add("happens", one(f"What colour does the {o.cls} turn?", f"What colour does the {o.cls} become?",
                               f"What colour is the {o.cls} at the end?"), o.end_colour)
            add("colour", one(f"What colour is the {o.cls} at first?", f"What colour is the {o.cls} at the start?"), o.colour)
        if o.changes or rng.random() < 0.25:
            add("happens", one(f"Does {n_o()} change colour?", f"Does the colour of {n_o()} change?"), "yes" if o.changes else "no")
        if o.still or o.moves():
            if rng.random() < 0.3:
                add("happens", f"Does {n_o()} move?", "no" if o.still else "yes")
        if rng.random() < (0.5 if lasting else 0.2):
            add("happens", one(f"Is {n_o()} still there at the end?", f"Is {n_o()} there at the end?"), "no" if lasting else "yes")
    for i, a in enumerate(named):
        for b in named[i + 1:]:
            if a.first != b.first:
                p, q = the(a), the(b)
                early = p if a.first < b.first else q
                if rng.random() < 0.5:
                    p, q = q, p
                add("first", one(f"What comes first, {p} or {q}?", f"Which appears first, {p} or {q}?",
                                 f"What is seen first, {p} or {q}?", f"Which is there first, {p} or {q}?"), early)
    order = sorted(objects, key=lambda o: o.first)
    if 2 <= n <= 4 and not any(o.changes for o in objects) and len({o.first for o in objects}) == n:
        add("trace", one("Name the objects in the order in which they appear.", "What appears, in order?"),
            ", ".join(f"{o.colour} {o.cls}" for o in order))
    if n > 1 and order[0].first < order[1].first and order[0].names and not order[0].changes:
        add("first", one("What comes first?", "What appears first?", "What is seen first?", "Which object comes first?"), full(order[0]))
    if n > 1 and order[-1].first > order[-2].first and order[-1].names and not order[-1].changes:
        add("first", one("What comes last?", "What appears last?", "Which object comes last?"), full(order[-1]))
    for k in classes:
        row = [o for o in order if o.cls == k]
        if len(row) > 1 and not any(o.changes for o in row):
            if row[0].first < row[1].first:
                add("first", one(f"What colour is the first {k}?", f"Which colour does the first {k} have?"), row[0].colour)
                if clip["stamps"] and row[0].first > 0 and len(clip["groups"]) > 1:
                    add("when", one(f"When does the first {k} appear?", f"When does the first {k} come?"),
                        label(*clip["groups"][group_of[row[0].first]][:2])[1:-1], float(clip["times"][row[0].first]))
            if row[-1].first > row[-2].first:
                add("first", one(f"What colour is the last {k}?", f"Which colour does the last {k} have?"), row[-1].colour)
                if clip["stamps"] and len(clip["groups"]) > 1:
                    add("when", one(f"When does the last {k} appear?", f"When does the last {k} come?"),
                        label(*clip["groups"][group_of[row[-1].first]][:2])[1:-1], float(clip["times"][row[-1].first]))
    return out + turns(rng, named, out) + whole(rng, objects, frames, out)


def details(rng, objects, named):
    """Questions about the small marks."""
    one = lambda *texts: str(rng.choice(texts))  # noqa: E731
    out = []
    for o in named:
        if o.mark is None or o.seen.sum() < min(2, len(o.seen)):
            continue
        n = "the " + str(rng.choice(o.names))
        for _ in range(1 if o.mark == "nothing" else 2):
            out.append(Asked(one(f"What is on {n}?", f"What mark is on {n}?", f"What mark does {n} have?", f"What is drawn on {n}?",
                                 f"Which mark do you see on {n}?"), o.mark, "detail"))
        if o.mark == "nothing" and rng.random() < 0.4 or o.mark != "nothing":
            out.append(Asked(one(f"Does {n} have a mark?", f"Is there a mark on {n}?", f"Is there something on {n}?"),
                             "no" if o.mark == "nothing" else "yes", "detail"))
        if o.mark.endswith("dots") or o.mark == "a dot" or o.mark == "nothing" and rng.random() < 0.3:
            count = {"nothing": 0, "a dot": 1, "two dots": 2, "three dots": 3}[o.mark]
            out.append(Asked(one(f"How many dots are on {n}?", f"How many dots does {n} have?", f"Count the dots on {n}."),
                             NUMBERS[count], "detail"))
    if all(o.mark is not None or o.cls not in SHAPES for o in objects):
        for mark in MARKS[1:]:
            row = [o for o in objects if o.mark == mark]
            if len(row) == 1 and row[0] in named:
                out.append(Asked(one(f"What has {mark} on it?", f"Which object has {mark}?", f"On which object is there {mark}?",
                                     f"Which object has {mark} on it?"), article(f"{row[0].colour} {row[0].cls}"), "detail"))
    return out


def turns(rng, named, single):
    """Second questions that lean on the one before: "it", or "And the red car?"."""
    about, forms = {}, {}  # object: its questions; form of question: (object's name, question) of each object
    for q in single:
        if q.kind in TEACHING or q.kind == "first":
            continue
        names = [(k, "the " + n) for k, o in enumerate(named) for n in o.names
                 if f"the {n} " in q.question or q.question.rstrip("?.").endswith(f"the {n}")]
        if len(names) == 1:
            (k, n), = names
            about.setdefault(k, []).append((n, q))
            forms.setdefault(q.question.replace(n, "{}"), []).append((k, n, q))
    out = []
    for k, asked in about.items():
        whole = article(f"{named[k].colour} {named[k].cls}")
        first = [q for _, q in asked] + 2 * [q for q in single if q.answer == whole and q.kind not in TEACHING]
        for _ in range(2):
            n, second = asked[rng.integers(len(asked))]
            q = first[rng.integers(len(first))]
            if q is not second and q.kind != second.kind and second.answer.split()[-1] not in q.question:
                text = second.question.replace(n, "it")
                if second.kind in ("detail", "where", "colour") and rng.random() < 0.3:
                    text = "And " + text[0].lower() + text[1:]
                out.append(Asked(text, second.answer, "two turns", second.at, (q.question, q.answer)))
    for row in forms.values():
        for i, (k, _, q) in enumerate(row):
            for other, n, second in row[i + 1:]:
                if other != k:
                    out.append(Asked(str(rng.choice([f"And {n}?", f"What about {n}?"])), second.answer, "two turns", second.at,
                                     (q.question, q.answer)))
    return out


def whole(rng, objects, frames, single, most=4):
    """Some of the questions once more, to be answered in a sentence, and to describe it all."""
    out = []
    for i in rng.permutation(len(single)):
        q = single[i]
        text = None if q.kind in TEACHING else sentences.sentence(q.question, q.answer)
        if text and len(out) < most:
            out.append(Asked(f"{q.question} {rng.choice(sentences.ASKING)}", text, "sentence", q.at))
    text = sentences.describe(objects, frames)
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
