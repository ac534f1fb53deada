"""The guide to events and automations, executed as it stands: its files are created, its commands are run."""

from __future__ import annotations

import pathlib
import re
import shlex
import uuid
from collections import Counter

import httpx

from headrace_harness.machine import Machine
from headrace_harness.stack import Stack
from headrace_harness.waiting import eventually

GUIDE = (pathlib.Path(__file__).parents[2] / "docs" / "automations.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", GUIDE, re.DOTALL | re.MULTILINE)


async def test_the_guide_to_automations_runs_as_it_stands(machine: Machine, stack: Stack) -> None:
    files = blocks("yaml")
    assert len(files) == 3
    for place, content in enumerate(files):
        name = "automation.yaml" if not place else f"automation-{place}.yaml"
        (machine.folder / name).write_text(content)
        if place:
            await machine.headrace("automation", "create", "--from-file", name)

    async def numbers() -> Counter[str]:
        counted = (await machine.headrace("event", "count", "--name", "orders.*", "-o", "json")).json()
        return Counter({one["value"]: int(one["count"]) for one in counted.get("counts", [])})

    # Others tell of orders, too.
    before = await numbers()
    commands = [line for block in blocks("sh") for line in block.splitlines()]
    assert all(line.startswith("headrace ") for line in commands)
    said = {line: (await machine.headrace(*shlex.split(line)[1:])).out for line in commands}
    tested = next(out for line, out in said.items() if "automation test" in line)
    assert "Would have fired 0 times" in tested
    [script] = blocks("python")
    (machine.folder / "orders.py").write_text(script)
    await machine.python("orders.py")

    async def is_counted() -> bool:
        return await numbers() - before == {"orders.imported": 2, "orders.import-begun": 1}

    await eventually(is_counted)


async def test_a_webhook_and_a_policy_are_kept_from_the_command_line(machine: Machine, stack: Stack) -> None:
    created = (await machine.headrace("webhook", "create", "builds", "--event", "build.done", "-o", "json")).json()
    url, secret = created["url"], created["secret"]
    webhook = created["webhook"]["webhook_id"]
    async with httpx.AsyncClient(timeout=60) as outside:
        assert (await outside.post(url, json={"n": 1})).status_code == 401
        taken = await outside.post(url, json={"n": 1}, headers={"X-Headrace-Token": secret})
        assert taken.status_code == 200
        rotated = (await machine.headrace("webhook", "rotate", webhook, "-o", "json")).json()
        assert (await outside.post(url, json={}, headers={"X-Headrace-Token": secret})).status_code == 401
        headers = {"Authorization": f"Bearer {rotated['secret']}"}
        assert (await outside.post(url, json={}, headers=headers)).status_code == 200
        await machine.headrace("webhook", "pause", webhook)
        assert (await outside.post(url, json={}, headers=headers)).status_code == 404
    (machine.folder / "change.yaml").write_text("paused: false\ndescription: of the build server\n")
    await machine.headrace("webhook", "update", webhook, "--from-file", "change.yaml")
    found = (await machine.headrace("webhook", "inspect", webhook)).json()
    assert (found.get("paused", False), found["description"], int(found["received_count"])) == (
        False,
        "of the build server",
        2,
    )
    await machine.headrace("webhook", "delete", webhook, "--yes")

    channel = f"builds-{uuid.uuid4().hex[:8]}"
    await machine.headrace("channel", "create", channel, "--kind", "webhook", "-f", "url=https://alerts.example.org/x")
    form = ("--state", "Late", "--channel", channel, "--severity", "critical")
    policy = (await machine.headrace("notification-policy", "create", *form, "-o", "json")).json()
    policy_id = policy["notification_policy_id"]
    assert policy["name"] == "Tell when a run enters Late"
    await machine.headrace("notification-policy", "update", policy_id, "--tag", "a", "--tag", "b", "--state", "FAILED")
    await machine.headrace("notification-policy", "pause", policy_id)
    found = (await machine.headrace("notification-policy", "inspect", policy_id)).json()
    assert (found["tags"], found["state_types"], found.get("state_names", []), found["paused"]) == (
        ["a", "b"],
        ["STATE_TYPE_FAILED"],
        [],
        True,
    )
    await machine.headrace("notification-policy", "resume", policy_id)
    listed = (await machine.headrace("notification-policy", "ls", "-o", "json")).json()
    assert policy_id in {one["notification_policy_id"] for one in listed}
    await machine.headrace("notification-policy", "delete", policy_id, "--yes")
