"""`NotificationPolicyService` on the wire."""

from __future__ import annotations

import uuid
from typing import Any

import grpc.aio

from headrace.api.v1 import notification_policy_pb2 as pb
from headrace.api.v1 import notification_policy_pb2_grpc
from headrace_chassis.caller import current_caller
from headrace_chassis.clock import Clock
from headrace_chassis.pages import asked_page
from headrace_chassis.values import storable
from headrace_notification.repository import AutomationPage, AutomationStore, Secrets
from headrace_notification.repository.channels import ChannelStore
from headrace_notification.rules.policies import OWNER, policy_of
from headrace_notification.servicers.creators import creator_of
from headrace_notification.usecases.policies import create_policy, delete_policy, load_policy, update_policy
from headrace_notification.wire import policies as wire
from headrace_notification.wire.values import parse_id

Context = grpc.aio.ServicerContext[Any, Any]


class NotificationPolicyServicer(notification_policy_pb2_grpc.NotificationPolicyServiceServicer):
    """Keeps notification policies.

    Args:
        store: Keeps the automations that they are.
        channels: Knows the channels.
        secrets: Seals what is secret in automations.
        clock: Tells from when on a new policy watches.
    """

    def __init__(self, store: AutomationStore, channels: ChannelStore, secrets: Secrets, clock: Clock) -> None:
        self._store = store
        self._channels = channels
        self._secrets = secrets
        self._clock = clock

    async def CreateNotificationPolicy(
        self, request: pb.CreateNotificationPolicyRequest, context: Context
    ) -> pb.CreateNotificationPolicyResponse:
        """Create a notification policy."""
        caller = current_caller()
        policy = wire.policy_from_proto(request.notification_policy, caller.workspace_id, creator_of(caller))
        created = await create_policy(self._store, self._channels, self._secrets, policy, self._clock.now())
        return pb.CreateNotificationPolicyResponse(notification_policy=wire.policy_to_proto(created))

    async def GetNotificationPolicy(
        self, request: pb.GetNotificationPolicyRequest, context: Context
    ) -> pb.GetNotificationPolicyResponse:
        """Return one notification policy."""
        policy_id = parse_id(request.notification_policy_id, "notification_policy_id")
        policy = await load_policy(self._store, current_caller().workspace_id, policy_id)
        return pb.GetNotificationPolicyResponse(notification_policy=wire.policy_to_proto(policy))

    async def ListNotificationPolicies(
        self, request: pb.ListNotificationPoliciesRequest, context: Context
    ) -> pb.ListNotificationPoliciesResponse:
        """Return a page of notification policies."""
        workspace_id = current_caller().workspace_id
        page = asked_page(request, "notification policies", request.name_contains, workspace_id, key=(str, uuid.UUID))
        found = await self._store.list_automations(
            workspace_id,
            AutomationPage(
                name_contains=storable(request.name_contains),
                enabled=None,
                owner_resource_id=OWNER,
                after=page.after_name_and_id,
                limit=page.lookahead,
            ),
        )
        shown, token = page.split(found, lambda automation: (automation.name, automation.automation_id))
        return pb.ListNotificationPoliciesResponse(
            notification_policies=[wire.policy_to_proto(policy_of(automation)) for automation in shown],
            next_page_token=token,
        )

    async def UpdateNotificationPolicy(
        self, request: pb.UpdateNotificationPolicyRequest, context: Context
    ) -> pb.UpdateNotificationPolicyResponse:
        """Change the named fields of a notification policy."""
        wanted = request.notification_policy
        policy = await update_policy(
            self._store,
            self._channels,
            self._secrets,
            current_caller().workspace_id,
            parse_id(wanted.notification_policy_id, "notification_policy.notification_policy_id"),
            wire.changes_from_proto(wanted, request.update_mask),
            self._clock.now(),
        )
        return pb.UpdateNotificationPolicyResponse(notification_policy=wire.policy_to_proto(policy))

    async def DeleteNotificationPolicy(
        self, request: pb.DeleteNotificationPolicyRequest, context: Context
    ) -> pb.DeleteNotificationPolicyResponse:
        """Delete a notification policy."""
        policy_id = parse_id(request.notification_policy_id, "notification_policy_id")
        await delete_policy(self._store, current_caller().workspace_id, policy_id)
        return pb.DeleteNotificationPolicyResponse()
