"""Asks the shipped model about the part of the demo's clip that its training never saw, over HTTP: with the openai
client, with curl, and on the page in a headless Chromium. What is not installed is skipped and said to be."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import json
import os
import pathlib
import shutil
import subprocess
import sys

from answers import UNSEEN
from served import fetch, served

KEY = "not-a-secret"

OPENAI = r"""
import json, sys, openai
base, key, expected = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
client = openai.OpenAI(base_url=base + "v1", api_key=key, max_retries=0)
assert [m.id for m in client.models.list()] == ["tiny"]
assert client.models.retrieve("tiny").owned_by == "gst-vtok"
for question, answer in expected.items():
    messages = [{"role": "user", "content": question}]
    whole = client.chat.completions.create(model="tiny", messages=messages, temperature=0, max_completion_tokens=20)
    assert whole.choices[0].message.content == answer, (question, whole)
    assert whole.choices[0].finish_reason == "stop"
    assert whole.usage.total_tokens == whole.usage.prompt_tokens + whole.usage.completion_tokens
    span = whole.model_extra["vtok"]
    assert 19.5 <= span["from"] < span["to"] <= 30.5, span
    text, usage = "", None
    for chunk in client.chat.completions.create(model="tiny", messages=messages, stream=True,
                                                stream_options={"include_usage": True}):
        usage = chunk.usage or usage
        text += "".join(c.delta.content or "" for c in chunk.choices)
    assert text == answer and usage.total_tokens == whole.usage.total_tokens, (text, usage)
short = client.chat.completions.create(model="tiny", messages=messages, max_tokens=1)
assert short.choices[0].finish_reason == "length" and short.usage.completion_tokens == 1, short
turns = [{"role": "system", "content": "Look well."}, {"role": "user", "content": "Is there a car?"},
         {"role": "assistant", "content": "yes"}, {"role": "user", "content": [{"type": "text", "text": "What colour?"}]}]
assert client.chat.completions.create(model="tiny", messages=turns, seed=1, stop=["\n"], top_p=0.9).choices
def refused(kind, code, **request):
    try:
        client.chat.completions.create(**{"model": "tiny", "messages": messages, **request})
    except kind as error:
        assert error.code == code, error
        return str(error)
    raise AssertionError(f"{request} was taken")
image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,"}}
assert "the camera is the image" in refused(openai.BadRequestError, "image_not_supported",
                                            messages=[{"role": "user", "content": [image]}])
refused(openai.NotFoundError, "model_not_found", model="gpt-4o")
refused(openai.BadRequestError, "context_length_exceeded", max_tokens=100000)
try:
    openai.OpenAI(base_url=base + "v1", api_key="wrong", max_retries=0).models.list()
    raise AssertionError("a wrong key was taken")
except openai.AuthenticationError as error:
    assert error.code == "invalid_api_key", error
print("openai", openai.__version__)
"""


def python_with_openai(source):
    for python in (os.environ.get("VTOK_PYTHON"), source / ".venv/bin/python", sys.executable):
        if python and shutil.which(python) and not subprocess.run([python, "-c", "import openai"], capture_output=True).returncode:
            return python
    return None


def curl(base):
    body = json.dumps({"messages": [{"role": "user", "content": "Is there a car?"}], "stream": True})
    run = subprocess.run(["curl", "-sS", "-N", "--fail-with-body", "--max-time", "60", "-H", f"Authorization: Bearer {KEY}",
                          "--json", body, base + "v1/chat/completions"], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    events = run.stdout.split("\n\n")
    assert events[-2:] == ["data: [DONE]", ""], events[-2:]
    chunks = [json.loads(event.removeprefix("data: ")) for event in events[:-2]]
    assert "".join(c["choices"][0]["delta"].get("content", "") for c in chunks) == UNSEEN["Is there a car?"], chunks


def what_is_told(base):
    memory = json.loads(fetch(base, "memory", KEY))
    assert memory["groups"] and memory["tokens"] == sum(g["tokens"] for g in memory["groups"]), memory
    assert len(memory["kept"]) == memory["groups"][-1]["tokens"] and memory["grid"] == [6, 6], memory
    assert all(0 <= row < 6 and 0 <= column < 6 for row, column, *_ in memory["kept"]), memory["kept"]
    picture = fetch(base, "keyframe", KEY)
    assert picture[:2] == b"BM" and memory["keyframe"]["width"] == 320, memory["keyframe"]
    assert len(set(picture[54:])) > 20, "the keyframe is blank"
    assert b"vtok_answers_total{" in fetch(base, "metrics", KEY)


def main(source, build):
    skipped = 0
    with served(source, build, KEY) as base:
        python = python_with_openai(pathlib.Path(source))
        if python:
            subprocess.run([python, "-c", OPENAI, base, KEY, json.dumps(UNSEEN)], check=True, timeout=200)
        else:
            print("skipped: no Python with the openai client (VTOK_PYTHON, .venv)")
            skipped += 1
        if shutil.which("curl"):
            curl(base)
        else:
            print("skipped: no curl")
            skipped += 1
        what_is_told(base)
    return 77 if skipped else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
