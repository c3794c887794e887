#!/usr/bin/env python3
"""Writes template/cases.json: what Jinja renders, set up as transformers sets it up for chat templates.
SPDX-License-Identifier: LGPL-2.1-or-later"""
import json, os
import jinja2, jinja2.ext
from jinja2.sandbox import ImmutableSandboxedEnvironment

here = os.path.dirname(os.path.abspath(__file__))


class Generation(jinja2.ext.Extension):
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_rendered"), [], [], body).set_lineno(line)

    def _rendered(self, caller):
        return caller()


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols])
environment.filters["tojson"] = lambda x, ensure_ascii=False, indent=None: json.dumps(x, ensure_ascii=ensure_ascii, indent=indent)
environment.globals["raise_exception"] = raise_exception

video = {"role": "user", "content": [{"type": "video"}, {"type": "text", "text": "What happens?"}]}
chat = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "  Hello  "},
        {"role": "assistant", "content": "<think>\nhm\n</think>\n\nHi!"}, {"role": "user", "content": "Bye"}]
tool = {"type": "function", "function": {"name": "look", "description": "Looks \"there\" é <b>", "parameters":
        {"type": "object", "properties": {"at": {"type": "number", "default": 1.5}}, "required": ["at"], "empty": []}}}
calls = chat + [{"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "look", "arguments": {"at": 3}}}]},
                {"role": "tool", "content": "a wall"}, {"role": "tool", "content": "a door"}]

golden = open(here + "/llava-onevision/checkpoint/chat_template.jinja").read()
chatml_tools = """{%- if tools %}
    {{- '<|im_start|>system\\n' }}
    {%- if messages[0]['role'] == 'system' %}
        {{- messages[0]['content'] }}
    {%- else %}
        {{- 'You help.' }}
    {%- endif %}
    {{- "\\n\\n# Tools\\n\\n<tools>" }}
    {%- for tool in tools %}
        {{- "\\n" }}
        {{- tool | tojson }}
    {%- endfor %}
    {{- "\\n</tools>\\n{\\"name\\": <name>}<|im_end|>\\n" }}
{%- else %}
    {%- if messages[0]['role'] == 'system' %}
        {{- '<|im_start|>system\\n' + messages[0]['content'] + '<|im_end|>\\n' }}
    {%- endif %}
{%- endif %}
{%- for message in messages %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) or (message.role == "assistant" and not message.tool_calls) %}
        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}
    {%- elif message.role == "assistant" %}
        {{- '<|im_start|>' + message.role }}
        {%- if message.content %}
            {{- '\\n' + message.content }}
        {%- endif %}
        {%- for tool_call in message.tool_calls %}
            {%- if tool_call.function is defined %}
                {%- set tool_call = tool_call.function %}
            {%- endif %}
            {{- '\\n<tool_call>\\n{"name": "' }}
            {{- tool_call.name }}
            {{- '", "arguments": ' }}
            {{- tool_call.arguments | tojson }}
            {{- '}\\n</tool_call>' }}
        {%- endfor %}
        {{- '<|im_end|>\\n' }}
    {%- elif message.role == "tool" %}
        {%- if (loop.index0 == 0) or (messages[loop.index0 - 1].role != "tool") %}
            {{- '<|im_start|>user' }}
        {%- endif %}
        {{- '\\n<response>\\n' }}
        {{- message.content }}
        {{- '\\n</response>' }}
        {%- if loop.last or (messages[loop.index0 + 1].role != "tool") %}
            {{- '<|im_end|>\\n' }}
        {%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
"""
header_style = """{{- bos_token }}
{%- if custom_tools is defined %}
    {%- set tools = custom_tools %}
{%- endif %}
{%- if not date_string is defined %}
    {%- set date_string = "26 Jul 2024" %}
{%- endif %}
{#- The system message, where there is one #}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content']|trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = "" %}
{%- endif %}
{{- "<|start|>system<|end|>\\n\\n" }}
{%- if tools is not none and tools is defined %}
    {{- "Environment: tools\\n" }}
{%- endif %}
{{- "Today: " + date_string + "\\n\\n" }}
{{- system_message }}
{%- for message in messages %}
    {%- if not (message.role == 'tool' or 'tool_calls' in message) %}
        {{- '<|start|>' + message['role'] + '<|end|>\\n\\n'+ message['content'] | trim + '<|eot|>' }}
    {%- elif 'tool_calls' in message %}
        {%- if not message.tool_calls|length == 1 %}
            {{- raise_exception("Only one call at once!") }}
        {%- endif %}
        {%- set call = message.tool_calls[0].function %}
        {%- for name, value in call.arguments | items %}
            {{- name + '="' ~ value ~ '"' }}
            {%- if not loop.last %}{{ ", " }}{% endif %}
        {%- endfor %}
    {%- else %}
        {{- message.content | tojson(indent=4) }}
    {%- endif %}
{%- endfor %}
"""
vision_style = """{% set image_count = namespace(value=0) %}{% set video_count = namespace(value=0) %}{% for message in messages %}{% if loop.first and message['role'] != 'system' %}<|im_start|>system
You are a helpful assistant.<|im_end|>
{% endif %}<|im_start|>{{ message['role'] }}
{% if message['content'] is string %}{{ message['content'] }}<|im_end|>
{% else %}{% for content in message['content'] %}{% if content['type'] == 'image' or 'image' in content or 'image_url' in content %}{% set image_count.value = image_count.value + 1 %}{% if add_vision_id %}Picture {{ image_count.value }}: {% endif %}<|image|>{% elif content['type'] == 'video' or 'video' in content %}{% set video_count.value = video_count.value + 1 %}{% if add_vision_id %}Video {{ video_count.value }}: {% endif %}<|video|>{% elif 'text' in content %}{{ content['text'] }}{% endif %}{% endfor %}<|im_end|>
{% endif %}{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""
thinking_style = """{%- set ns = namespace(multi_step_tool=true, last_query_index=messages|length - 1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.multi_step_tool and message.role == "user" and message.content is string and not(message.content.startswith('<response>') and message.content.endswith('</response>')) %}
        {%- set ns.multi_step_tool = false %}
        {%- set ns.last_query_index = index %}
    {%- endif %}
{%- endfor %}
{{ ns.last_query_index }}
{%- for message in messages %}
    {%- if message.content is string %}
        {%- set content = message.content %}
    {%- else %}
        {%- set content = '' %}
    {%- endif %}
    {%- if '</think>' in content %}
        {%- set reasoning = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}
        {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
        [{{ reasoning }}]
    {%- endif %}
    {{- content.strip().upper().replace('HELLO', 'bye') }}
{%- endfor %}
"""
macro_style = """{% macro render(content, title='none') -%}
    {%- if content is string -%}{{ title|title }}: {{ content }}
    {%- elif content is mapping -%}{% for key, value in content.items() %}{{ key }}={{ value }};{% endfor %}
    {%- elif content is iterable -%}{% for c in content %}{{ render(c, title=title) }}|{% endfor %}
    {%- endif -%}
{%- endmacro -%}
{% for message in messages if message.role != 'system' %}{{ loop.index }}/{{ loop.length }} {{ render(message.content, message.role) }}
{% else %}nobody
{% endfor %}{{ render([{'a': 1, 'b': [1.0, none, true, "x'y"]}, 'z']) }}"""
whitespace = """  {% if true %}
    yes
  {% endif %}
a  {%- if true %} b {%- endif %}  c
  {#- gone -#}
  d {# inline #} e
  {%+ if true %}kept{% endif +%}

f {{- ' g ' -}} h
{% raw %}{{ not }} {% this %}{% endraw %}
{% set x %}
 block {{ 1 + 1 }}
{% endset %}
[{{ x }}]
"""
expressions = """{{ 1 + 2 * 3 - 4 // 3 + 7 % 4 }} {{ 7 / 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 2 ** 10 }} {{ 2 ** -1 }} {{ 1e3 }} {{ 0.1 + 0.2 }} {{ 1e20 }} {{ 1.5e-7 }}
{{ 1 < 2 < 3 }} {{ 1 == 1.0 }} {{ 'a' < 'b' }} {{ not 1 }} {{ 1 and 0 or 'x' }} {{ none or [] }} {{ 'b' in 'abc' }} {{ 3 not in [1, 2] }}
{{ [1, 'two', none, true, {'k': 2.5}] }} {{ (1, 2) }} {{ (1,) }} {{ {'a': {'b': [1]}} }} {{ "it's" }} {{ ["it's", 'a"b', 'n\\n'] }}
{{ 'abcdef'[1:4] }} {{ 'abcdef'[::-1] }} {{ [1, 2, 3, 4][-2:] }} {{ [1, 2, 3][5:] }} {{ 'héllo'[1] }} {{ [1, 2, 3][-1] }} {{ 'abc'[::2] }} {{ [1,2,3,4,5][3:0:-2] }}
{{ missing }}|{{ missing is defined }}|{{ missing | default('d') }}|{{ '' | default('e', true) }}|{{ (missing.x is defined) if false else 'n' }}
{{ 'a-b-c'.split('-') }} {{ ' a  b '.split() }} {{ 'a-b-c'.split('-', 1) }} {{ '  x '.strip() }}| {{ 'xxaxx'.strip('x') }} {{ 'hello world'.title() }} {{ 'ABC'.lower() }} {{ 'a,b'.replace(',', ';') }}
{{ 'abc'.startswith('ab') }} {{ 'abc'.endswith(('x', 'c')) }} {{ 'x'.join(['1', '2']) }} {{ 'abc'.find('c') }} {{ 'aXbX'.count('X') }} {{ "a\\nb".splitlines() }} {{ 'abc' ~ 1 ~ none ~ true }}
{{ [3, 1, 2] | sort }} {{ ['b', 'A'] | sort | join(',') }} {{ [1, 2, 3] | sum }} {{ [1, 2, 3] | max }} {{ 'abc' | length }} {{ 'abc' | first }} {{ [1, 2] | last }} {{ 'abc' | reverse }} {{ [1, 2] | reverse | list }}
{{ 3.7 | int }} {{ '12' | int + 1 }} {{ 'x' | int(5) }} {{ '2.5' | float }} {{ -3 | abs }} {{ 2.567 | round(2) }} {{ 'abc' | upper }} {{ 'a b' | capitalize }} {{ [1, 1, 2] | unique | list }} {{ 'abc' | list }}
{{ [{'n': 'a', 'v': 1}, {'n': 'b'}] | map(attribute='n') | join('+') }} {{ ['a', 'b'] | map('upper') | list }} {{ [1, 2, 3] | select('odd') | list }} {{ [1, 2, 3] | reject('gt', 1) | list }} {{ [{'v': 1}, {'v': 0}] | selectattr('v') | list }} {{ [{'v': 1}, {'v': 0}] | rejectattr('v', 'equalto', 1) | list }}
{{ {'b': 1, 'a': 2}.items() | list }} {{ {'b': 1}.get('c', 'no') }} {{ {'b': 1}.keys() | list }} {{ {'a': 1} | items | list }} {{ {'a': 1} | length }} {{ {'a': [1, {'b': "é\\""}], 'c': none, 'd': 1.0} | tojson }}
{{ {'a': [1, 2], 'e': [], 'f': {}} | tojson(indent=2) }}
{% for i in range(3) %}{{ i }}{% if not loop.last %},{% endif %}{% endfor %} {{ range(1, 10, 4) | list }} {{ range(3, 0, -1) | list }}
{% for a, b in [[1, 2], (3, 4)] %}{{ a }}{{ b }}{{ loop.index }}{{ loop.revindex }}{{ loop.first }}{{ loop.previtem is defined }}{{ loop.nextitem }};{% endfor %}
{% for x in [1, 2, 3, 4] %}{% if x == 2 %}{% continue %}{% endif %}{% if x == 4 %}{% break %}{% endif %}{{ x }}{% endfor %}
{% for k in {'x': 1, 'y': 2} %}{{ k }}{% endfor %}{% for c in 'añ' %}<{{ c }}>{% endfor %}{% for x in missing %}{% else %}none{% endfor %}
{{ 5 is odd }} {{ 5 is divisibleby 5 }} {{ 'a' is string }} {{ none is none }} {{ 1 is number }} {{ true is boolean }} {{ 1.0 is float }} {{ [] is sequence }} {{ {} is mapping }} {{ 3 is in [1, 3] }} {{ 'x' is eq 'x' }} {{ 1 is not string }}
{{ 'a' if false }}|{{ 'a' if 1 else 'b' }}|{{ ('a' if 0 else 'b') ~ 'c' }} {{ 'a' 'b' }} {{ "\\u00e9\\x41\\t|" }} {{ 'x' * 3 }} {{ [0] * 2 }} {{ [1] + [2] }} {{ '<b>' | e }} {{ "a\\nb\\n\\nc" | indent(2) }} {{ 1_000 }} {{ true + 1 }}
{% set a, b = 1, 2 %}{{ a + b }}{% set outer = 1 %}{% for i in [1] %}{% set outer = 2 %}{{ outer }}{% endfor %}{{ outer }} {{ dict(a=1, b='c') }} {{ messages[0].content[0].type }} {{ messages[9] is undefined }} {{ messages.0.role }}"""
CASES = [
    ("video question", golden, {"messages": [video], "add_generation_prompt": True}),
    ("system and answer", golden, {"messages": [{"role": "system", "content": [{"type": "text", "text": "Be brief."}]}, video, {
        "role": "assistant", "content": [{"type": "text", "text": "A car."}, {"type": "image"}]}], "add_generation_prompt": False}),
    ("chat with tools", chatml_tools, {"messages": calls, "tools": [tool, tool], "add_generation_prompt": True}),
    ("chat without tools", chatml_tools, {"messages": chat, "tools": None, "add_generation_prompt": False}),
    ("headers", header_style, {"messages": chat, "bos_token": "<s>"}),
    ("headers with tools", header_style, {"messages": calls, "bos_token": "<s>", "custom_tools": [tool], "date_string": "1 May"}),
    ("vision", vision_style, {"messages": [video, {"role": "user", "content": "x"}], "add_vision_id": True, "add_generation_prompt": True}),
    ("thinking", thinking_style, {"messages": chat}),
    ("macro", macro_style, {"messages": chat + [video]}),
    ("macro without messages", macro_style, {"messages": []}),
    ("white space", whitespace, {}),
    ("white space with CRLF", whitespace.replace("\n", "\r\n"), {}),
    ("expressions", expressions, {"messages": [video]}),
]
FAILING = [("{{ raise_exception('no ' ~ 1) }}", "no 1"), ("\n{{ missing.x }}", ""), ("{{ 'a' + 1 }}", ""), ("{{ 1 / 0 }}", ""),
           ("{% for x in 3 %}{% endfor %}", ""), ("{{ nothing() }}", ""), ("{{ 'a' < 1 }}", ""), ("{% if %}{% endif %}", ""),
           ("{% for %}", ""), ("{{ 1", ""), ("{% if 1 %}", ""), ("{{ ) }}", ""), ("{% nothing %}", ""), ("{{ 'a }}", ""),
           ("{% endif %}", ""), ("{{ [1] | nothing }}", ""), ("{{ 1 is nothing }}", ""), ("{# open", ""), ("{{ [].append(1) }}", "")]
cases = []
for name, source, variables in CASES:
    cases.append(dict(name=name, template=source, variables=variables, expected=environment.from_string(source).render(**variables)))
failing = []
for source, message in FAILING:
    try:
        environment.from_string(source).render()
    except Exception:
        failing.append(dict(template=source, message=message))
    else:
        raise SystemExit(f"{source!r} renders")
os.makedirs(here + "/template", exist_ok=True)
json.dump(dict(cases=cases, failing=failing), open(here + "/template/cases.json", "w"), ensure_ascii=True, indent=1)
