from __future__ import annotations

import pytest

from headrace_prefect.pages import PREFIXES, address_of

ID = "01a20685-6d38-701d-b285-0b939c39d3b9"


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (f"/runs/flow-run/{ID}", f"/runs/{ID}"),
        (f"/runs/task-run/{ID}", f"/task-runs/{ID}"),
        (f"/flows/flow/{ID}", f"/flows/{ID}"),
        (f"/deployments/deployment/{ID}", f"/deployments/{ID}"),
        ("/work-pools/work-pool/mill", "/work-pools/mill"),
        ("/work-pools/work-pool/mill & co", "/work-pools/mill%20%26%20co"),
        ("/work-pools/work-pool/mill/worker/host 1", "/work-pools/mill"),
        (f"/work-queues/work-queue/{ID}", "/work-pools"),
        (f"/blocks/block/{ID}", "/blocks"),
        (f"/concurrency-limits/concurrency-limit/{ID}", "/limits"),
        (f"/automations/automation/{ID}", f"/automations/{ID}"),
        (f"/events/event/2026-11-22/{ID}", f"/events/{ID}"),
    ],
)
def test_an_address_of_prefects_pages_leads_to_ours(theirs: str, ours: str) -> None:
    assert address_of(theirs) == ours
    assert theirs.startswith(PREFIXES)


@pytest.mark.parametrize(
    "path", ["/runs/flow-run/", "/runs/flow-run/x\r\nset-cookie: a=b", f"/runs/flow-run/{ID}/more"]
)
def test_what_names_nothing_leads_to_the_dashboard(path: str) -> None:
    assert address_of(path) == "/"


def test_no_prefix_is_that_of_our_own_pages() -> None:
    assert all(prefix.count("/") == 3 and prefix.endswith("/") for prefix in PREFIXES), PREFIXES
