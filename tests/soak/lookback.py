"""A camera over RTSP for ten minutes, and then questions about one, five and nine minutes ago, by OpenAI's own client and on the page:
each answer must be right, and the span of time that it says it saw must be that of the event.

  lookback.py SOURCE BUILD SCENE.mkv [SCREENSHOT.png]

SCENE.mkv and SCENE.json are scene.py's. Python with the openai client; Chromium where there is one, else the page is skipped and said
to be.
"""
# SPDX-License-Identifier: LGPL-2.1-or-later
import json
import pathlib
import shutil
import sys
import tempfile
import time

import openai

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "pipelines"))
from page import Browser  # noqa: E402
from served import Camera, remembered, serve  # noqa: E402

GROUP = 2.5  # seconds: the longest of vtok-serve's groups
MARGIN = 12  # seconds about an event that are asked about


def span(start, end):
    return "[" + "–".join(f"{int(t) // 60:02d}:{t % 60:04.1f}" for t in (start, end)) + "]"


def with_article(noun):
    return ("an " if noun[0] in "aeiou" else "a ") + noun


class Answers:
    def __init__(self):
        self.lines, self.wrong = [], 0

    def check(self, how, question, answer, expected, said=""):
        right = answer == expected and not said
        self.wrong += not right
        self.lines.append(f"{'right' if right else 'WRONG'}  {how:6}  {question}  {answer!r}" +
                          ("" if right else f", expected {expected!r} {said}"))
        print(self.lines[-1], flush=True)


def by_client(base, events, newest, answers):
    client = openai.OpenAI(base_url=base + "v1", api_key="none", max_retries=0)

    def ask(question):
        whole = client.chat.completions.create(model="tiny", messages=[{"role": "user", "content": question}], max_tokens=24)
        seen = whole.model_extra["vtok"]
        return whole.choices[0].message.content, seen["from"], seen["to"]

    for event in events:
        asked = max(event["from"] - MARGIN, 0), event["to"] + MARGIN
        (colour, kind), named = event["what"].split(), with_article(event["what"])
        for question, expected in (("What is in the video?", named), (f"What colour is the {kind}?", colour),
                                   (f"Which way does the {event['what']} {'drive' if kind == 'car' else 'move'}?", event["way"])):
            text, start, end = ask(f"{span(*asked)} {question}")
            true = start <= event["from"] and event["to"] <= end and asked[0] - GROUP <= start and end <= asked[1] + GROUP
            ago = (newest - event["to"]) / 60
            answers.check("client", f"{ago:.1f} minutes ago: {question} [{start:.1f}–{end:.1f} s]", text, expected,
                          "" if true else f"the event was at {event['from']:.1f}–{event['to']:.1f} s")
    for before, after in zip(events, events[1:]):
        asked = before["to"] + MARGIN, before["to"] + 3 * MARGIN
        text, start, end = ask(f"{span(*asked)} Is anything moving?")
        true = asked[0] - GROUP <= start and end <= asked[1] + GROUP < after["from"]
        answers.check("client", f"between them: Is anything moving? [{start:.1f}–{end:.1f} s]", text, "no", "" if true else "another time")
    try:
        ask(f"{span(newest + 100, newest + 200)} What is moving?")
        answers.check("client", "of what is yet to come", "an answer", "not_remembered")
    except openai.NotFoundError as error:
        answers.check("client", "of what is yet to come", error.code, "not_remembered")


def on_page(base, events, newest, answers, screenshot):
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not chromium:
        print("skipped: no chromium")
        return
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        browser = Browser(chromium, folder)
        try:
            page = browser.open(base)
            browser.until(page, "document.getElementById('state')?.textContent === 'connected'")
            for event in events[::2]:
                newest = remembered(base)[-1][1]
                question = f"[-{newest - event['from'] + MARGIN:.0f} – -{newest - event['to'] - MARGIN:.0f}] What is in the video?"
                answers.check("page", question, browser.ask(page, question), with_article(event["what"]))
            if screenshot:
                browser.picture(page, screenshot)
        finally:
            browser.process.kill()


def main(source, build, scene, screenshot=None):
    scene = pathlib.Path(scene)
    events, answers = json.loads(scene.with_suffix(".json").read_text()), Answers()
    seconds = events[-1]["to"] * 10 / 9
    with Camera(scene) as camera:
        playing = time.monotonic()
        with serve(build, camera.over_tcp) as (base, _):
            ahead = time.monotonic() - playing  # of the stream's time; true to a second
            for event in events:
                event["from"], event["to"] = event["from"] - ahead, event["to"] - ahead
            while time.monotonic() - playing < seconds:
                time.sleep(10)
                print(f"\r{(time.monotonic() - playing) / 60:.1f} minutes", end="", file=sys.stderr, flush=True)
            print(file=sys.stderr)
            newest = remembered(base)[-1][1]
            by_client(base, events, newest, answers)
            on_page(base, events, newest, answers, screenshot)
    print(f"{len(answers.lines) - answers.wrong} of {len(answers.lines)} right after {seconds / 60:.0f} minutes")
    return answers.wrong > 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
