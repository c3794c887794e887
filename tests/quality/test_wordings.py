#!/usr/bin/env python3
"""The suite's other words are none of the training's."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import pathlib
import random
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "models/tiny/train"))
import phrasings  # noqa: E402
import wordings  # noqa: E402

ASKED = ["Is there a red car?", "Can you see a car?", "Do you see a car?", "How many red cars are there?", "How many cars can you see?",
         "How many cars appear?", "Count the red cars.", "What colour is the car?", "What is the colour of the car?", "Which colour is the car?",
         "Where is the red car?", "Where can you see the car?", "Which way does the car move?", "In which direction does the car drive?",
         "From which side does the car come?", "From where does the car enter?", "When does the red car appear?", "When is the car first seen?",
         "When does the car disappear?", "When is the car last seen?", "What is at the top left?", "What can you see in the centre?",
         "What comes first, the red car or the ring?", "Which appears first, the car or the ring?", "What is seen first, the car or the ring?",
         "Does the car stop?", "Does the car come to a stop?", "Is the car fast or slow?", "What happens to the red car?", "What does the car do?",
         "Is the car still there at the end?", "What is on the star?", "What mark is on the red star?"]


class Random(random.Random):
    """The calls of numpy's generator that both files make."""

    def permutation(self, n):
        return self.sample(range(n), n)

    def integers(self, n):
        return self.randrange(n)


def plain(text):
    return re.sub(r"\W+", " ", text.lower()).strip()


class Wordings(unittest.TestCase):
    def test_held_out(self):
        rng, ours, theirs = Random(1), set(), set()
        for _ in range(300):
            for question in ASKED:
                ours.update((plain(question), plain(wordings.loosely(rng, question))))
                other = phrasings.otherwise(rng, question)
                self.assertIsNotNone(other, question)
                theirs.add(plain(other))
        self.assertEqual(ours & theirs, set())
        self.assertGreater(len(ours), 40 * len(ASKED))
        self.assertGreater(len(theirs), 2 * len(ASKED))


if __name__ == "__main__":
    unittest.main()
