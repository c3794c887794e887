"""What counts as a right answer."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import unittest

import marks


class Right(unittest.TestCase):
    def test_words(self):
        for answer, expected, right in (("Yes.", "yes", True), ("yes", "no", False), ("The red car", "a red car", True), ("3", "three", True),
                                        ("none", "zero", True), ("", "nothing", False), ("a red car", "a car", False)):
            self.assertEqual(marks.right(answer, {"answer": expected}), right, (answer, expected))

    def test_others_that_are_right(self):
        question = {"answer": "grey", "also": ["white"]}
        self.assertTrue(marks.right("White", question))
        self.assertFalse(marks.right("black", question))

    def test_times(self):
        question = {"answer": "00:04.0–00:06.0", "at": 4.5}
        for answer, right in (("00:04.0–00:06.0", True), ("00:04.0-00:06.0", True), ("00:03.5–00:05.0", True), ("00:04.6–00:06.0", False),
                              ("00:02.0–00:04.5", False), ("00:00.0–00:10.0", False), ("4–x", False), ("0:00:04.0–0:00:06.0", True)):
            self.assertEqual(marks.right(answer, question), right, answer)


class Share(unittest.TestCase):
    def test_wilson(self):  # the example of Wilson's interval in most textbooks: 8 of 10
        p, low, high = marks.share([True] * 8 + [False] * 2)
        self.assertAlmostEqual(p, 0.8)
        self.assertAlmostEqual(low, 0.4902, 3)
        self.assertAlmostEqual(high, 0.9433, 3)

    def test_none(self):
        self.assertEqual(marks.share([]), (0.0, 0.0, 0.0))


if __name__ == "__main__":
    unittest.main()
