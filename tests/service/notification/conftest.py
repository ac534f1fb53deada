"""The notification service with real Postgres, real gRPC and a real HTTP receiver; state and scheduler are played."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from headrace_chassis.settings import ServerSettings
from headrace_harness.receiver import Receiver, a_receiver
from headrace_harness.services import RunningService, running_service
from headrace_notification.wiring import build
from service.notification.played import KEY, World


@pytest.fixture
def settings() -> ServerSettings:
    return ServerSettings.model_validate(
        {
            "encryption_key": KEY,
            "delivery_claim_seconds": 4.0,
            "egress_allow": ["127.0.0.0/8"],
            "public_url": "https://headrace.example/",
        }
    )


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
async def service(database_url: str, world: World, settings: ServerSettings) -> AsyncIterator[RunningService]:
    async with running_service(
        "notification", build, database_url, neighbours=world.neighbours, settings=settings
    ) as running:
        yield running


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with a_receiver() as receiver:
        yield receiver
