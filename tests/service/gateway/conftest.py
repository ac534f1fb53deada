"""A gateway in front of played services."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from headrace_harness.front import Front, running_front


@pytest_asyncio.fixture
async def front() -> AsyncIterator[Front]:
    async with running_front() as running:
        yield running


@pytest.fixture
def small_front() -> contextlib.AbstractAsyncContextManager[Front]:
    """A gateway that takes only small bodies."""
    return running_front(max_message_bytes=64 * 1024)
