"""The words scenes are made of: classes, colours, directions, places."""
SHAPES = ["circle", "square", "triangle", "star", "cross", "ring"]
THINGS = ["car", "person", "apple", "broccoli", "cauliflower", "bolt"]
CLASSES = SHAPES + THINGS
MARKS = ["nothing", "a dot", "a line", "two dots", "three dots"]  # painted on some shapes
PLURALS = {"cross": "crosses", "person": "people", "broccoli": "broccoli"}
COLOURS = {  # typical RGB; a scene jitters it
    "red": (215, 35, 35), "green": (40, 165, 55), "blue": (40, 80, 220), "yellow": (240, 220, 40),
    "orange": (245, 135, 20), "purple": (140, 50, 175), "white": (245, 245, 245), "black": (18, 18, 18),
    "grey": (130, 132, 135)}
COLOUR_NAMES = list(COLOURS)
NUMBERS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight"]


def plural(noun):
    return PLURALS.get(noun, noun + "s")


def singular(noun):
    return next((k for k in [*CLASSES, "object", "thing", "dot"] if plural(k) == noun), noun)


def at(spot):
    """at the top left, in the centre, on the right"""
    return f"{'in' if spot == 'centre' else 'on' if spot in ('left', 'right') else 'at'} the {spot}"


def article(phrase):
    return ("an " if phrase[0] in "aeiou" else "a ") + phrase


def place(x, y, margin=0.0):
    """The ninth of the picture (x, y in 0..1) lies in, or None within `margin` of a border between two."""
    for edge in (1 / 3, 2 / 3):
        if abs(x - edge) < margin or abs(y - edge) < margin:
            return None
    column = "left" if x < 1 / 3 else "right" if x > 2 / 3 else ""
    row = "top" if y < 1 / 3 else "bottom" if y > 2 / 3 else ""
    return f"{row} {column}".strip() or "centre"
