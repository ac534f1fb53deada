from __future__ import annotations

import datetime

from headrace.ids import uuid7
from headrace_state.queries.floors import BEGINNING, LOOK_SECONDS, MARGIN, Floors

NOW = datetime.datetime.now(datetime.UTC)
LATER = NOW + datetime.timedelta(hours=1)
LONG_AGO = NOW - datetime.timedelta(hours=1)


class Ticker:
    """A clock that stands still."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_what_was_not_looked_at_has_no_floor() -> None:
    floors, queue = Floors(), uuid7()
    assert floors.unknown([queue]) == [queue]
    assert floors.of([queue]) == [BEGINNING]


def test_a_floor_is_below_the_oldest_run_and_never_in_the_future() -> None:
    floors, waiting, empty, planned = Floors(Ticker()), uuid7(), uuid7(), uuid7()
    keys = [waiting, empty, planned]
    floors.note(floors.version, keys, {waiting: LONG_AGO, planned: LATER}, NOW)
    assert floors.of(keys) == [LONG_AGO - MARGIN, NOW - MARGIN, NOW - MARGIN]
    assert floors.unknown(keys) == []


def test_a_floor_has_to_be_looked_for_again_after_a_while() -> None:
    ticker, queue = Ticker(), uuid7()
    floors = Floors(ticker)
    floors.note(floors.version, [queue], {}, NOW)
    ticker.now = LOOK_SECONDS + 0.1
    assert floors.unknown([queue]) == [queue]


def test_a_run_that_is_queued_below_a_floor_takes_it_away_and_others_do_not() -> None:
    floors, queue, deployment = Floors(Ticker()), uuid7(), uuid7()
    floors.note(floors.version, [queue], {}, NOW)
    floors.queued((queue, deployment), NOW)
    assert floors.unknown([queue]) == []
    floors.queued((queue, deployment), LONG_AGO)
    assert floors.of([queue]) == [BEGINNING]


def test_a_look_that_a_run_may_have_missed_is_not_kept() -> None:
    floors, queue = Floors(Ticker()), uuid7()
    before = floors.version
    floors.queued((queue, None), LONG_AGO)
    floors.note(before, [queue], {}, NOW)
    assert floors.of([queue]) == [BEGINNING]
    before = floors.version
    floors.forget([queue])
    floors.note(before, [queue], {}, NOW)
    assert floors.unknown([queue]) == [queue]
