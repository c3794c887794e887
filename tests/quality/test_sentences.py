#!/usr/bin/env python3
"""The sentences that models/tiny/train makes of short answers."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "models/tiny/train"))
import sentences  # noqa: E402


class Sentences(unittest.TestCase):
    def test_one_of_each_form(self):
        for question, answer, expected in (
                ("Is there a red car in the video?", "yes", "Yes, there is a red car."), ("Does an apple appear?", "no", "No, there is no apple."),
                ("Is anything moving?", "no", "No, nothing is moving."), ("How many dots does the star have?", "zero", "There are no dots on the star."),
                ("Count the dots on the star.", "one", "There is one dot on the star."), ("How many people are there?", "one", "There is one person."),
                ("Count the red cars.", "three", "There are three red cars."), ("What colour is the ring at first?", "red", "At first the ring is red."),
                ("What colour does the ring turn?", "blue", "The ring turns blue."), ("What colour does the ring have?", "blue", "The ring is blue."),
                ("What colour are the cars?", "white", "The cars are white."),
                ("What can you see in the centre?", "a car", "There is a car in the centre."),
                ("What kind of object is red?", "an apple", "The red object is an apple."),
                ("What do you see?", "cars", "There are cars in the video."), ("What do you see?", "nothing", "There is nothing in the video."),
                ("What do you see?", "a car and a person", "There is a car and a person in the video."),
                ("What moves?", "a red car", "A red car is moving."), ("Where does the car end up?", "left", "At the end the car is on the left."),
                ("Where is the car?", "top", "The car is at the top."), ("Where does the car come from?", "left", "The car comes from the left."),
                ("Which way does the car drive?", "left", "The car moves to the left."), ("Where is the car going?", "up", "The car moves up."),
                ("Which way does the car go?", "it does not move", "The car does not move."),
                ("At what time does the car appear?", "00:02.0–00:04.0", "The car appears at 00:02.0–00:04.0."),
                ("When is the car gone?", "00:02.0–00:04.0", "The car disappears at 00:02.0–00:04.0."),
                ("When does the ring turn red?", "00:02.0–00:04.0", "The ring turns red at 00:02.0–00:04.0."),
                ("When does the colour of the ring change?", "00:02.0–00:04.0", "The ring changes colour at 00:02.0–00:04.0."),
                ("In which part is the car?", "00:02.0–00:04.0", "The car is there at 00:02.0–00:04.0."),
                ("Which is there first, the car or the ring?", "the car", "The car comes first."), ("What appears last?", "a car", "A car comes last."),
                ("What happens to the ring?", "it turns red", "The ring turns red."), ("What does the ring do?", "nothing", "Nothing happens to the ring."),
                ("Does the ring change colour?", "no", "No, the ring does not change colour."), ("Does the ring move?", "yes", "Yes, the ring moves."),
                ("Is the car still there at the end?", "no", "No, the car is gone at the end."), ("How fast does the car drive?", "slow", "The car is slow."),
                ("Does the car stop?", "no", "No, the car does not stop."), ("Does the star have a mark?", "no", "No, there is no mark on the star."),
                ("Where does the car start?", "centre", "At the start the car is in the centre."), ("Is the red thing there at the end?", "yes",
                 "Yes, the red thing is still there at the end."), ("What shape is the red object?", "a star", "The red object is a star."),
                ("Does the ring move fast or slowly?", "fast", "The ring is fast."), ("Does the ring change colour?", "yes", "Yes, the ring changes colour."),
                ("Does the car come to a stop?", "yes", "Yes, the car stops."), ("Is there something on the star?", "yes", "Yes, there is a mark on the star."),
                ("What is drawn on the star?", "two dots", "There are two dots on the star."), ("What is on the star?", "nothing", "There is nothing on the star."),
                ("What has a line on it?", "a red star", "A red star has a line on it.")):
            self.assertEqual(sentences.sentence(question, answer), expected, question)

    def test_a_form_without(self):
        self.assertIsNone(sentences.sentence("How many cars drive by?", "two"))


class Thing:
    """What `describe` reads of about.Object, which needs NumPy."""

    def __init__(self, cls, x, way=None, place=None, seen=(True,) * 4, turns=None):
        self.cls, self.colour, self.end_colour, self.changes = cls, "red", turns, turns is not None
        self.first, self.last = seen.index(True), len(seen) - 1 - seen[::-1].index(True)
        self.x, self.way, self.place, self.seen = {self.first: x}, way, place, self
        self.whole = all(seen)

    def all(self):
        return self.whole

    def moves(self):
        return self.way is not None


class Describe(unittest.TestCase):
    def test_in_order(self):
        late = Thing("car", 0.1, place="left", seen=(False, True, True, True))
        early = Thing("ring", 0.9, way="up")
        between = Thing("star", 0.5, turns="blue")
        self.assertEqual(sentences.describe([late, early, between], 4), "A red star turns blue. A red ring moves up. A red car appears on the left.")
        self.assertEqual(sentences.describe([], 4), "There is nothing in the video.")
        self.assertEqual(sentences.describe([Thing("car", 0.1, place="left", seen=(True, False, False, False))], 4), "A red car disappears on the left.")

    def test_hard_to_say(self):
        self.assertIsNone(sentences.describe([Thing("car", 0.1)], 4))
        self.assertIsNone(sentences.describe([Thing("car", 0.1, "up"), Thing("ring", 0.12, "up")], 4))
        self.assertIsNone(sentences.describe([Thing("car", n / 8, "up") for n in range(4)], 4))


if __name__ == "__main__":
    unittest.main()
