"""How many wrong passwords one address may send."""

from __future__ import annotations

import pytest

from headrace import errors
from headrace_identity.usecases import guesses
from headrace_identity.usecases.guesses import MOST_WRONG, WINDOW_SECONDS, Guesses


def guess(guesses: Guesses, address: str = "198.51.100.1") -> None:
    with pytest.raises(errors.Unauthenticated), guesses.counting(address):
        raise errors.Unauthenticated("wrong")


def test_too_many_wrong_ones_lock_an_address_for_the_rest_of_the_minute() -> None:
    now = 0.0
    counted = Guesses(lambda: now)
    for _ in range(MOST_WRONG):
        guess(counted)
    with pytest.raises(errors.ResourceExhausted) as caught, counted.counting("198.51.100.1"):
        pytest.fail("it was let in")
    assert caught.value.retry_after_seconds == WINDOW_SECONDS
    with counted.counting("198.51.100.2"):
        pass
    now = WINDOW_SECONDS
    guess(counted)


def test_right_ones_and_other_errors_are_not_counted() -> None:
    counted = Guesses(lambda: 0.0)
    for _ in range(2 * MOST_WRONG):
        with counted.counting("a"):
            pass
        with pytest.raises(errors.Unavailable), counted.counting("a"):
            raise errors.Unavailable("away")
    guess(counted, "a")


def test_addresses_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guesses, "MOST_ADDRESSES", 2)
    counted = Guesses(lambda: 0.0)
    for _ in range(MOST_WRONG):
        guess(counted, "a")
    guess(counted, "b")
    guess(counted, "c")
    guess(counted, "a")
