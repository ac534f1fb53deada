"""All kinds of channels, and the way of a configuration in and out."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pydantic

from headrace_notification.rules.channels import MASK
from headrace_notification.rules.kinds.base import Config, Kind
from headrace_notification.rules.kinds.discord import DISCORD
from headrace_notification.rules.kinds.email import EMAIL
from headrace_notification.rules.kinds.google_chat import GOOGLE_CHAT
from headrace_notification.rules.kinds.mattermost import MATTERMOST
from headrace_notification.rules.kinds.opsgenie import OPSGENIE
from headrace_notification.rules.kinds.pagerduty import PAGERDUTY
from headrace_notification.rules.kinds.sendgrid import SENDGRID
from headrace_notification.rules.kinds.slack import SLACK, SLACK_BOT
from headrace_notification.rules.kinds.teams import TEAMS
from headrace_notification.rules.kinds.telegram import TELEGRAM
from headrace_notification.rules.kinds.twilio import TWILIO
from headrace_notification.rules.kinds.webhook import WEBHOOK

KINDS: Mapping[str, Kind] = {
    kind.kind: kind
    for kind in (
        DISCORD,
        EMAIL,
        GOOGLE_CHAT,
        MATTERMOST,
        OPSGENIE,
        PAGERDUTY,
        SENDGRID,
        SLACK,
        SLACK_BOT,
        TEAMS,
        TELEGRAM,
        TWILIO,
        WEBHOOK,
    )
}

DEFAULT_RATE = 60.0

Fault = tuple[str, str]
"""The path of a field, and what is wrong with it."""


class ConfigRefused(Exception):
    """A configuration is not as the kind's schema says."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(f"{path}: {fault}" for path, fault in faults))
        self.faults = faults


def rate_of(kind: str) -> float:
    """Return how many messages a minute suit a kind."""
    return KINDS[kind].most_per_minute if kind in KINDS else DEFAULT_RATE


def checked(kind: Kind, config: Mapping[str, Any]) -> Config:
    """Return a configuration, typed.

    Raises:
        ConfigRefused: It is wrong; no value that was given is in the faults.
    """
    try:
        return kind.config.model_validate_json(json.dumps(_whole(config)), strict=True)
    except pydantic.ValidationError as error:
        raise ConfigRefused(
            [
                (".".join(map(str, fault["loc"])), _words(fault["msg"]))
                for fault in error.errors(include_input=False, include_url=False, include_context=False)
            ]
        ) from None


def _words(text: str) -> str:
    return text.removeprefix("Value error, ")


def _whole(value: Any) -> Any:
    """Return plain values with numbers such as 587.0, as which a Struct keeps all numbers, as 587."""
    if isinstance(value, Mapping):
        return {name: _whole(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_whole(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


@functools.cache
def schema_of(kind: str) -> Mapping[str, Any]:
    """Return the JSON schema of a kind's configuration."""
    return KINDS[kind].config.model_json_schema()


@functools.cache
def secret_fields(kind: str) -> tuple[str, ...]:
    """Return the fields of a kind that are secret: names joined by dots, "*" for every key."""
    return tuple(_secret_fields(schema_of(kind), ""))


def _secret_fields(schema: Mapping[str, Any], path: str) -> Iterator[str]:
    if schema.get("writeOnly"):
        yield path
    for choice in schema.get("anyOf", ()):
        yield from _secret_fields(choice, path)
    for name, inner in schema.get("properties", {}).items():
        yield from _secret_fields(inner, f"{path}.{name}" if path else name)
    others = schema.get("additionalProperties")
    if isinstance(others, Mapping):
        yield from _secret_fields(others, f"{path}.*")


def parted(kind: str, config: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return a configuration with a mask in place of secrets, and the secrets by their paths."""
    shown = json.loads(json.dumps(_whole(config)))
    secrets: dict[str, str] = {}
    for holder, name, path in _places(kind, shown):
        secrets[path] = holder[name]
        holder[name] = MASK
    return shown, secrets


def joined(kind: str, config: Mapping[str, Any], secrets: Mapping[str, str]) -> dict[str, Any]:
    """Return a configuration with its secrets in place of their masks."""
    whole: dict[str, Any] = json.loads(json.dumps(config))
    for holder, name, path in _places(kind, whole):
        holder[name] = secrets.get(path, holder[name])
    return whole


def _places(kind: str, config: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str, str]]:
    for field in secret_fields(kind):
        first, _, rest = field.partition(".")
        if not rest:
            if isinstance(config.get(first), str):
                yield config, first, first
        elif rest == "*" and isinstance(config.get(first), dict):
            for name, value in config[first].items():
                if isinstance(value, str):
                    yield config[first], name, f"{first}.{name}"
