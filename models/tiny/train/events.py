"""Questions that take time to answer: when, first, happens, motion, direction; and the teaching "times" and "trace"."""
from words import NUMBERS, place

SLOW, FAST = 0.19, 0.3  # picture widths or heights a second; between them is neither
EDGES = {"left": 0, "right": 1, "top": 2, "bottom": 3}
FROM = {"right": "left", "left": "right", "down": "top", "up": "bottom"}  # the side that lies behind a way


def add_parts(a):
    """What the groups' times are, and what is seen in which of them."""
    rng, spans, groups, one, add = a.rng, a.spans, a.clip["groups"], a.one, a.add
    i = int(rng.integers(len(spans) - 1))
    if rng.random() < 0.5:
        add("times", f"Which part comes after {spans[i]}?", spans[i + 1])
    else:
        add("times", f"Which part comes before {spans[i + 1]}?", spans[i])
    add("times", *[("What is the first part?", spans[0]), ("What is the last part?", spans[-1])][rng.integers(2)])
    for _ in range(2):
        g = int(rng.integers(len(spans)))
        there = [o for o in a.objects if o.seen[groups[g][2]].any()]
        if len(there) < 2 and not any(o.changes for o in there):
            add("times", one(f"What is there at {spans[g]}?", f"What can you see at {spans[g]}?"),
                a.full(there[0]) if there else "nothing")
    last = [max(fs) for _, _, fs in groups]

    def spot(o, f):
        return place(o.x[f], o.y[f]) if o.seen[f] else "not there"
    for o in a.named:
        if len(spans) < 9:
            add("trace", one(f"Where is {a.the(o)} in each part?", f"Follow {a.the(o)} through the parts."),
                ", ".join(spot(o, f) for f in last))
        for g in rng.integers(len(spans), size=2):
            add("trace", one(f"Where is {a.the(o)} at {spans[g]}?", f"At {spans[g]}, where is {a.the(o)}?"), spot(o, last[g]))
    if len(spans) < 9:
        add("trace", one("How many objects are there in each part?", "Count the objects in each part."),
            ", ".join(NUMBERS[sum(bool(o.seen[f]) for o in a.objects)] for f in last))
    for o in a.named:
        if len({g for f, g in a.group_of.items() if o.seen[f]}) == 1:
            a.add_span(one(f"When is {a.the(o)} there?", f"When can you see {a.the(o)}?", f"In which part is {a.the(o)}?"), o.first)


def add_motion(a, o):
    """How one object moves."""
    rng, one, add = a.rng, a.one, a.add
    verb = "drive" if o.cls == "car" else "walk" if o.cls == "person" else "move"
    if o.moves():
        p, q = place(o.x[o.first], o.y[o.first]), place(o.x[o.last], o.y[o.last])
        add("trace", one(f"How does {a.the(o)} move?", f"From where to where does {a.the(o)} move?"), f"from {p} to {q}")
    speed, stops = o.path(a.clip["times"])
    if speed is not None and not SLOW < speed < FAST:
        add("motion", one(f"Is {a.the(o)} fast or slow?", f"How fast does {a.the(o)} {verb}?", f"Does {a.the(o)} {verb} fast or slowly?"),
            "fast" if speed >= FAST else "slow")
    if stops is not None and (stops or rng.random() < 0.5):
        add("motion", one(f"Does {a.the(o)} stop?", f"Does {a.the(o)} come to a stop?", f"Does {a.the(o)} stand still at the end?"),
            "yes" if stops else "no")
    if o.way and (o.moves() or rng.random() < 0.3):
        add("direction", one(f"Which way does {a.the(o)} move?", f"In which direction does {a.the(o)} move?",
                             f"Which way does {a.the(o)} {verb}?", f"Where is {a.the(o)} going?", f"Which way does {a.the(o)} go?"), o.way)
    if o.moves() and o.last == a.frames - 1:
        p = place(o.x[o.last], o.y[o.last], 0.03)
        if p:
            add("where", one(f"Where is {a.the(o)} at the end?", f"Where does {a.the(o)} end up?", f"Where is {a.the(o)} last?"), p)
    if o.moves() and o.first == 0:
        p = place(o.x[0], o.y[0], 0.03)
        if p:
            add("where", one(f"Where is {a.the(o)} at the start?", f"Where does {a.the(o)} start?", f"Where is {a.the(o)} first?"), p)
    if o.first > 0 and o.moves():
        gaps = [o.x[o.first], 1 - o.x[o.first], o.y[o.first], 1 - o.y[o.first]]
        side = FROM[o.way]
        if gaps[EDGES[side]] < 0.3:
            add("direction", one(f"From which side does {a.the(o)} come?", f"From where does {a.the(o)} enter?",
                                 f"Where does {a.the(o)} come from?"), side)


def add_when(a, o):
    one = a.one
    if o.first > 0:
        a.add_span(one(f"When does {a.the(o)} appear?", f"When is {a.the(o)} first seen?", f"When does {a.the(o)} come?",
                       f"When does {a.the(o)} enter?", f"At what time does {a.the(o)} appear?"), o.first)
    if o.last < a.frames - 1 and a.group_of[o.last] == a.group_of[o.last + 1]:
        a.add_span(one(f"When does {a.the(o)} disappear?", f"When is {a.the(o)} last seen?", f"When does {a.the(o)} leave?",
                       f"When is {a.the(o)} gone?"), o.last)
    if o.changes:
        a.add_span(one(f"When does the {o.cls} change colour?", f"When does the {o.cls} turn {o.end_colour}?",
                       f"When does the colour of the {o.cls} change?"), o.turn())


def add_happens(a, o):
    """What becomes of one object."""
    rng, one, add = a.rng, a.one, a.add
    lasting = o.last < a.frames - 1
    event = f"it turns {o.end_colour}" if o.changes else f"it moves {o.way}" if o.moves() else None
    if o.still and not o.changes:
        event = "it appears" if o.first > 0 and not lasting else "it disappears" if lasting and o.first == 0 else \
            "nothing" if o.seen.all() else None
    if event:
        add("happens", one(f"What happens to {a.the(o)}?", f"What does {a.the(o)} do?", f"What becomes of {a.the(o)}?"), event)
    if o.changes:
        add("happens", one(f"What colour does the {o.cls} turn?", f"What colour does the {o.cls} become?",
                           f"What colour is the {o.cls} at the end?"), o.end_colour)
        add("colour", one(f"What colour is the {o.cls} at first?", f"What colour is the {o.cls} at the start?"), o.colour)
    if o.changes or rng.random() < 0.25:
        add("happens", one(f"Does {a.the(o)} change colour?", f"Does the colour of {a.the(o)} change?"), "yes" if o.changes else "no")
    if o.still or o.moves():
        if rng.random() < 0.3:
            add("happens", f"Does {a.the(o)} move?", "no" if o.still else "yes")
    if rng.random() < (0.5 if lasting else 0.2):
        add("happens", one(f"Is {a.the(o)} still there at the end?", f"Is {a.the(o)} there at the end?"), "no" if lasting else "yes")


def add_order(a):
    """What comes first and last, of all and of a class."""
    rng, objects, one, add = a.rng, a.objects, a.one, a.add
    for i, early in enumerate(a.named):
        for other in a.named[i + 1:]:
            if early.first != other.first:
                p, q = a.the(early), a.the(other)
                answer = p if early.first < other.first else q
                if rng.random() < 0.5:
                    p, q = q, p
                add("first", one(f"What comes first, {p} or {q}?", f"Which appears first, {p} or {q}?",
                                 f"What is seen first, {p} or {q}?", f"Which is there first, {p} or {q}?"), answer)
    order, n = sorted(objects, key=lambda o: o.first), len(objects)
    if 2 <= n <= 4 and not any(o.changes for o in objects) and len({o.first for o in objects}) == n:
        add("trace", one("Name the objects in the order in which they appear.", "What appears, in order?"),
            ", ".join(f"{o.colour} {o.cls}" for o in order))
    if n > 1 and order[0].first < order[1].first and order[0].names and not order[0].changes:
        add("first", one("What comes first?", "What appears first?", "What is seen first?", "Which object comes first?"), a.full(order[0]))
    if n > 1 and order[-1].first > order[-2].first and order[-1].names and not order[-1].changes:
        add("first", one("What comes last?", "What appears last?", "Which object comes last?"), a.full(order[-1]))
    for k in a.classes:
        row = [o for o in order if o.cls == k]
        if len(row) > 1 and not any(o.changes for o in row):
            for which, o, alone in (("first", row[0], row[0].first < row[1].first), ("last", row[-1], row[-1].first > row[-2].first)):
                if not alone:
                    continue
                add("first", one(f"What colour is the {which} {k}?", f"Which colour does the {which} {k} have?"), o.colour)
                if a.spans and o.first > 0:
                    a.add_span(one(f"When does the {which} {k} appear?", f"When does the {which} {k} come?"), o.first)


def add_all(a):
    if a.spans:
        add_parts(a)
    movers = [o for o in a.objects if o.range > 0.08]
    if len(movers) == 1 and movers[0].names and all(o.still for o in a.objects if o is not movers[0]):
        a.add("what", a.one("What is moving?", "What moves?", "Which object moves?"), a.full(movers[0]))
    for o in a.named:
        add_motion(a, o)
        if a.spans:
            add_when(a, o)
        add_happens(a, o)
    add_order(a)
