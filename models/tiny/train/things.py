"""Questions that a single picture could answer: is there any, how many, which colour, what, where; and the teaching "list"."""
import numpy as np

from words import CLASSES, COLOUR_NAMES, NUMBERS, SHAPES, article, at, plural

PLACES = ["top left", "top", "top right", "left", "centre", "right", "bottom left", "bottom", "bottom right"]


def add_any(a):
    """As many noes as yeses, the noes close to what is there."""
    rng, classes, colours = a.rng, a.classes, a.colours
    for _ in range(2):
        yes, form = rng.random() < 0.5, rng.integers(3)
        pool = [f"{c} {k}" for k, c in a.kinds] if form == 0 else list(classes) if form == 1 else \
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
        x = article(thing)
        a.add("any", a.one(f"Is there {x}?", f"Is there {x} in the video?", f"Can you see {x}?", f"Do you see {x}?",
                           f"Does {x} appear?", f"Is {x} visible?"), "yes" if yes else "no")
    moving = a.clip["moving"]
    if moving is not None:
        for _ in range(1 if moving else 2):
            a.add("any", a.one("Is anything moving?", "Does anything move?", "Is there any movement?", "Does something move?"),
                  "yes" if moving else "no")


def add_how_many(a):
    rng, objects = a.rng, a.objects
    n = len(objects)
    if n < len(NUMBERS):
        a.add("how many", a.one("How many objects are there?", "How many objects can you see?", "How many things are there?",
                                "How many objects appear in the video?"), NUMBERS[n])
    for _ in range(3):
        form = rng.integers(3)
        absent = rng.random() < 0.2
        k, c = (str(rng.choice(CLASSES)), str(rng.choice(COLOUR_NAMES))) if absent or not a.kinds else \
            sorted(a.kinds)[rng.integers(len(a.kinds))]
        if any(o.changes and (o.cls == k or c in (o.colour, o.end_colour)) for o in objects):
            continue
        count = sum((form == 1 or o.colour == c) and (form == 2 or o.cls == k) for o in objects)
        what = f"{c} {plural(k)}" if form == 0 else plural(k) if form == 1 else c + " objects"
        if count < len(NUMBERS):
            a.add("how many", a.one(f"How many {what} are there?", f"How many {what} can you see?", f"How many {what} appear?",
                                    f"Count the {what}.", f"How many {what} are in the video?"), NUMBERS[count])
        if form == 1 and k == "car" and count and all(o.moves() for o in objects if o.cls == k):
            a.add("how many", a.one("How many cars drive through?", "How many cars pass?", "How many cars drive by?"),
                  NUMBERS[count])


def add_colours(a):
    """Several of one class and one colour count as one answer."""
    for k in a.classes:
        several = [o for o in a.objects if o.cls == k]
        colours = {c for o in several for c in (o.colour, o.end_colour)}
        if len(colours) == 1:
            few = len(several) == 1
            it = k if few else plural(k)
            a.add("colour", a.one(f"What colour is the {it}?", f"What is the colour of the {it}?", f"Which colour is the {it}?",
                                  f"What colour does the {it} have?") if few else f"What colour are the {it}?", min(colours))


def add_places(a):
    """What is at a place, where is a thing, and where is everything."""
    rng, objects, one, add = a.rng, a.objects, a.one, a.add
    still = [o for o in objects if o.place and not o.changes and o.seen.all()]
    for o in still:
        if sum(p is not o and bool(np.any((np.abs(p.x - np.nanmean(o.x)) < 0.25) & (np.abs(p.y - np.nanmean(o.y)) < 0.25)))
               for p in objects):
            continue
        spot = at(o.place)
        add("what", one(f"What is {spot}?", f"What can you see {spot}?", f"Which object is {spot}?", f"What is there {spot}?"), a.full(o))
        add("colour", one(f"What colour is the object {spot}?", f"What is the colour of the object {spot}?"), o.colour)
    if rng.random() < 0.3:
        p = int(rng.integers(9))
        x, y = (p % 3 + 0.5) / 3, (p // 3 + 0.5) / 3
        if all(np.all(np.isnan(o.x) | (np.abs(o.x - x) > 0.33) | (np.abs(o.y - y) > 0.33)) for o in objects):
            spot = at(PLACES[p])
            add("what", one(f"What is {spot}?", f"What can you see {spot}?"), "nothing")
    if 1 <= len(still) == len(objects) <= 4 and not any(o.changes for o in objects):  # everything at once teaches fastest
        row = sorted(objects, key=lambda o: np.nanmean(o.x))
        add("list", one("List the objects from left to right.", "Name everything from left to right.", "Describe the picture from left to right."),
            ", ".join(f"{o.colour} {o.cls}" for o in row))
        add("list", one("Where is everything, from left to right?", "Say where each object is, from left to right."),
            ", ".join(f"{o.cls} {o.place}" for o in row))
    for o in a.named:
        if o.names[-1].endswith("object") and not o.changes:
            add("what", one(f"What is the {o.colour} object?", f"What is the {o.colour} thing?", f"What kind of object is {o.colour}?"),
                article(o.cls))
            if o.cls in SHAPES:
                add("what", f"What shape is the {o.colour} object?", article(o.cls))
        if o.place:
            add("where", one(f"Where is {a.the(o)}?", f"Where can you see {a.the(o)}?", f"In which part of the picture is {a.the(o)}?"), o.place)


def add_what_all(a):
    """What is in the video."""
    objects = a.objects
    answer = None
    if not objects:
        answer = "nothing"
    elif len(objects) == 1 or (len(objects) == 2 and len(a.named) == 2 and not any(o.changes for o in objects)):
        order = sorted(objects, key=lambda o: (o.first, o.x[o.first]))
        if len(objects) == 1 or order[0].first < order[1].first or \
                abs(order[0].x[order[0].first] - order[1].x[order[1].first]) > 0.06:
            answer = " and ".join(a.full(o) for o in order)
    elif len(a.classes) == 1:
        answer = plural(objects[0].cls)
    if answer:
        a.add("what", a.one("What is in the video?", "What can you see?", "What do you see?", "What does the video show?"), answer)


def add_all(a):
    for add in (add_any, add_how_many, add_colours, add_places, add_what_all):
        add(a)
