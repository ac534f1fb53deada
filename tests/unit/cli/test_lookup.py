"""How commands read lists page by page."""

from __future__ import annotations

import pytest

from headrace.api.v1 import flow_pb2
from headrace.cli import lookup


def page(token: str, size: int) -> flow_pb2.ListFlowsResponse:
    """Return up to `size` of seven flows, from the one that the token names."""
    start = int(token or 0)
    last = min(start + min(size, 3), 7)
    flows = [flow_pb2.Flow(name=f"flow-{number}") for number in range(start, last)]
    return flow_pb2.ListFlowsResponse(flows=flows, next_page_token=str(last) if last < 7 else "")


@pytest.mark.parametrize(("limit", "count", "is_told"), [(0, 7, False), (5, 5, True), (7, 7, False), (9, 7, False)])
def test_a_list_that_is_cut_says_so_beside_the_result(
    capsys: pytest.CaptureFixture[str], limit: int, count: int, is_told: bool
) -> None:
    assert [flow.name for flow in lookup.pages(page, "flows", limit)] == [f"flow-{number}" for number in range(count)]
    said = capsys.readouterr()
    assert not said.out
    assert bool(said.err) is is_told
    assert not is_told or f"more than these {limit}" in said.err
