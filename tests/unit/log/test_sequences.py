from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from headrace_log.rules.sequences import WINDOW, Progress, Verdict, judge, take


@given(st.lists(st.integers(min_value=1, max_value=WINDOW), max_size=200))
def test_within_the_window_each_batch_is_taken_once_in_whatever_order_it_comes(sequences: list[int]) -> None:
    progress = Progress()
    taken: list[int] = []
    for sequence in sequences:
        verdict = judge(progress, sequence)
        assert verdict is (Verdict.REPEATED if sequence in taken else Verdict.NEW)
        if verdict is Verdict.NEW:
            taken.append(sequence)
            progress = take(progress, sequence)
    assert sorted(taken) == sorted(set(sequences))


@given(st.lists(st.integers(min_value=1, max_value=5000), max_size=200))
def test_whatever_comes_nothing_is_taken_twice_and_little_is_kept(sequences: list[int]) -> None:
    progress = Progress()
    taken: set[int] = set()
    for sequence in sequences:
        verdict = judge(progress, sequence)
        if verdict is Verdict.NEW:
            assert sequence not in taken
            taken.add(sequence)
            progress = take(progress, sequence)
        elif verdict is Verdict.REPEATED:
            # Only what lies within the window is known to be a repetition.
            assert sequence in taken
            assert sequence > progress.last_sequence - WINDOW
        assert len(progress.missing) < WINDOW
        assert progress.last_sequence == max(taken, default=0)


def test_what_is_too_far_behind_cannot_be_told() -> None:
    progress = take(Progress(), 1000)
    assert judge(progress, 1000 - WINDOW) is Verdict.TOO_OLD
    assert judge(progress, 1000 - WINDOW + 1) is Verdict.NEW
