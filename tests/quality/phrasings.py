"""The questions of models/tiny/train in other words, which the training never uses."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import re

THING = r"((?:the|an?)(?: (?!video |at |in |on |of )[a-z]+){1,3})"
OTHER = [  # (a form of the training's, the same in other words)
    (rf"(?:Is there|Can you see|Do you see) {THING}\?", (r"Can \1 be seen?", r"Is \1 to be found there?", r"Any sign of \1?")),
    (r"How many ([a-z ]+) (?:are there|can you see|appear)\?", (r"What is the number of \1?", r"How many \1 do you count?", r"How many \1 does the video show?")),
    (r"Count the ([a-z ]+)\.", (r"What is the number of \1?", r"How many \1 does the video show?")),
    (rf"(?:What colour is|What is the colour of|Which colour is) {THING}\?", (r"Name the colour of \1.", r"Of what colour is \1?", r"In which colour do you see \1?")),
    (rf"(?:Where is|Where can you see) {THING}\?", (r"Where do you find \1?", r"Say where \1 is.", r"In what place is \1?")),
    (rf"(?:Which way does|In which direction does) {THING} (?:move|drive|walk)\?", (r"In what direction is \1 moving?", r"Which way is \1 moving?", r"Where is \1 moving to?")),
    (rf"(?:From which side does {THING} come|From where does {THING} enter)\?", (r"On which side does \1\2 enter?", r"Which side does \1\2 come from?", r"What side does \1\2 come in from?")),
    (rf"(?:When does {THING} appear|When is {THING} first seen)\?", (r"When do you first see \1\2?", r"At what moment does \1\2 appear?", r"When did \1\2 appear?")),
    (rf"(?:When does {THING} disappear|When is {THING} last seen)\?", (r"When do you last see \1\2?", r"At what time does \1\2 leave?", r"When did \1\2 disappear?")),
    (r"What (?:is|can you see) ((?:at|on|in) the [a-z ]+)\?", (r"What do you find \1?", r"Name what is \1.", r"What do we have \1?")),
    (rf"(?:What comes|Which appears|What is seen) first, {THING} or {THING}\?", (r"Which of the two comes first, \1 or \2?", r"Does \1 or \2 come first?", r"Is \1 or \2 first?")),
    (rf"Does {THING} (?:stop|come to a stop)\?", (r"Does \1 stop moving?", r"Does \1 end up standing still?", r"Did \1 stop?")),
    (rf"Is {THING} fast or slow\?", (r"Is \1 slow or fast?", r"At what speed does \1 move, fast or slow?", r"Would you say \1 is fast or slow?")),
    (rf"(?:What happens to {THING}|What does {THING} do)\?", (r"What is happening to \1\2?", r"Say what happens to \1\2.", r"What happened to \1\2?")),
    (rf"Is {THING} still there at the end\?", (r"Is \1 there until the end?", r"At the end, is \1 there?", r"Did \1 stay until the end?")),
    (rf"(?:What is|What mark is) on {THING}\?", (r"What do you see on \1?", r"Name the mark on \1.", r"What has been drawn on \1?")),
]


def otherwise(rng, text):
    """The question in words held out of the training, or None where there are none for its form."""
    for form, others in OTHER:
        match = re.fullmatch(form, text)
        if match:
            return match.expand(others[rng.integers(len(others))])
    return None
