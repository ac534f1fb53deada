"""Who gets the slots of limits."""

from __future__ import annotations

import datetime
import uuid

from hypothesis import given
from hypothesis import strategies as st

from headrace_state.rules.claims import ClaimingWorker, assign
from headrace_state.rules.limits import Candidate, Limit, drained, grant, seconds_until_free
from unit.state.facts import NOW


def a_candidate(number: int, *names: str, slots: int = 1) -> Candidate:
    """Return a candidate."""
    return Candidate(uuid.UUID(int=number), names, slots)


def keys(candidates: tuple[Candidate, ...]) -> list[int]:
    """Return the numbers of candidates."""
    return [candidate.key.int for candidate in candidates]


def test_a_blocked_candidate_lets_others_pass() -> None:
    limits = [Limit("a", 1, 1), Limit("b", 5, 0)]
    grants = grant([a_candidate(1, "a"), a_candidate(2, "b"), a_candidate(3)], limits, NOW)
    assert keys(grants.granted) == [2, 3]
    assert grants.full == {"a"}


def test_in_line_nobody_overtakes_who_waits_for_more() -> None:
    limits = [Limit("a", 3, 1)]
    line = [a_candidate(1, "a", slots=3), a_candidate(2, "a")]
    assert keys(grant(line, limits, NOW, in_line=True).granted) == []
    assert keys(grant(line, limits, NOW).granted) == [2]


def test_a_name_without_a_limit_holds_nothing_back() -> None:
    assert keys(grant([a_candidate(1, "unknown")], [], NOW).granted) == [1]


def test_a_rate_limit_drains_with_time() -> None:
    limit = Limit("r", 10, 0, slot_decay_per_second=2, level=10, level_at=NOW - datetime.timedelta(seconds=3))
    assert drained(limit, NOW) == 4
    assert limit.free(NOW) == 6
    assert seconds_until_free(limit, 8, NOW) == 1
    assert seconds_until_free(limit, 11, NOW) is None
    assert seconds_until_free(Limit("a", 1, 1), 1, NOW) is None


names = st.sampled_from(["a", "b", "c"])
limits_of = st.lists(
    st.builds(Limit, names, st.integers(0, 4), st.integers(0, 4)), unique_by=lambda limit: limit.name, max_size=3
)
lines = st.lists(st.tuples(st.sets(names).map(sorted), st.integers(1, 3)), max_size=12).map(
    lambda items: [Candidate(uuid.UUID(int=place + 1), tuple(own), slots) for place, (own, slots) in enumerate(items)]
)


@given(limits=limits_of, line=lines, in_line=st.booleans())
def test_no_limit_is_ever_exceeded_and_nobody_is_held_back_without_reason(
    limits: list[Limit], line: list[Candidate], in_line: bool
) -> None:
    grants = grant(line, limits, NOW, in_line=in_line)
    for limit in limits:
        given_away = sum(candidate.slots for candidate in grants.granted if limit.name in candidate.names)
        assert given_away == 0 or limit.taken + given_away <= limit.slots
    held_back = [candidate for candidate in line if candidate not in grants.granted]
    for candidate in held_back:
        assert grants.full.intersection(candidate.names)


@given(limits=limits_of, line=lines)
def test_in_line_each_limit_serves_in_order(limits: list[Limit], line: list[Candidate]) -> None:
    grants = grant(line, limits, NOW, in_line=True)
    free = {limit.name: limit.free(NOW) for limit in limits}
    blocked: set[str] = set()
    for candidate in line:
        mine = [name for name in candidate.names if name in free]
        if candidate in grants.granted:
            assert not blocked.intersection(mine)
            for name in mine:
                free[name] -= candidate.slots
        else:
            blocked.update(name for name in mine if free[name] < candidate.slots)


def test_runs_go_to_the_first_worker_that_has_room_and_fits() -> None:
    plain = ClaimingWorker("1", "plain", 1)
    strong = ClaimingWorker("2", "strong", 2, {"gpu": True, "zone": "a"})
    runs = [(uuid.UUID(int=1), {"gpu": True}), (uuid.UUID(int=2), {}), (uuid.UUID(int=3), {}), (uuid.UUID(int=4), {})]
    assert assign(runs, [plain, strong]) == {
        uuid.UUID(int=1): strong,
        uuid.UUID(int=2): plain,
        uuid.UUID(int=3): strong,
    }
    assert assign([(uuid.UUID(int=1), {"zone": "b"})], [plain, strong]) == {}
