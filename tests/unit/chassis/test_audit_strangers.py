"""Attempts of callers that prove nothing: some are kept, all are counted."""

from __future__ import annotations

import logging

import pytest

from headrace_chassis.audit_strangers import MOST_OF_ADDRESS, MOST_OF_ALL, WINDOW_SECONDS, Strangers


def test_one_address_does_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    now = 0.0
    strangers = Strangers(lambda: now)
    taken = [strangers.takes("198.51.100.1") for _ in range(MOST_OF_ADDRESS + 5)]
    assert taken == [True] * MOST_OF_ADDRESS + [False] * 5
    assert strangers.takes("198.51.100.2")
    with caplog.at_level(logging.WARNING):
        strangers.tell()
        strangers.tell()
    assert [record.args for record in caplog.records] == [(5,)]
    now = WINDOW_SECONDS
    assert strangers.takes("198.51.100.1")


def test_many_addresses_do_not_fill_it_either() -> None:
    strangers = Strangers(lambda: 0.0)
    assert [strangers.takes(str(number)) for number in range(MOST_OF_ALL + 1)].count(True) == MOST_OF_ALL
