"""Opens the page of listen= in a headless Chromium, asks the shipped model there, and looks at what it shows: the answer,
what is remembered, the newest keyframe. Then a page of another origin tries the same, in vain. Without a Chromium that starts: skipped.

  page.py SOURCE BUILD [SCREENSHOT.png]
"""
# SPDX-License-Identifier: LGPL-2.1-or-later
import base64
import json
import os
import pathlib
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

from answers import UNSEEN
from served import served


class Browser:
    """Chromium, spoken to by the DevTools protocol on pipes: file descriptors 3 and 4, messages that end in NUL."""

    def __init__(self, chromium, folder):
        to_browser, self.write_end = os.pipe()
        self.read_end, from_browser = os.pipe()

        def arrange():
            high_in, high_out = os.dup(to_browser), os.dup(from_browser)  # 3 and 4 may be taken by each other
            os.dup2(high_in, 3)
            os.dup2(high_out, 4)

        flags = ["--headless", "--remote-debugging-pipe", f"--user-data-dir={folder}", "--no-first-run", "--disable-gpu",
                 "--disable-dev-shm-usage", "--disable-background-networking", "--window-size=1100,900"]
        if os.geteuid() == 0:
            flags.append("--no-sandbox")
        self.process = subprocess.Popen([chromium, *flags, "about:blank"], preexec_fn=arrange, close_fds=False,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        self.last, self.held, self.events = 0, b"", []

    def read(self, end):
        while b"\0" not in self.held:
            left = end - time.monotonic()
            assert left > 0 and select.select([self.read_end], [], [], left)[0], "Chromium does not answer"
            piece = os.read(self.read_end, 1 << 20)
            assert piece, "Chromium has ended"
            self.held += piece
        message, self.held = self.held.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, session=None, **params):
        self.last += 1
        message = {"id": self.last, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self.write_end, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + 60
        while True:
            answer = self.read(end)
            if answer.get("id") == self.last:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]
            self.events.append(answer)

    def open(self, url):
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(domain + ".enable", session)
        self.call("Page.navigate", session, url=url)
        return session

    def run(self, session, script):
        result = self.call("Runtime.evaluate", session, expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def until(self, session, script, seconds=60):
        end = time.monotonic() + seconds
        while not self.run(session, script):
            assert time.monotonic() < end, f"never came true: {script}"
            time.sleep(.2)

    def ask(self, page, question):
        """Asks on our page; what it shows as the answer when that is complete."""
        self.run(page, "document.getElementById('question').focus()")
        self.call("Input.insertText", page, text=question)
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", page, type=kind, key="Enter", code="Enter", text="\r", windowsVirtualKeyCode=13)
        self.until(page, f"document.querySelector('.question')?.textContent === {json.dumps(question)} && "
                         "document.querySelector('.entry .note').textContent.includes('first word')")
        return self.run(page, "document.querySelector('.answer').textContent")

    def picture(self, page, path):
        pathlib.Path(path).write_bytes(base64.b64decode(self.call("Page.captureScreenshot", page)["data"]))

    def complaints(self, session):
        """What the page's console holds: exceptions, errors, violations of its policy."""
        return [e for e in self.events if e.get("sessionId") == session and (e["method"] == "Runtime.exceptionThrown" or (
            e["method"] == "Log.entryAdded" and e["params"]["entry"]["level"] in ("error", "warning")))]

    def close(self):
        self.process.terminate()
        self.process.wait(timeout=30)


def asked(base):
    with urllib.request.urlopen(base + "metrics", timeout=30) as response:
        return float(re.search(rb"vtok_questions_total{.*?} (\S+)", response.read())[1])


def ours(browser, base, screenshot):
    page = browser.open(base)
    browser.until(page, "document.getElementById('state')?.textContent === 'connected'")
    browser.until(page, "document.querySelectorAll('#rows tr').length > 3 && !document.getElementById('keyframe').hidden")
    questions = dict(list(UNSEEN.items())[::2])
    for question, answer in questions.items():
        shown = browser.ask(page, question)
        assert shown == answer, (question, shown)
    assert browser.run(page, "document.querySelectorAll('#answers .entry').length") == len(questions), "an answer is shown twice"
    colours = browser.run(page, """(() => {
      const c = document.getElementById('keyframe'), d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
      return new Set(Array.from({length: d.length / 4}, (_, i) => d[4 * i] << 16 | d[4 * i + 1] << 8 | d[4 * i + 2])).size;
    })()""")
    assert colours > 50, f"the keyframe has {colours} colours"
    if screenshot:
        browser.picture(page, screenshot)
    assert not browser.complaints(page), browser.complaints(page)


def others(browser, base):
    before = asked(base)
    page = browser.open("data:text/html,<title>another origin</title>")
    browser.until(page, "document.title === 'another origin'")
    body = json.dumps(json.dumps({"messages": [{"role": "user", "content": "Is there a car?"}]}))
    for options in ("{}", f"{{method: 'POST', headers: {{'Content-Type': 'application/json'}}, body: {body}}}"):
        read = browser.run(page, f"fetch({json.dumps(base)} + 'v1/chat/completions', {options}).then(r => r.text(), () => 'refused')")
        assert read == "refused", read
    browser.run(page, f"fetch({json.dumps(base)} + 'v1/chat/completions', {{method: 'POST', mode: 'no-cors', body: {body}}})"
                      ".then(() => 0, () => 0)")
    seen = browser.run(page, f"""new Promise(done => {{
      const picture = new Image();
      picture.onload = () => done('seen');
      picture.onerror = () => done('not seen');
      picture.src = {json.dumps(base)} + 'keyframe';
    }})""")
    assert seen == "not seen", "another origin shows the keyframe"
    assert asked(base) == before, "another origin has asked"


def main(source, build, screenshot=None):
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not chromium:
        print("skipped: no chromium")
        return 77
    with served(source, build) as base, tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        try:
            browser = Browser(chromium, folder)
        except OSError as error:
            print(f"skipped: {chromium} does not start here: {error}")
            return 77
        try:
            try:
                browser.call("Browser.getVersion")
            except (AssertionError, OSError) as error:
                print(f"skipped: {chromium} does not start here: {error}")
                return 77
            ours(browser, base, screenshot)
            others(browser, base)
            browser.close()
        finally:
            browser.process.kill()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
