"""The guide to notifications works as it stands there: a server, the command line, a receiver."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import pathlib
import re
import shlex
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from headrace_harness.machine import Machine
from headrace_harness.receiver import Received, Receiver, Reply, a_receiver
from headrace_harness.servers import EmbeddedServer, embedded_server

GUIDE = (pathlib.Path(__file__).parents[2] / "docs" / "notifications.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)


def commands(place: int) -> list[list[str]]:
    lines = blocks("sh")[place].splitlines()
    return [shlex.split(line)[1:] for line in lines if line.startswith("headrace ")]


@pytest.fixture
async def server(tmp_path: pathlib.Path) -> AsyncIterator[EmbeddedServer]:
    async with embedded_server(
        tmp_path / "server",
        HEADRACE_SERVER_EGRESS_ALLOW='["127.0.0.1"]',
        HEADRACE_SERVER_PUBLIC_URL="https://headrace.example",
    ) as running:
        yield running


@pytest.fixture
async def user(tmp_path: pathlib.Path, server: EmbeddedServer) -> AsyncIterator[Machine]:
    machine = Machine(tmp_path, str(server.stack.http.base_url))
    yield machine
    await machine.close()


async def got(receiver: Receiver, count: int) -> list[Received]:
    async with asyncio.timeout(60):
        return await receiver.got(count)


async def test_the_commands_of_the_guide_do_what_it_says(server: EmbeddedServer, user: Machine) -> None:
    async with a_receiver() as receiver:
        (user.folder / "slack-webhook.txt").write_text(f"{receiver.url}/services/T0/B0/s3cr3t\n")
        (user.folder / "smtp-password.txt").write_text("s3cr3t-password\n")
        shown = [(await user.headrace(*command)).out for command in commands(0)]
        assert "slack-bot" in shown[0]
        assert "to_addresses" in shown[1]
        assert "Channel 'on-call' took the message" in shown[3]
        assert "********" in shown[-1]
        assert "s3cr3t" not in "".join(shown)
        assert json.loads((await got(receiver, 1))[0].body)["text"] == "Test message of Headrace"
        for command in commands(1):
            await user.headrace(*command)
        [found] = [
            one for one in (await user.headrace("channel", "ls", "-o", "json")).json() if one["name"] == "on-call"
        ]
        assert found["policy"]["most_per_minute"] == 20
        assert found["policy"]["group_within"] == "300s"
        assert found["policy"]["quiet_hours"]["zone"] == "Europe/Berlin"
        assert found["policy"]["escalation"]["after"] == "900s"
        # Whatever the time is where the test runs: nothing is quiet.
        await user.headrace("channel", "update", "on-call", "--quiet", "")
        await sent_and_acknowledged(server, user, receiver)


async def sent_and_acknowledged(server: EmbeddedServer, user: Machine, receiver: Receiver) -> None:
    send, list_all, list_dead, inspect, acknowledge, resend = commands(2)
    await user.headrace(*send)
    told = await got(receiver, 2)
    (user.folder / "late.py").write_text(blocks("python")[0])
    await user.python("late.py")
    assert "orders are late" in (await user.headrace(*list_all)).out
    [delivery] = (await user.headrace(*list_all, "-o", "json")).json()
    assert (await user.headrace(*list_dead, "-o", "json")).json() == []
    delivery_id = delivery["channel_delivery_id"]
    document = json.loads(told[-1].body)
    [link] = [
        element["url"]
        for block in document["blocks"]
        for element in block.get("elements", [])
        if element["text"]["text"] == "Acknowledge"
    ]
    await acknowledged_by_link(server, link)
    assert (
        "acknowledged by link"
        in (await user.headrace(*(delivery_id if word == "DELIVERY_ID" else word for word in acknowledge))).out
    )
    shown = (await user.headrace(*(delivery_id if word == "DELIVERY_ID" else word for word in inspect))).out
    assert "200" in shown
    await user.headrace(*(delivery_id if word == "DELIVERY_ID" else word for word in resend))
    again = await got(receiver, 3)
    assert again[-1].headers["headrace-delivery-id"] == delivery_id


async def acknowledged_by_link(server: EmbeddedServer, link: str) -> None:
    assert link.startswith("https://headrace.example/acknowledge/")
    http: httpx.AsyncClient = server.stack.http
    path = link.removeprefix("https://headrace.example")
    for _ in range(2):
        # To look changes nothing, however often.
        page = await http.get(path)
        assert page.status_code == 200
        assert "orders are late" in page.text
        assert '<form method="post">' in page.text
    assert page.headers["referrer-policy"] == "same-origin"
    assert "form-action 'self'" in page.headers["content-security-policy"]
    from_page = {"Content-Type": "application/x-www-form-urlencoded", "Origin": str(http.base_url).rstrip("/")}
    pressed = await http.post(path, headers=from_page)
    assert pressed.status_code == 200
    assert "Acknowledged" in pressed.text
    assert "<form" not in (await http.get(path)).text
    assert (await http.get(f"{path[:-3]}xyz")).status_code == 404
    assert (await http.post("/acknowledge/nothing")).status_code == 404
    assert (await http.put(path)).status_code == 405
    stranger = await http.post(path, headers={"Origin": "https://evil.example"})
    assert stranger.status_code == 403


async def test_the_receiver_of_the_guide_knows_our_calls(server: EmbeddedServer, user: Machine) -> None:
    names: dict[str, Any] = {}
    exec(blocks("python")[1], names)
    [template] = re.findall(r"`body_template` makes the body, for example `(.+?)`,", GUIDE)
    async with a_receiver(Reply(200)) as receiver:
        (user.folder / "secret.txt").write_text("s3cr3t")
        await user.headrace(
            *("channel", "create", "mine", "--kind", "webhook", "-f", f"url={receiver.url}"),
            *("--field-file", "signing_secret=secret.txt", "-f", f"body_template={template}"),
        )
        await user.headrace("channel", "send", "mine", 'say "hello"', "--severity", "info")
        [received] = await got(receiver, 1)
    assert json.loads(received.body) == {"text": 'say "hello"'}
    assert names["is_ours"]("s3cr3t", received.headers["headrace-signature"], received.body)
    assert not names["is_ours"]("another", received.headers["headrace-signature"], received.body)
    old = f"t={int(time.time()) - 3600}"
    digest = hmac.new(b"s3cr3t", old[2:].encode() + b"." + received.body, hashlib.sha256).hexdigest()
    assert not names["is_ours"]("s3cr3t", f"{old},v1={digest}", received.body)
