"""Calls to URLs of users, by the way out that keeps them from where only the server can reach.

Redirects are not followed, and no proxy of the environment is used.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import email.utils
from collections.abc import Callable

import httpx

from headrace_chassis.egress import CONNECT_SECONDS, Egress, EgressRefused
from headrace_notification.repository import WebhookRequest
from headrace_notification.rules.deliveries import Answer, Result, judge_status

LONGEST_ANSWER_BYTES = 8000
ANSWER_SECONDS = 5.0
"""How long the text of an answer is awaited, once its status is there."""


class HttpSender:
    """Calls URLs of users. Close it at the end.

    Args:
        timeout_seconds: For a whole call.
        now: Tells the time, for answers that say when to come back.
        egress: Tells which addresses may be called.
        transport: Makes the connections.
    """

    def __init__(
        self,
        *,
        timeout_seconds: float,
        now: Callable[[], datetime.datetime],
        egress: Egress,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._timeout_seconds = timeout_seconds
        self._now = now
        self._egress = egress
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
        if url.userinfo:
            return Answer(Result.REFUSED, "a URL with a user in it is not called")
        host = url.raw_host.decode("ascii")
        port = url.port or (443 if url.scheme == "https" else 80)
        try:
            addresses = await self._egress.addresses(host, port, asks_for_private=request.allow_private_addresses)
        except EgressRefused as error:
            return Answer(Result.REFUSED, str(error))
        except OSError as error:
            return Answer(Result.AGAIN, f"{host} cannot be resolved: {_told(error)}")
        failure: httpx.HTTPError | None = None
        for address in addresses:
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
            answer = await _beginning(response)
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


async def _beginning(response: httpx.Response) -> bytes:
    answer = b""
    # What came of the call the status has told: an answer that breaks off makes nobody call a second time.
    with contextlib.suppress(TimeoutError, httpx.HTTPError):
        async with asyncio.timeout(ANSWER_SECONDS):
            # As it comes over the wire: what is packed could be very large unpacked.
            async for chunk in response.aiter_raw():
                answer += chunk
                if len(answer) >= LONGEST_ANSWER_BYTES:
                    break
    return answer


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
