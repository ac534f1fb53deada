"""`ChannelService` on the wire."""

from __future__ import annotations

import datetime
import uuid
from typing import Any

import grpc.aio

from headrace.api.v1 import channel_pb2, channel_pb2_grpc
from headrace.ids import uuid7
from headrace_chassis.caller import current_caller
from headrace_chassis.pages import asked_page
from headrace_chassis.paging import check_key, decode_page_token, encode_page_token, question_digest
from headrace_chassis.scope import everywhere
from headrace_chassis.values import storable
from headrace_notification.repository import Secrets
from headrace_notification.repository.channels import ChannelQueue, ChannelStore
from headrace_notification.rules.deliveries import Result
from headrace_notification.rules.kinds.registry import KINDS
from headrace_notification.rules.messages import Envelope
from headrace_notification.usecases.channel_rotation import rotate_channels
from headrace_notification.usecases.channels import create_channel, delete_channel, find_channel, update_channel
from headrace_notification.usecases.sending import Sending
from headrace_notification.wire import channels as wire
from headrace_notification.wire.values import duration, parse_id

Context = grpc.aio.ServicerContext[Any, Any]

_ROTATED = 100
_FIRST = uuid.UUID(int=0)


class ChannelServicer(channel_pb2_grpc.ChannelServiceServicer):
    """Keeps channels and takes messages for them.

    Args:
        store: Keeps channels.
        queue: Takes messages.
        secrets: Seals what is secret in channels.
        sending: Sends test messages.
    """

    def __init__(self, store: ChannelStore, queue: ChannelQueue, secrets: Secrets, sending: Sending) -> None:
        self._store = store
        self._queue = queue
        self._secrets = secrets
        self._sending = sending

    async def CreateChannel(
        self, request: channel_pb2.CreateChannelRequest, context: Context
    ) -> channel_pb2.CreateChannelResponse:
        """Create a channel."""
        channel = wire.channel_from_proto(request.channel, current_caller().workspace_id)
        created = await create_channel(self._store, self._secrets, channel)
        return channel_pb2.CreateChannelResponse(channel=wire.channel_to_proto(created))

    async def GetChannel(
        self, request: channel_pb2.GetChannelRequest, context: Context
    ) -> channel_pb2.GetChannelResponse:
        """Return one channel."""
        found = await find_channel(self._store, current_caller().workspace_id, storable(request.channel))
        return channel_pb2.GetChannelResponse(channel=wire.channel_to_proto(found))

    async def ListChannels(
        self, request: channel_pb2.ListChannelsRequest, context: Context
    ) -> channel_pb2.ListChannelsResponse:
        """Return a page of channels."""
        workspace_id = current_caller().workspace_id
        kinds = ",".join(sorted(request.kinds))
        page = asked_page(request, "channels", request.name_contains, kinds, workspace_id, key=(str,))
        found = await self._store.list_channels(
            workspace_id,
            name_contains=storable(request.name_contains),
            kinds=[storable(kind) for kind in request.kinds],
            after=page.after_name,
            limit=page.lookahead,
        )
        shown, token = page.split(found, lambda channel: (channel.name,))
        return channel_pb2.ListChannelsResponse(channels=map(wire.channel_to_proto, shown), next_page_token=token)

    async def UpdateChannel(
        self, request: channel_pb2.UpdateChannelRequest, context: Context
    ) -> channel_pb2.UpdateChannelResponse:
        """Change the named fields of a channel."""
        changed = await update_channel(
            self._store,
            self._secrets,
            current_caller().workspace_id,
            parse_id(request.channel.channel_id, "channel.channel_id"),
            wire.changes_from_proto(request.channel, request.update_mask),
        )
        return channel_pb2.UpdateChannelResponse(channel=wire.channel_to_proto(changed))

    async def DeleteChannel(
        self, request: channel_pb2.DeleteChannelRequest, context: Context
    ) -> channel_pb2.DeleteChannelResponse:
        """Delete a channel."""
        channel_id = parse_id(request.channel_id, "channel_id")
        await delete_channel(self._store, current_caller().workspace_id, channel_id)
        return channel_pb2.DeleteChannelResponse()

    async def TestChannel(
        self, request: channel_pb2.TestChannelRequest, context: Context
    ) -> channel_pb2.TestChannelResponse:
        """Send a test message at once."""
        channel = await find_channel(self._store, current_caller().workspace_id, request.channel_id)
        tested = await self._sending.test(channel)
        return channel_pb2.TestChannelResponse(
            delivered=tested.answer.result is Result.DONE,
            answer=tested.answer.text,
            status_code=tested.answer.status_code,
            took=duration(datetime.timedelta(seconds=tested.took_seconds)),
        )

    async def SendMessage(
        self, request: channel_pb2.SendMessageRequest, context: Context
    ) -> channel_pb2.SendMessageResponse:
        """Queue a message."""
        delivery_id, is_new = await self._queue.enqueue(
            Envelope(
                workspace_id=current_caller().workspace_id,
                channel_id=parse_id(request.channel_id, "channel_id"),
                message=wire.message_from_proto(request.message),
                dedup_key=storable(request.dedup_key) or str(uuid7()),
                group_key=storable(request.group_key),
            )
        )
        return channel_pb2.SendMessageResponse(channel_delivery_id=str(delivery_id), queued=is_new)

    async def GetChannelKinds(
        self, request: channel_pb2.GetChannelKindsRequest, context: Context
    ) -> channel_pb2.GetChannelKindsResponse:
        """Return the kinds of channels."""
        kinds = sorted(KINDS.values(), key=lambda kind: kind.title.lower())
        return channel_pb2.GetChannelKindsResponse(kinds=map(wire.kind_to_proto, kinds))

    async def RotateChannelSecrets(
        self, request: channel_pb2.RotateChannelSecretsRequest, context: Context
    ) -> channel_pb2.RotateChannelSecretsResponse:
        """Encrypt some of the secrets anew that are not encrypted with the newest key."""
        question = question_digest("channel rotation")
        after = decode_page_token(request.page_token, question)
        if after is not None:
            check_key(after, (uuid.UUID,))
        begin = uuid.UUID(str(after[0])) if after is not None else _FIRST
        # Keys are the installation's: who may change them changes them for all workspaces.
        with everywhere():
            rotated, unreadable, behind = await rotate_channels(
                self._store, self._secrets, begin, request.batch_size or _ROTATED
            )
        return channel_pb2.RotateChannelSecretsResponse(
            rotated=rotated,
            unreadable=unreadable,
            next_page_token=encode_page_token((behind,), question) if behind is not None else "",
        )
