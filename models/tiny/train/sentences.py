"""Answers in whole sentences: the short answer of a question, said as people say it, and descriptions of a whole clip.

`SENTENCES` has a line for each form of the questions: the question's pattern and what says the answer. A question asks for a
sentence by one of `ASKING` behind it.
"""
import re

from words import article, at, singular

ASKING = ["Answer in a sentence.", "Answer in a full sentence.", "Say it in a sentence.", "Answer with a sentence."]
DESCRIBE = ["Describe the video.", "Describe what you see.", "Describe the scene.", "Describe what happens in the video."]
MOST = 3  # objects in a description
X = r"((?:the|an?) .+?)"  # "the red car"


def capital(text):
    return text[0].upper() + text[1:]


def there(things):
    """ "There is ..." of what an answer of kind "what", "how many" or "detail" names."""
    first, last = things.split()[0], things.split()[-1]
    several = first not in ("a", "an", "one", "nothing") and last != singular(last) or first in ("two", "three")
    return f"There {'are' if several else 'is'} {things}"


def count(number, things):
    if number == "one":
        *before, last = things.split()
        return there(" ".join(["one", *before, singular(last)]))
    return f"There are {'no' if number == 'zero' else number} {things}"


def moves(x, way):
    return f"{x} {'does not move' if way.startswith('it ') else 'moves ' + way if way in ('up', 'down') else f'moves to the {way}'}"


def happens(x, event):
    return f"nothing happens to {x}" if event == "nothing" else event.replace("it", x, 1)


def whether(yes, no):
    """Of a question for yes or no; \\1 is what it asks about."""
    return lambda a, *x: f"{a}, " + (yes if a == "yes" else no).format(*x)


SENTENCES = [(re.compile(form), say) for form, say in [
    (r"(?:Is there|Can you see|Do you see|Does|Is) an? (.+?)(?: in the video| appear| visible)?\?",
     lambda a, x: f"yes, there is {article(x)}" if a == "yes" else f"no, there is no {x}"),
    (r"(?:Is anything moving|Does anything move|Is there any movement|Does something move)\?",
     whether("something is moving", "nothing is moving")),
    (r"(?:How many|Count the) dots (?:are |does )?(?:on )?" + X + r"(?: have)?[?.]", lambda a, x: f"{count(a, 'dots')} on {x}"),
    (r"How many (.+) (?:are there|can you see|appear|are in the video|appear in the video)\?", lambda a, x: count(a, x)),
    (r"Count the (.+)\.", lambda a, x: count(a, x)),
    (rf"What colour is {X} at (?:first|the start)\?", lambda a, x: f"at first {x} is {a}"),
    (rf"What colour is {X} at the end\?", lambda a, x: f"at the end {x} is {a}"),
    (rf"What colour does {X} (?:turn|become)\?", lambda a, x: f"{x} turns {a}"),
    (rf"(?:What colour is|What is the colour of|Which colour is|What colour does|Which colour does) {X}(?: have)?\?",
     lambda a, x: f"{x} is {a}"),
    (rf"What colour are {X}\?", lambda a, x: f"{x} are {a}"),
    (r"(?:What is|What can you see|Which object is|What is there) ((?:at|in|on) the (?!video)[a-z]+(?: left| right)?)\?",
     lambda a, x: f"{there(a)} {x}"),
    (r"What (?:is|shape is) the (\w+) (?:object|thing)\?", lambda a, x: f"the {x} object is {a}"),
    (r"What kind of object is (\w+)\?", lambda a, x: f"the {x} object is {a}"),
    (r"(?:What is in the video|What can you see|What do you see|What does the video show)\?", lambda a: f"{there(a)} in the video"),
    (r"(?:What is moving|What moves|Which object moves)\?", lambda a: f"{a} is moving"),
    (rf"(?:Where is|Where does) {X} (?:at the end|last|end up)\?", lambda a, x: f"at the end {x} is {at(a)}"),
    (rf"(?:Where is|Where does) {X} (?:at the start|first|start)\?", lambda a, x: f"at the start {x} is {at(a)}"),
    (rf"(?:From which side does|From where does|Where does) {X} (?:come|enter|come from)\?", lambda a, x: f"{x} comes from the {a}"),
    (rf"(?:Which way does|In which direction does) {X} (?:move|drive|walk|go)\?", lambda a, x: moves(x, a)),
    (rf"Where is {X} going\?", lambda a, x: moves(x, a)),
    (rf"(?:Where is|Where can you see|In which part of the picture is) {X}\?", lambda a, x: f"{x} is {at(a)}"),
    (rf"(?:When|At what time) (?:does|is) {X} (?:appear|first seen|come|enter)\?", lambda a, x: f"{x} appears at {a}"),
    (rf"When (?:does|is) {X} (?:disappear|last seen|leave|gone)\?", lambda a, x: f"{x} disappears at {a}"),
    (rf"When does {X} turn (\w+)\?", lambda a, x, c: f"{x} turns {c} at {a}"),
    (rf"When does (?:the colour of )?{X} change(?: colour)?\?", lambda a, x: f"{x} changes colour at {a}"),
    (rf"(?:When is|When can you see|In which part is) {X}(?: there)?\?", lambda a, x: f"{x} is there at {a}"),
    (r"(?:What|Which object|Which) (?:comes|appears|is seen|is there) (first|last)(?:,.*)?\?", lambda a, x: f"{a} comes {x}"),
    (rf"(?:What happens to|What does|What becomes of) {X}(?: do)?\?", lambda a, x: happens(x, a)),
    (rf"Does (?:the colour of )?{X} change(?: colour)?\?", whether("{} changes colour", "{} does not change colour")),
    (rf"Does {X} move\?", whether("{} moves", "{} does not move")),
    (rf"Is {X} (?:still )?there at the end\?", whether("{} is still there at the end", "{} is gone at the end")),
    (rf"(?:Is|How fast does|Does) {X} (?:(?:move |drive |walk )?fast or slow(?:ly)?|move|drive|walk)\?", lambda a, x: f"{x} is {a}"),
    (rf"Does {X} (?:stop|come to a stop|stand still at the end)\?", whether("{} stops", "{} does not stop")),
    (rf"(?:Does|Is there a mark on|Is there something on) {X}(?: have a mark)?\?",
     whether("there is a mark on {}", "there is no mark on {}")),
    (rf"(?:What is on|What mark is on|What mark does|What is drawn on|Which mark do you see on) {X}(?: have)?\?",
     lambda a, x: f"{there(a)} on {x}"),
    (r"(?:What has|Which object has|On which object is there) (.+?)(?: on it)?\?", lambda a, x: f"{a} has {x} on it"),
]]


def sentence(question, answer):
    """The short answer as a sentence, None for a form that has none."""
    for form, say in SENTENCES:
        match = form.fullmatch(question)
        if match:
            return capital(say(answer, *match.groups())) + "."
    return None


def told(o, frames):
    """A sentence about one object (about.Object), None where it is hard to say what it does."""
    x = article(f"{o.colour} {o.cls}")
    if o.changes:
        return f"{x} turns {o.end_colour}"
    if o.moves():
        return moves(x, o.way)
    if o.place is None:
        return None
    first, last = o.first == 0, o.last == frames - 1
    does = "is" if o.seen.all() else "appears" if last and not first else "disappears" if first and not last else None
    return does and f"{x} {does} {at(o.place)}"


def describe(objects, frames):
    """What there is and happens, a sentence an object, in the order in which they appear, then from left to right;
    None where it is hard to say."""
    order = sorted(objects, key=lambda o: (o.first, o.x[o.first]))
    if any(a.first == b.first and b.x[b.first] - a.x[a.first] < 0.06 for a, b in zip(order, order[1:])):
        return None
    said = [told(o, frames) for o in order]
    if len(order) > MOST or None in said:
        return None
    return " ".join(capital(s) + "." for s in said) or "There is nothing in the video."
