"""What channels and deliveries to them need of storage and of the world outside."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import uuid
from collections.abc import Mapping, Sequence
from typing import Protocol

from headrace_notification.rules.channel_deliveries import ChannelDelivery, ChannelDeliveryStatus, Part, Try
from headrace_notification.rules.channels import Channel
from headrace_notification.rules.deliveries import AfterTry, Answer
from headrace_notification.rules.kinds.base import Mail
from headrace_notification.rules.messages import Envelope


class ChannelWork(Protocol):
    """One change of channels; all of it happens, or nothing."""

    async def add(self, channel: Channel) -> Channel | None:
        """Store a new channel and return it as stored; None if its id or its name is taken."""
        ...

    async def load(self, workspace_id: uuid.UUID, channel_id: uuid.UUID) -> Channel | None:
        """Return a channel, locked."""
        ...

    async def replace(self, channel: Channel) -> Channel | None:
        """Store new values and return it as stored; None if its name is taken."""
        ...

    async def delete(self, workspace_id: uuid.UUID, channel_id: uuid.UUID) -> bool:
        """Delete a channel and give up what waits for it; return whether it was there."""
        ...


class ChannelStore(Protocol):
    """Keeps channels."""

    def change(self) -> contextlib.AbstractAsyncContextManager[ChannelWork]:
        """Begin a change; it holds once the block is left without an error."""
        ...

    async def load(self, workspace_id: uuid.UUID, channel_id: uuid.UUID) -> Channel | None:
        """Return a channel."""
        ...

    async def load_by_name(self, workspace_id: uuid.UUID, name: str) -> Channel | None:
        """Return the channel of a name."""
        ...

    async def list_channels(
        self, workspace_id: uuid.UUID, *, name_contains: str, kinds: Sequence[str], after: str | None, limit: int
    ) -> list[Channel]:
        """Return channels by name, behind the name `after`."""
        ...

    async def list_with_secrets(self, after: uuid.UUID, limit: int) -> list[Channel]:
        """Return channels of all workspaces that have secrets, in the order of their ids, behind `after`."""
        ...

    async def replace_secrets(self, channel: Channel, secrets: Mapping[str, str]) -> None:
        """Store the secrets of a channel encrypted anew, unless they changed meanwhile."""
        ...


class ChannelQueue(Protocol):
    """Takes messages for channels."""

    async def enqueue(self, envelope: Envelope) -> tuple[uuid.UUID, bool]:
        """Queue a message; return which delivery it is, and False if its key was known.

        Raises:
            errors.NotFound: There is no such channel.
        """
        ...


@dataclasses.dataclass(frozen=True, slots=True)
class ChannelDeliveryPage:
    """Which deliveries to channels."""

    channel_id: uuid.UUID | None
    statuses: tuple[ChannelDeliveryStatus, ...]
    event_id: uuid.UUID | None
    automation_id: uuid.UUID | None
    flow_run_id: uuid.UUID | None
    acknowledged: bool | None
    digest_id: uuid.UUID | None
    before: uuid.UUID | None
    limit: int


class EscalationStore(Protocol):
    """Tells other channels of what nobody acknowledged."""

    async def escalate(self, limit: int) -> int:
        """Tell other channels of deliveries that nobody acknowledged in time; return how many there were."""
        ...


class ChannelDeliveryStore(Protocol):
    """Keeps deliveries to channels."""

    async def claim(self, limit: int, *, busy: Sequence[uuid.UUID]) -> list[ChannelDelivery]:
        """Claim due deliveries for a try, as their channels allow, none of the busy channels."""
        ...

    async def parts(self, delivery: ChannelDelivery) -> list[Part]:
        """Return the first messages that a delivery stands for, and the newest."""
        ...

    async def finish(
        self,
        delivery: ChannelDelivery,
        after: AfterTry,
        answer: Answer,
        *,
        took_seconds: float,
        escalates_seconds: float | None,
    ) -> bool:
        """Store what came of a try; return False if another process has taken the delivery over."""
        ...

    async def postpone(self, delivery: ChannelDelivery, until: datetime.datetime) -> None:
        """Put a claimed delivery back; it was not tried."""
        ...

    async def load(self, workspace_id: uuid.UUID, channel_delivery_id: uuid.UUID) -> ChannelDelivery | None:
        """Return a delivery."""
        ...

    async def list_deliveries(self, workspace_id: uuid.UUID, page: ChannelDeliveryPage) -> list[ChannelDelivery]:
        """Return deliveries, newest first."""
        ...

    async def list_tries(self, channel_delivery_id: uuid.UUID, limit: int) -> list[Try]:
        """Return the last tries of a delivery, the newest last."""
        ...

    async def resend(self, workspace_id: uuid.UUID, channel_delivery_id: uuid.UUID, most_tries: int) -> bool:
        """Queue a delivery again that ended; return whether it was."""
        ...

    async def acknowledge(self, workspace_id: uuid.UUID, channel_delivery_id: uuid.UUID, by: str) -> None:
        """Store who looks after a delivery, unless somebody does."""
        ...


class Links(Protocol):
    """Signs what stands in links."""

    @property
    def can_sign(self) -> bool:
        """Whether there is a key."""
        ...

    def sign(self, text: str, purpose: str) -> str:
        """Return a signature of a text for one purpose."""
        ...

    def is_signed(self, text: str, purpose: str, signature: str) -> bool:
        """Return whether a signature is that of the text."""
        ...


class MailSender(Protocol):
    """Hands e-mail in."""

    async def send(self, mail: Mail) -> Answer:
        """Hand it in and return what came of it. The answer may hold secrets."""
        ...
