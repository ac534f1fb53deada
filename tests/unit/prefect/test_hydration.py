"""Templates of parameters: what they may say, and what would keep the server busy."""

from __future__ import annotations

from typing import Any, cast

import pytest

from headrace_prefect.answers import Refusal
from headrace_prefect.request import Request
from headrace_prefect.resources.hydration import hydrated

NOBODY = cast(Request, None)


async def rendered(template: str) -> Any:
    return (await hydrated(NOBODY, {"n": {"__prefect_kind": "jinja", "template": template}}))["n"]


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ 6 * 7 }}", "42"),
        ("{{ 'a' * 3 }}-{{ 2 ** 10 }}-{{ 7 % 4 }}", "aaa-1024-3"),
        ("{{ (name or 'ada') | upper }}", "ADA"),
        ("{% if 1 < 2 %}less{% else %}more{% endif %}", "less"),
        ("{{ ['a', 'b'] | length }} {{ {'k': 1}['k'] }}", "2 1"),
        ("no template", "no template"),
    ],
)
async def test_what_a_template_says(template: str, text: str) -> None:
    assert await rendered(template) == text


@pytest.mark.parametrize(
    "template",
    [
        "{{ 9 ** (9 ** 9) }}",
        "{{ 2 ** (10 ** 9) }}",
        "{{ 'a' * 10 ** 9 }}",
        "{{ 10 ** 9 * 'a' }}",
        "{{ [0] * 10 ** 9 }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ 'a' | center(1000000000) }}",
        "{{ 'a'.ljust(1000000000) }}",
        "{{ '{:1000000000}'.format(1) }}",
        "{% for a in [1] %}{% for b in [1] %}{% endfor %}{% endfor %}",
        "{% set a = 'aa' %}" + "{% set a = a + a %}" * 50 + "{{ a }}",
        "{{ 'a'" + "| replace('a', 'aa')" * 60 + " }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{{ range(100000) }}",
        "{{ ''.__class__.__mro__ }}{{ cycler }}{{ lipsum(9999) }}",
        "(" * 5000 + "{{" + "(" * 4000 + "1" + ")" * 4000 + "}}",
    ],
)
async def test_what_would_keep_the_server_busy_is_refused(template: str) -> None:
    with pytest.raises(Refusal) as caught:
        await rendered(template)
    assert caught.value.status == 400
