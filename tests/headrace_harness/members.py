"""People and programs of a server with sign-in."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx

from headrace_harness.stack import Stack, running_stack
from headrace_server.first_admin import setup_token

KEY = "1f" * 32
"""Encrypts secrets of servers under test."""


@dataclasses.dataclass(frozen=True, slots=True)
class Member:
    """Somebody who can call."""

    principal_id: str
    key: str
    stack: Stack

    @property
    def headers(self) -> dict[str, str]:
        """What an HTTP call carries."""
        return {"authorization": f"Bearer {self.key}"}

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What a gRPC call carries."""
        return tuple(self.headers.items())

    async def send(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, workspace: str | None = None
    ) -> httpx.Response:
        """Call the HTTP API."""
        headers = self.headers | ({"headrace-workspace": workspace} if workspace is not None else {})
        return await self.stack.http.request(method, path, json=body, headers=headers)

    async def get(self, path: str, *, workspace: str | None = None) -> Any:
        """Return what the HTTP API answers to a GET that goes well."""
        response = await self.send("GET", path, workspace=workspace)
        assert response.status_code == 200, response.text
        return response.json()

    async def post(self, path: str, body: Mapping[str, Any], *, workspace: str | None = None) -> Any:
        """Return what the HTTP API answers to a POST that goes well."""
        response = await self.send("POST", path, body, workspace=workspace)
        assert response.status_code == 200, response.text
        return response.json()

    async def make(self, handle: str, role: str, *, workspace: str | None = None) -> Member:
        """Make a service account with a role and a key."""
        made = await self.post("/v1/service-accounts", {"handle": handle, "role": role}, workspace=workspace)
        principal_id = made["service_account"]["service_account_id"]
        key = await self.post("/v1/api-keys", {"name": handle, "principal_id": principal_id}, workspace=workspace)
        return Member(principal_id, key["key"], self.stack)


@contextlib.asynccontextmanager
async def guarded_stack(database_url: str, **settings: Any) -> AsyncIterator[Member]:
    """Lend a server with sign-in, as its owner sees it."""
    async with running_stack(database_url, auth="on", encryption_key=KEY, **settings) as stack:
        token = await setup_token(database_url)
        response = await stack.http.post("/v1/setup", json={"token": token, "email": "Ada@example.org"})
        assert response.status_code == 200, response.text
        made = response.json()
        yield Member(made["user"]["user_id"], made["key"], stack)
