from __future__ import annotations

import time
from typing import Any

import pytest

from headrace_notification.usecases import templates
from headrace_notification.usecases.templates import (
    TemplateRefused,
    check_template,
    names_within,
    render,
    variables_of,
)

CONTEXT: dict[str, Any] = {
    "event": {
        "name": "app.done",
        "payload": {"items": [1, 2, 3], "text": "x" * 10_000, "none": None},
        "related": [{"id": "a", "name": "A"}, {"id": "b", "name": "B"}],
    },
    "automation": {"name": "tell me"},
    "flow_run": None,
}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("plain\n", "plain\n"),
        ("{{ event.name }} {{ event['name'] }} {{ automation.name|upper }}", "app.done app.done TELL ME"),
        ("{{ event.payload.items|join('-') }} {{ event.payload.items[0] }} {{ event.name[:3] }}", "1-2-3 1 app"),
        (
            "{% for r in event.related %}{{ loop.index }}{{ r.name }}{% if not loop.last %},{% endif %}{% endfor %}",
            "1A,2B",
        ),
        ("{{ event.payload.items|tojson }}", "[1,2,3]"),
        ("{{ event.nothing.at.all }}|{{ flow_run.name }}|{{ event.payload.none }}", "||"),
        ("{{ event.missing|default('-') }}", "-"),
        ("{{ 3 * 2 + 1 }} {{ 7 // 2 }} {{ 7 % 2 }} {{ 'a' ~ 1 }} {{ 'a' + 'b' }}", "7 3 1 a1 ab"),
        ("{% set x = event.name %}{{ x|replace('app', 'job')|truncate(50) }}", "job.done"),
        ("{% if event.payload.items|length > 2 and event.name is defined %}many{% else %}few{% endif %}", "many"),
        ("{% for k, v in event.payload|dictsort if k != 'text' %}{{ k }};{% endfor %}", "items;none;"),
        ("{% for n in range(3) %}{{ n }}{% endfor %}", "012"),
        ("{{ event.related|length }}{{ (event.related|first).name }}{{ 1.256|round(1) }}", "2A1.3"),
        ("{% raw %}{{ x }}{% endraw %}{# nothing #}", "{{ x }}"),
        ("{{ 0.25|humanize_timedelta }}, {{ 61|humanize_timedelta }}", "0.25 seconds, 1 minute 1 second"),
        ("{{ 93784|humanize_timedelta }}, {{ 7200|humanize_timedelta }}", "1 day 2 hours, 2 hours"),
        ("{{ flow_run|ui_url }}{{ event.name|ui_url }}{{ event|flow_run_id }}{{ event.nothing|flow_run_id }}", ""),
    ],
)
def test_templates_show_plain_data(template: str, expected: str) -> None:
    assert render(template, CONTEXT) == expected


@pytest.mark.parametrize(
    "template",
    [
        # Ways out of the sandbox.
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ event.__init__.__globals__ }}",
        "{{ event['__class__'] }}",
        "{{ event.items() }}",
        "{{ event|attr('__class__') }}",
        "{{ self.__init__ }}",
        "{{ self }}",
        "{{ range.__call__ }}{{ range }}",
        "{{ lipsum.__globals__ }}",
        "{{ cycler.__init__ }}",
        "{{ _limits }}",
        "{{ event|map('upper') }}",
        "{% for x in event.related %}{{ loop }}{% endfor %}",
        "{% macro a() %}{% endmacro %}{{ a() }}",
        "{% include '/etc/passwd' %}",
        "{% import 'os' as os %}",
        "{% extends 'x' %}",
        "{% call event() %}{% endcall %}",
        "{% filter upper %}x{% endfilter %}",
        "{% set x %}a{% endset %}",
        "{% block x %}{% endblock %}",
        "{{ range(*[1, 2]) }}",
        # Too much of something.
        "{{ 'a' * 1000000000 }}",
        "{{ [0] * 1000000000 }}",
        "{{ 9 ** 9 ** 9 }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ '{:>1000000000}'.format(1) }}",
        "{{ 'x'|center(1000000000) }}",
        "{{ 'x'|indent(1000000000) }}",
        "{{ range(1000000000) }}",
        "{% for a in range(1000) %}x{% endfor %}",
        "{% for a in range(9) %}{% for b in range(9) %}{% for c in range(9) %}x{% endfor %}{% endfor %}{% endfor %}",
        "{% for a in range(100) %}{% for b in range(100) %}{{ event.payload.text }}{% endfor %}{% endfor %}",
        "{% for a in range(99) %}{% for b in range(99) %}{{ (event.payload.text|title)[:1] }}{% endfor %}{% endfor %}",
        "{% for a in event recursive %}{{ loop(event) }}{% endfor %}",
        "{% for a in range(3) %}x{% endfor %}" * 11,
        "{% set a = 'xxxxxxxxxx' %}" + "{% set a = a ~ a %}" * 60 + "{{ a }}",
        "{% set a = 'xxxxxxxxxx' %}" + "{% set a = a + a %}" * 60 + "{{ a }}",
        "{% set a = 9 %}" + "{% set a = a * a %}" * 60 + "{{ a }}",
        "{{ event.payload.text|replace('', event.payload.text) }}",
        "{{ [event.payload.text] * 2 }}",
        "{{ (event.payload.text ~ event.payload.text)|replace('x', 'xxxxxxxxxxxxxxxx') }}",
        "{{ " + "(" * 500 + "1" + ")" * 500 + " }}",
        "{{ " + "[" * 3000 + "]" * 3000 + " }}",
        "{{ " + "-" * 8000 + "1 }}",
        "{{ event.name }}" * 1100,
        "x" * (templates.LONGEST_TEMPLATE + 1),
        # No template at all.
        "{{ event.name",
        "{% if %}",
        "{{ unknown }}",
        "{{ event.name|nofilter }}",
        "{% for a in 5 %}{% endfor %}",
        "{{ (0 - 1)|humanize_timedelta }}",
        "{{ 'inf'|float|humanize_timedelta }}",
        "{{ 'soon'|humanize_timedelta }}",
    ],
)
def test_attacks_and_mistakes_are_refused_quickly(template: str) -> None:
    started = time.process_time()
    with pytest.raises(TemplateRefused):
        render(template, CONTEXT)
    assert time.process_time() - started < 0.3


@pytest.mark.parametrize(
    "template", ["{{ 9 ** 9 }}", "{{ event.__class__() }}", "{% macro a() %}{% endmacro %}", "{{ x }}"]
)
def test_what_can_be_told_beforehand_is(template: str) -> None:
    with pytest.raises(TemplateRefused):
        check_template(template)


def test_names_put_together_reach_items_only() -> None:
    assert render("{{ event['__cl' ~ 'ass__'] }}{{ event.name['__cl' ~ 'ass__'] }}", CONTEXT) == ""


def test_variables_are_known_before_rendering() -> None:
    assert variables_of("{{ event.name }}{% if flow_run %}{% endif %}{% set x = 1 %}{{ x }}") == {"event", "flow_run"}


def test_what_is_named_of_a_variable_is_known_before_rendering() -> None:
    text = "{{ variables.team }}{% if variables['a-b'] %}{{ event.name }}{% endif %}{{ variables[event.name] }}"
    assert names_within(text, "variables") == {"team", "a-b"}
