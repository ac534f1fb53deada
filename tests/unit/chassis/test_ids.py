from __future__ import annotations

import concurrent.futures
import datetime
import time
import uuid

import pytest

from headrace import ids


def test_ids_are_version_7_of_the_rfc_variant() -> None:
    identifier = ids.uuid7()
    assert (identifier.version, identifier.variant) == (7, uuid.RFC_4122)


def test_ids_rise_and_never_repeat() -> None:
    made = [ids.uuid7() for _ in range(20_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_ids_of_threads_never_repeat() -> None:
    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        batches = list(threads.map(lambda _: [ids.uuid7() for _ in range(2000)], range(8)))
    made = [identifier for batch in batches for identifier in batch]
    assert len(set(made)) == len(made)


def test_ids_do_not_go_back_with_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    before = ids.uuid7()
    long_ago = time.time_ns() - 3_600_000_000_000
    monkeypatch.setattr(time, "time_ns", lambda: long_ago)
    assert ids.uuid7() > before


def test_a_full_counter_borrows_the_next_millisecond(monkeypatch: pytest.MonkeyPatch) -> None:
    ids.uuid7()
    monkeypatch.setattr(ids, "_counter", ids._COUNTER_MASK - 1)
    monkeypatch.setattr(ids, "_last_milliseconds", ids._last_milliseconds + 100_000)
    made = [ids.uuid7() for _ in range(3)]
    assert made == sorted(made)
    assert ids.made_at(made[2]) - ids.made_at(made[0]) == datetime.timedelta(milliseconds=1)


def test_an_id_tells_when_it_was_made() -> None:
    before = datetime.datetime.now(datetime.UTC)
    assert abs(ids.made_at(ids.uuid7()) - before) < datetime.timedelta(seconds=200)
    assert ids.made_at(uuid.UUID("017f22e2-79b0-7cc3-98c4-dc0c0c07398f")) == datetime.datetime(
        2022, 2, 22, 19, 22, 22, tzinfo=datetime.UTC
    )
    with pytest.raises(ValueError, match="version 7"):
        ids.made_at(uuid.uuid4())


def test_the_default_workspace_is_an_id_like_others() -> None:
    assert ids.DEFAULT_WORKSPACE_ID.version == 7
