"""Retry policies as they are stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headrace_state.rules.facts import RetryKind, RetryPolicy


def policy_from_json(stored: Mapping[str, Any]) -> RetryPolicy:
    """Return a stored retry policy."""
    if not stored:
        return RetryPolicy()
    kind = stored.get("kind")
    return RetryPolicy(
        retries=stored.get("retries", 0),
        delay_seconds=tuple(stored.get("delay_seconds", ())),
        jitter_factor=stored.get("jitter_factor", 0.0),
        infrastructure_retries=stored.get("infrastructure_retries", 0),
        kind=RetryKind(kind) if kind else None,
        pause_keys=tuple(stored.get("pause_keys", ())),
        resuming=stored.get("resuming", False),
    )


def policy_to_json(policy: RetryPolicy) -> dict[str, Any]:
    """Return a retry policy as it is stored: only what differs from none at all."""
    stored: dict[str, Any] = {}
    if policy.retries:
        stored["retries"] = policy.retries
    if policy.delay_seconds:
        stored["delay_seconds"] = list(policy.delay_seconds)
    if policy.jitter_factor:
        stored["jitter_factor"] = policy.jitter_factor
    if policy.infrastructure_retries:
        stored["infrastructure_retries"] = policy.infrastructure_retries
    if policy.kind is not None:
        stored["kind"] = policy.kind.value
    if policy.pause_keys:
        stored["pause_keys"] = list(policy.pause_keys)
    if policy.resuming:
        stored["resuming"] = True
    return stored
