"""Websockets of who does not say who they are."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from headrace_gateway.http import Message
from headrace_prefect.services import Services
from headrace_prefect.sockets import handshake
from headrace_prefect.sockets.socket import GOING_AWAY, Room, Socket


async def test_who_never_says_who_they_are_keeps_no_socket_and_may_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handshake, "SAY_SECONDS", 0.01)
    sent: list[Message] = []
    connecting: list[Message] = [{"type": "websocket.connect"}]

    async def receive() -> Message:
        if connecting:
            return connecting.pop()
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    async def handler(_: Socket) -> None:
        raise AssertionError("nobody was let in")

    scope: dict[str, Any] = {"type": "websocket", "headers": [], "subprotocols": ["prefect"], "path": "/api/events/in"}
    await handshake.serve(
        handler,
        cast(Services, None),
        scope,
        receive,
        send,
        path={},
        workspace=None,
        internal_token=None,
        deadline_seconds=1.0,
        room=Room(),
    )
    assert [message["type"] for message in sent] == ["websocket.accept", "websocket.close"]
    assert sent[-1]["code"] == GOING_AWAY
