"""The same question in other words, as people type it: the training's own variety.

The suite's other words (tests/quality/phrasings.py) are held out: no line here may make one of them.
"""
import re

THE, A = r"(the (?:[a-z]+ )?(?!going|first|last)[a-z]+)", r"(an? (?:[a-z]+ )?[a-z]+)"
X = r"(the [a-z ]+)"
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
    (rf"^(What|Which) (comes|appears) first, {X} or {X}\?$", r"Between \3 and \4, which \2 first?"),
    (rf"^(What|Which) (comes|appears) first, {X} or {X}\?$", r"Is it \3 or \4 that \2 first?"),
    (rf"^What (?:happens to {THE}|does {THE} do)\?$", r"What is \1\2 doing?"), (rf"^What (?:happens to {THE}|does {THE} do)\?$", r"What is going on with \1\2?"),
    (rf"^(Is {THE})( still)? there at the end\?$", r"By the end, is \2 still there?"), (rf"^Where is {THE} at the end\?$", r"In the end, where is \1?"),
    (r"^When does\b", "At what point does"), (r"^When does\b", "When exactly does"), (r"^How many ((?:[a-z]+ )?[a-z]+) are there\?$", r"What is the amount of \1?"),
    (r"^(?:How many|Count the) ((?:[a-z]+ )?[a-z]+)(?: are there| can you see| appear)?[?.]$", r"What is the total of \1?"),
    (rf"^Is {THE} fast or slow\?$", r"What is the speed of \1, fast or slow?"), (rf"^Which way does {THE} move\?$", r"What is the direction of \1?"),
    (r"^How many ((?:[a-z]+ )?[a-z]+) are there\?$", r"\1: how many are there?"), (rf"^Which way does {THE} move\?$", r"What direction does \1 go in?"),
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
