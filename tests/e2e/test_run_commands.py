"""The command line over many runs: filters, bulk operations, notes, assets, retention, sizes."""

from __future__ import annotations

import pathlib
import uuid

from headrace_harness.machine import Machine, only

FLOWS = pathlib.Path(__file__).parent / "flows"


async def test_runs_are_found_changed_and_deleted_by_filters(machine: Machine) -> None:
    tag = f"tag-{uuid.uuid4().hex[:8]}"
    machine.take(FLOWS / "lake.py")
    await machine.python("lake.py", tag)
    found = (await machine.headrace("flow-run", "ls", "--tag", tag, "--sort", "started-asc", "-o", "json")).json()
    assert [run["flow_name"] for run in found] == ["lake", "lake", "leak"]
    for options, flows in (
        (("--parameter", "count=4"), ["lake"]),
        (("--parameter", "count", "--state-type", "failed"), ["leak"]),
        (("--text", "lost 5 rows", "--started-after", "1h"), ["leak"]),
    ):
        some = (await machine.headrace("flow-run", "ls", "--any-tag", tag, *options, "-o", "json")).json()
        assert [run["flow_name"] for run in some] == flows, options

    failed = found[-1]["flow_run_id"]
    await machine.headrace("flow-run", "note", "add", failed, "look into this")
    assert "look into this" in (await machine.headrace("flow-run", "note", "ls", failed)).out
    await machine.headrace("flow-run", "update", failed, "--label", "severity=3")
    await machine.headrace("flow-run", "tag", "--tag", tag, "--flow-name", "lake", "--add", f"{tag}-old", "-y")
    counted = await machine.headrace("flow-run", "delete", "--tag", f"{tag}-old", "--dry-run", "-o", "json")
    assert counted.json()["run_count"] == "2"
    done = (await machine.headrace("flow-run", "delete", "--tag", f"{tag}-old", "-y", "-o", "json")).json()
    assert (done["status"], done["changed_count"]) == ("BULK_OPERATION_STATUS_COMPLETED", "2")
    left = (await machine.headrace("flow-run", "ls", "--tag", tag, "-o", "json")).json()
    assert only(left)["labels"] == {"severity": 3}
    listed = (await machine.headrace("bulk-operation", "ls")).out
    assert done["bulk_operation_id"] in listed
    assert "delete" in listed
    refused = await machine.headrace("flow-run", "retry", "--tag", tag, "-y", "-o", "json")
    assert only(refused.json()["refusals"])["code"] == "NOT_CLAIMABLE"
    await machine.headrace("flow-run", "delete", expect=2)


async def test_assets_artifacts_retention_and_sizes_are_shown(machine: Machine) -> None:
    machine.take(FLOWS / "lake.py")
    await machine.python("lake.py", "lake")
    assert "s3://lake/orders" in (await machine.headrace("asset", "ls")).out
    asset = (await machine.headrace("asset", "inspect", "s3://lake/orders", "-o", "json")).json()
    assert asset["asset"]["last_materialization"]["metadata"] == {"rows": 4}
    assert len(asset["materializations"]) >= 2
    lineage = (await machine.headrace("asset", "lineage", "s3://lake/orders")).out
    assert "s3://lake/raw" in lineage
    assert "postgres://shop/orders" in lineage
    assert "s3://lake/orders" in (await machine.headrace("asset", "lineage", "s3://lake/raw")).out
    assert "lake-report" in (await machine.headrace("artifact", "ls", "--kind", "markdown", "--sort", "key-asc")).out
    versions = (await machine.headrace("artifact", "versions", "lake-report", "-o", "json")).json()
    assert [version["latest"] for version in versions[:2]] == [True, False]
    latest = (await machine.headrace("artifact", "inspect", "lake-progress", "-o", "json")).json()
    assert latest["progress"] == 100
    await machine.headrace("artifact", "delete", "--key", "lake-report", "-y")
    await machine.headrace("artifact", "versions", "lake-report", expect=3)

    await machine.headrace("server", "retention", "set", "flow-run", "forever", "--tag", "audit")
    shown = (await machine.headrace("server", "retention", "show")).out
    assert "tag audit" in shown
    assert "90 days" in shown
    await machine.headrace("server", "retention", "unset", "flow-run", "--tag", "audit")
    assert "state.flow_run" in (await machine.headrace("server", "sizes", "--limit", "0")).out
