"""How long to wait before a run is tried again."""

from __future__ import annotations

from headrace_state.rules.facts import RetryPolicy

INFRASTRUCTURE_BACKOFF_SECONDS = 2.0
INFRASTRUCTURE_MOST_SECONDS = 60.0


def retry_delay(policy: RetryPolicy, retries_used: int, chance: float) -> float:
    """Return the seconds to wait before the next retry after FAILED.

    Args:
        policy: Delays, of which the last holds for all further retries.
        retries_used: Retries before this one.
        chance: A random number from 0 to 1, which stretches the wait by up to the policy's jitter factor.
    """
    if not policy.delay_seconds:
        return 0.0
    delay = policy.delay_seconds[min(retries_used, len(policy.delay_seconds) - 1)]
    return delay * (1.0 + policy.jitter_factor * chance)


def infrastructure_delay(retries_used: int, chance: float) -> float:
    """Return the seconds to wait after CRASHED: none at first, then 2, 4, 8 up to 60, stretched by up to a half."""
    if retries_used == 0:
        return 0.0
    delay: float = min(INFRASTRUCTURE_BACKOFF_SECONDS * 2.0 ** (retries_used - 1), INFRASTRUCTURE_MOST_SECONDS)
    return delay * (1.0 + 0.5 * chance)
