from __future__ import annotations

from typing import Any

import pytest

from headrace import errors
from headrace.steps.templating import Secrets, Unresolved, Values, fill, placeholders


def variable(name: str) -> Any:
    if name == "region":
        return {"name": "eu", "zones": ["a", "b"]}
    raise errors.NotFound("no")


def block(type_: str, name: str) -> Any:
    if (type_, name) == ("git-credentials", "host"):
        return {"username": "me", "token": "s3cret-t0ken"}
    raise errors.NotFound("no")


def values(secrets: Secrets | None = None) -> Values:
    return Values(
        known={"build": {"image": "app:1", "ports": [80, 443], "options": {"fast": True}}, "git": {"commit": "abc"}},
        variable=variable,
        block=block,
        environment={"HOME": "/home/me", "API_TOKEN": "t0p-secret", "BRANCH": "main"},
        secrets=secrets or Secrets(),
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        (7, 7),
        ("{{ build.image }}", "app:1"),
        ("{{build.ports}}", [80, 443]),
        ("{{ build.ports.1 }}", 443),
        ("{{ build.options.fast }}", True),
        ("port {{ build.ports.0 }} of {{ build.image }}", "port 80 of app:1"),
        ("{{ $HOME }}/code", "/home/me/code"),
        ("{{ $NOTHING | main }}", "main"),
        ("{{ $BRANCH | other }}", "main"),
        ("{{ headrace.variables.region }}", {"name": "eu", "zones": ["a", "b"]}),
        ("zone {{ headrace.variables.region.zones.1 }}", "zone b"),
        ("{{ headrace.blocks.git-credentials.host.username }}", "me"),
        ({"a": ["{{ git.commit }}", {"b": "{{ build.image }}"}]}, {"a": ["abc", {"b": "app:1"}]}),
    ],
)
def test_placeholders_become_values(text: Any, value: Any) -> None:
    assert fill(text, values()) == value


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{{ nothing.output }}", "no step or value 'nothing' .there are: build, git"),
        ("{{ build.nothing }}", "no 'nothing' .it has image, ports, options"),
        ("{{ $NOTHING }}", "environment variable NOTHING is not set"),
        ("{{ headrace.variables.nothing }}", "no variable 'nothing'"),
        ("{{ headrace.blocks.secret.nothing }}", "no block secret/nothing"),
        ("{{ headrace.blocks.secret }}", "must be headrace.blocks.TYPE.NAME"),
        ("{{ }}", "a placeholder is empty"),
    ],
)
def test_a_placeholder_without_a_value_is_refused_with_its_place(text: str, said: str) -> None:
    with pytest.raises(Unresolved, match=said) as raised:
        fill({"steps": [{"url": text}]}, values())
    assert raised.value.path == ("steps", 0, "url")


def test_what_may_come_later_is_left_alone() -> None:
    text = {"a": "{{ later.output }}", "b": "x {{ later.output }} {{ git.commit }}", "c": "{{ headrace.variables.v }}"}
    filled = fill(text, Values(known={"git": {"commit": "abc"}}), may_be_missing=True)
    assert filled == {
        "a": "{{ later.output }}",
        "b": "x {{ later.output }} abc",
        "c": "{{ headrace.variables.v }}",
    }
    assert [name for _path, name in placeholders(filled)] == ["later.output", "later.output", "headrace.variables.v"]


def test_secrets_are_hidden_wherever_they_came_from() -> None:
    secrets = Secrets()
    fill(["{{ $API_TOKEN }}", "{{ headrace.blocks.git-credentials.host }}", "{{ $BRANCH }}"], values(secrets))
    said = secrets.hide("t0p-secret and s3cret-t0ken on main")
    assert said == "******** and ******** on main"
