"""The same question in other words, as people type it: the training's own variety.

The suite's other words (tests/quality/phrasings.py) are held out: no line here may make one of them.
"""
import re

THE, A = r"(the (?:[a-z]+ )?(?!going|first|last)[a-z]+)", r"(an? (?:[a-z]+ )?[a-z]+)"
WORDS = [(re.compile(form), other) for form, other in [
    (r"\bcolour\b", "color"), (r"^(What|Where|When) is\b", r"\1's"), (r"\b([Ss])ee\b", r"\1pot"), (r"\bsee\b", "notice"),
    (r"^Can you see\b", "Could you see"), (r"^Is there\b", "Do we have"), (r"^Is there\b", "Is there maybe"), (r"\bobjects\b", "items"),
    (r"\bobject\b", "thing"), (r"\bvideo\b", "clip"), (r"\bvideo\b", "recording"), (r"\bpicture\b", "image"), (r"\bappear\b", "show up"),
    (r"\bappear\b", "turn up"), (r"\bdisappear\b", "vanish"), (r"\bleave\b", "go away"), (r"\bleave\b", "go out of view"),
    (r"\bcome\b(?! (?:to|from))", "arrive"), (r"\benter\b", "come into view"), (r"^Which way\b", "What way"), (r"^Which\b", "What"),
    (r"^Where is\b", "Whereabouts is"), (rf"^Where is {THE}\?$", r"What is the position of \1?"), (r"\bstop\b", "halt"),
    (r"\bmove\b", "travel"), (r"\bgo\b", "head"), (r"\bat the end\b", "in the end"), (r"\bat the end\b", "finally"),
    (r"\bfast or slow\b", "quick or slow"), (r"^What happens to\b", "What goes on with"), (r"\bmark\b", "sign"), (r"\bfirst seen\b", "seen first"),
    (r"^When (does|is|can)\b", r"At which time \1"), (r"^When (does|is|can)\b", r"In which part \1"), (r"^How many\b", "Just how many"),
    (rf"^(What|Which) colour is {THE}\?$", r"\2 is what colour?"), (rf"^What colour is {THE}\?$", r"Tell me the colour of \1."),
    (rf"^(?:Is there|Do you see) {A}\?$", r"Is \1 present?"), (rf"^(?:Is there|Do you see) {A}\?$", r"Is \1 anywhere?"),
    (r"^How many ([a-z ]+) are there\?$", r"\1: how many are there?"), (rf"^Which way does {THE} move\?$", r"What direction does \1 go in?"),
]]
ROUND = [  # what people say before and behind
    "Please tell me: {}", "In the video, {}", "Tell me, {}", "{}, please?", "Could you tell me: {}", "I would like to know: {}", "Look closely: {}",
    "Quick question: {}", "Now, {}", "{}? Thanks.", "Hello! {}", "So {}", "Can you tell me {}", "One more thing: {}"]


def loosely(rng, text):
    """The same question as people type it: other words, something around them, small letters."""
    for i in rng.permutation(len(WORDS)):
        if rng.random() < 0.3:
            text = WORDS[i][0].sub(WORDS[i][1], text)
    if rng.random() < 0.4:
        form = str(rng.choice(ROUND))
        inner = text if form.startswith("{}") else text[0].lower() + text[1:]
        text = form.format(inner if form.endswith("{}") else inner.rstrip("?."))
    if rng.random() < 0.3:
        text = text.lower() if rng.random() < 0.5 else text.lower().rstrip("?.")
    return text[0].upper() + text[1:] if rng.random() < 0.5 else text
