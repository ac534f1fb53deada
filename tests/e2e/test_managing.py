"""Deployments as people manage them on the command line: versions, backfills, calendars, promises, explanations."""

from __future__ import annotations

import pathlib
import uuid

from headrace_harness.machine import Machine, only

FLOWS = pathlib.Path(__file__).parent / "flows"
DEPLOYMENT = "squares/test"


async def test_deployments_are_rolled_back_backfilled_promised_about_and_explained(machine: Machine) -> None:
    pool, calendar = (f"{word}-{uuid.uuid4().hex[:8]}" for word in ("pool", "calendar"))
    machine.take(FLOWS / "deployed.py")
    await machine.headrace("work-pool", "create", pool)
    updated = ("work-pool", "update", pool, "--start-timeout", "2m", "--queue-policy", "strict", "-o", "json")
    assert (await machine.headrace(*updated)).json()["start_timeout"] == "120s"
    await machine.python("deployed.py", pool)

    # Nobody takes a run yet, and the answer says so with the way out.
    started = (await machine.headrace("deployment", "run", DEPLOYMENT, "-p", "count=1", "-o", "json")).json()
    why = (await machine.headrace("flow-run", "why", started["flow_run_id"])).out
    assert f"headrace worker start --pool {pool}" in why
    explained = (await machine.headrace("flow-run", "why", started["flow_run_id"], "-o", "json")).json()
    assert explained["reasons"][0]["kind"] == "EXPLANATION_KIND_NO_WORKER"
    assert explained["healthy"] is False

    # A version that differs, back to the former one, and forth again.
    numbers = [
        version["number"]
        for version in (await machine.headrace("deployment", "versions", DEPLOYMENT, "-o", "json")).json()
    ]
    await machine.run(
        "sed", "-i", "s/count: int, offset: float/count: int, offset: float = 1.0, extra: float/", "deployed.py"
    )
    await machine.python("deployed.py", pool)
    changed = (await machine.headrace("deployment", "diff", DEPLOYMENT)).out
    assert "+ parameter_schema.properties.extra" in changed
    rolled = (await machine.headrace("deployment", "rollback", DEPLOYMENT, "-o", "json")).json()
    assert rolled["version"]["number"] == numbers[0]
    await machine.headrace("deployment", "promote", DEPLOYMENT, str(numbers[0] + 1))
    assert f"version {numbers[0] + 1}" in (await machine.headrace("deployment", "diff", DEPLOYMENT)).out

    # A calendar, and a schedule that follows it.
    await machine.headrace("calendar", "set", calendar, "--weekday", "sat", "--weekday", "sun", "--date", "12-25")
    await machine.headrace(
        *("deployment", "schedule", "create", DEPLOYMENT, "--cron", "0 6 * * *", "--slug", pool),
        *("-p", "count=1", "--calendar", calendar, "--catch-up", "latest", "--jitter", "5s", "--inactive"),
    )
    shown = (await machine.headrace("deployment", "schedule", "ls", DEPLOYMENT)).out
    assert "paused" in only([line for line in shown.splitlines() if pool in line])
    assert "sat, sun, 12-25" in (await machine.headrace("calendar", "ls")).out
    assert len((await machine.headrace("deployment", "schedule", "preview", DEPLOYMENT, pool)).out.splitlines()) == 10

    # The weekdays of a week, made up for.
    span = ("--from", "2026-01-05T00:00+00:00", "--until", "2026-01-12T00:00+00:00", "--schedule", pool)
    planned = (await machine.headrace("backfill", "create", DEPLOYMENT, *span, "--dry-run", "-o", "json")).json()
    assert planned["backfill"]["progress"]["total"] == 5
    worker = await machine.start_worker(pool)
    made = await machine.headrace(
        "backfill", "create", DEPLOYMENT, *span, "-p", "count=1", "--concurrency", "2", "--watch"
    )
    assert "completed: 5 of 5 completed" in made.out
    backfill = only((await machine.headrace("backfill", "ls", "--deployment", DEPLOYMENT, "-o", "json")).json())
    shown = (await machine.headrace("backfill", "inspect", backfill["backfill_id"], "--runs")).out
    assert shown.count("completed") >= 5
    await worker.stop()

    # A promise, kept and taken back.
    await machine.headrace("deployment", "sla", "set", DEPLOYMENT, "quick", "--completion", "10m", "--severity", "high")
    assert "quick" in (await machine.headrace("deployment", "sla", "ls", DEPLOYMENT)).out
    await machine.headrace("deployment", "sla", "delete", DEPLOYMENT, "quick")
    assert (await machine.headrace("deployment", "sla", "ls", DEPLOYMENT, "-o", "json")).json() == []
    await machine.headrace("deployment", "schedule", "delete", DEPLOYMENT, pool)
    await machine.headrace("calendar", "delete", calendar, "-y")


async def test_what_is_wrong_or_was_done_before_is_said(machine: Machine) -> None:
    del machine.environment["COLUMNS"]
    pool = f"pool-{uuid.uuid4().hex[:8]}"
    machine.take(FLOWS / "deployed.py")
    refused = await machine.headrace("work-pool", "create", pool, "--type", "proces", expect=2)
    assert "process, docker, kubernetes" in refused.err
    await machine.headrace("work-pool", "create", pool)
    await machine.python("deployed.py", pool)
    create = ("deployment", "schedule", "create", DEPLOYMENT)
    schedule = (*create, "--cron", "0 6 * * *", "-p", "count=1", "--inactive", "--slug")
    assert "lower-case" in (await machine.headrace(*schedule, "Not A Slug", expect=2)).err
    created = (await machine.headrace(*schedule, pool)).out
    assert f"headrace deployment schedule resume {DEPLOYMENT} {pool}" in created

    key = uuid.uuid4().hex
    run = ("deployment", "run", DEPLOYMENT, "--idempotency-key", key, "-o", "json", "-p")
    first = await machine.headrace(*run, "count=1")
    same = await machine.headrace(*run, "count=1")
    other = await machine.headrace(*run, "count=2")
    assert {done.json()["flow_run_id"] for done in (first, same, other)} == {first.json()["flow_run_id"]}
    assert "Nothing was started" in same.err
    assert "other values" not in same.err
    assert "other values of count" in other.err

    assert "headrace task-run ls" in (await machine.headrace("task-run", "logs", "x", expect=3)).err
    assert "is tag:heavy meant" in (await machine.headrace("concurrency-limit", "set", "tags:heavy", "1", expect=2)).err

    # What is piped is whole, however long.
    name = "a-very-long-name-" * 8
    await machine.headrace("deployment", "run", DEPLOYMENT, "-p", "count=1", "--flow-run-name", name)
    assert name in (await machine.headrace("flow-run", "ls", "--created-after", "1h")).out
    assert "yesterday" in (await machine.headrace("flow-run", "ls", "--started-after", "soon", expect=2)).err
