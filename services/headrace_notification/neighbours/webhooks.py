"""Calls to URLs of users, past a guard against calls to where only the server can reach.

A name is resolved once; all its addresses are looked at; the connection goes to one of those that were looked at.
So a name cannot mean another address a moment later. Redirects are not followed, and no proxy of the
environment is used.
"""

from __future__ import annotations

import asyncio
import datetime
import email.utils
import socket
from collections.abc import Awaitable, Callable

import httpx

from headrace_notification.repository import WebhookRequest
from headrace_notification.rules.addresses import why_refused
from headrace_notification.rules.deliveries import Answer, Result, judge_status

CONNECT_SECONDS = 5.0
RESOLVE_SECONDS = 5.0
MOST_ADDRESSES = 3
"""Addresses of a name that are tried."""

LONGEST_ANSWER_BYTES = 8000

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""Returns the addresses of a host.

Raises:
    OSError: It has none.
"""


async def resolve_by_system(host: str, port: int) -> list[str]:
    """Return the addresses of a host as the system's resolver tells them."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[4][0]) for address in found))


class HttpSender:
    """Calls URLs of users. Close it at the end.

    Args:
        timeout_seconds: For a whole call.
        now: Tells the time, for answers that say when to come back.
        resolve: Returns the addresses of a host.
        transport: Makes the connections.
    """

    def __init__(
        self,
        *,
        timeout_seconds: float,
        now: Callable[[], datetime.datetime],
        resolve: Resolve = resolve_by_system,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._timeout_seconds = timeout_seconds
        self._now = now
        self._resolve = resolve
        self._client = httpx.AsyncClient(
            transport=transport,
            # A kept connection belongs to an address, not to the name whose certificate was checked.
            limits=httpx.Limits(max_connections=64, max_keepalive_connections=0),
            timeout=httpx.Timeout(timeout_seconds, connect=CONNECT_SECONDS),
            follow_redirects=False,
            trust_env=False,
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def send(self, request: WebhookRequest) -> Answer:
        """Make the call and return what came of it."""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await self._send(request)
        except TimeoutError:
            return Answer(Result.AGAIN, f"no answer within {self._timeout_seconds:g} s")
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError) as error:
            return Answer(Result.REFUSED, _told(error))
        except httpx.HTTPError as error:
            return Answer(Result.AGAIN, _told(error))

    async def _send(self, request: WebhookRequest) -> Answer:
        url = httpx.URL(request.url)
        host = url.raw_host.decode("ascii")
        port = url.port or (443 if url.scheme == "https" else 80)
        try:
            async with asyncio.timeout(RESOLVE_SECONDS):
                addresses = await self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            return Answer(Result.AGAIN, f"{host} cannot be resolved: {_told(error)}")
        for address in addresses:
            reason = why_refused(address, allow_private=request.allow_private_addresses)
            if reason is not None:
                return Answer(Result.REFUSED, f"{host} is not called: {address} {reason}")
        failure: httpx.HTTPError | None = None
        for address in addresses[:MOST_ADDRESSES]:
            try:
                return await self._call(request, url, host, address)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failure = error
        return Answer(Result.AGAIN, _told(failure) if failure is not None else f"{host} has no address")

    async def _call(self, request: WebhookRequest, url: httpx.URL, host: str, address: str) -> Answer:
        headers = {**request.headers, "Host": url.netloc.decode("ascii")}
        async with self._client.stream(
            request.method,
            url.copy_with(host=address),
            headers=headers,
            content=request.body or None,
            extensions={"sni_hostname": host},
        ) as response:
            answer = b""
            # As it comes over the wire: what is packed could be very large unpacked.
            async for chunk in response.aiter_raw():
                answer += chunk
                if len(answer) >= LONGEST_ANSWER_BYTES:
                    break
        text = answer[:LONGEST_ANSWER_BYTES].decode(errors="replace")
        if response.is_redirect:
            text = f"redirects are not followed (to {response.headers.get('Location', '')[:200]}) {text}"
        return Answer(judge_status(response.status_code), text, response.status_code, self._retry_after(response))

    def _retry_after(self, response: httpx.Response) -> float | None:
        value = response.headers.get("Retry-After", "").strip()
        if not value or response.status_code not in (429, 503):
            return None
        if value.isascii() and value.isdigit():
            return float(value[:9])
        try:
            moment = email.utils.parsedate_to_datetime(value)
        except ValueError:
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=datetime.UTC)
        return max(0.0, (moment - self._now()).total_seconds())


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
