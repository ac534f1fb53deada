"""What a handler sees of a call that stays within the process."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio

if TYPE_CHECKING:
    from headrace_chassis.local.exchange import Exchange, Pairs


class LocalContext(grpc.aio.ServicerContext[Any, Any]):
    """What a handler sees of its call."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._code: grpc.StatusCode | None = None
        self._details = ""
        self._trailing: Pairs = ()

    async def read(self) -> Any:
        """Return the next message of the client, `grpc.aio.EOF` after the last."""
        return await self._exchange.requests.get()

    async def write(self, message: Any) -> None:
        """Send a message to the client; waits while it is behind."""
        await self._exchange.answer(message)

    async def send_initial_metadata(self, initial_metadata: Any) -> None:
        """Tell the client what stands before the first message."""
        self._exchange.initial_metadata = tuple(initial_metadata)

    async def abort(self, code: grpc.StatusCode, details: str = "", trailing_metadata: Any = ()) -> Any:
        """End the call with a status.

        Raises:
            grpc.aio.AbortError: Always.
        """
        self._code, self._details = code, details
        if trailing_metadata:
            self._trailing = tuple(trailing_metadata)
        raise grpc.aio.AbortError(details)

    async def abort_with_status(self, status: grpc.Status) -> Any:
        """End the call with a status.

        Raises:
            grpc.aio.AbortError: Always.
        """
        await self.abort(status.code, status.details, status.trailing_metadata or ())

    def set_trailing_metadata(self, trailing_metadata: Any) -> None:
        """Send metadata with the status."""
        self._trailing = tuple(trailing_metadata)

    def trailing_metadata(self) -> Any:
        """Return the metadata that goes with the status, in pairs."""
        return self._trailing

    def invocation_metadata(self) -> Any:
        """Return the metadata that the client sent, in pairs."""
        return self._exchange.metadata

    def set_code(self, code: grpc.StatusCode) -> None:
        """Set the status with which the call ends."""
        self._code = code

    def set_details(self, details: str) -> None:
        """Set the words of the status."""
        self._details = details

    def code(self) -> grpc.StatusCode:
        """Return the status as set so far."""
        return self._code or grpc.StatusCode.OK

    def details(self) -> str:
        """Return the words of the status."""
        return self._details

    def set_compression(self, compression: grpc.Compression) -> None:
        """Take no notice: nothing is sent."""

    def disable_next_message_compression(self) -> None:
        """Take no notice: nothing is sent."""

    def peer(self) -> str:
        """Return who calls: this process."""
        return "local:"

    def peer_identities(self) -> None:
        """Return None: there is no transport that could prove any."""

    def peer_identity_key(self) -> None:
        """Return None: there is no transport that could prove any."""

    def auth_context(self) -> dict[str, Any]:
        """Return nothing: there is no transport."""
        return {}

    def time_remaining(self) -> Any:
        """Return seconds until the deadline, None without one."""
        return self._exchange.time_remaining()

    def cancelled(self) -> bool:
        """Return whether the client has given the call up."""
        return self._exchange.is_cancelled

    def done(self) -> bool:
        """Return whether the call has ended."""
        return self._exchange.code is not None

    def add_done_callback(self, callback: Callable[[Any], None]) -> None:
        """Call `callback` with this context when the call has ended."""
        self._exchange.on_done(lambda: callback(self))
