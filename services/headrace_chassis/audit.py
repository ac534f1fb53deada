"""What each service notes for the audit log: changes, and attempts at them, without code for any method.

A change and the note of it are one transaction: `Database.transaction` calls `AuditTrail.store` before it commits,
so that neither is there without the other. How the call ended, and attempts that changed nothing, are kept in memory
until the next tick, within a bound. `AuditForwarder` brings notes to the identity service, which chains them, and
deletes them here once they are there.

Not audited is what reads, and what programs report of their runs in great number: runs keep a history of their own.
"""

from __future__ import annotations

import collections
import dataclasses
import functools
import hashlib
import hmac
import logging
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any

import grpc
import grpc.aio
from google.api import annotations_pb2
from google.protobuf import descriptor, descriptor_pool, message

from headrace import errors, ids
from headrace.api.v1 import audit_pb2
from headrace.internal.v1 import audit_pb2 as internal_pb2
from headrace.internal.v1 import audit_pb2_grpc
from headrace.rpc.status import from_rpc_error
from headrace_chassis import resolving
from headrace_chassis.audit_scope import AuditScope, set_scope
from headrace_chassis.audit_secrets import clear_secrets, may_hold_secrets
from headrace_chassis.audit_strangers import Strangers
from headrace_chassis.caller import Caller
from headrace_chassis.calls import Call
from headrace_chassis.forwarding import HEADER, NOBODY, TrustedProxies
from headrace_chassis.loops import Loop
from headrace_chassis.methods import Method

logger = logging.getLogger(__name__)

MOST_ATTEMPTS = 10_000
"""Attempts of one service in one process that are kept in memory; further ones are counted and told in its log."""
BATCH = 500
FORWARD_SECONDS = 1.0
UNFINISHED_SECONDS = 120
"""After this long a change is forwarded whose process died before it could note how the call ended."""

READING = (
    "Get",
    "BatchGet",
    "List",
    "Count",
    "Watch",
    "Follow",
    "WaitFor",
    "Explain",
    "Preview",
    "Compare",
    "Sample",
)
"""How the names of methods begin that change nothing."""

REPORTING = frozenset(
    {
        "ApiKeyService/CreateRunToken",
        "BackgroundTaskService/CreateBackgroundTasks",
        "BackgroundTaskService/ServeTasks",
        "BackgroundTaskService/RenewBackgroundTasks",
        "ConcurrencyService/AcquireSlots",
        "ConcurrencyService/ReleaseSlots",
        "ConcurrencyService/RenewSlots",
        "ArtifactService/CreateArtifact",
        "ArtifactService/UpdateArtifact",
        "AssetService/RecordMaterializations",
        "EventService/EmitEvents",
        "FlowRunService/CreateFlowRun",
        "FlowRunService/ProposeFlowRunState",
        "FlowService/CreateFlow",
        "LogService/AppendLogs",
        "LogService/WriteLogs",
        "RecordService/Record",
        "RecordService/RecordTransitions",
        "RecordService/RenewAttempts",
        "RunInputService/CreateRunInput",
        "RunInputService/DeleteRunInput",
    }
)
"""What programs do for their runs; denied attempts are audited all the same."""

_INSERT = """
insert into audit_pending (audit_entry_id, is_complete, payload) values ($1, $2, $3)
"""
_BEGIN_WITH = """
insert into audit_pending (audit_entry_id, is_complete, payload) values ('{id}', false, '\\x{payload}')
"""
_COMPLETE = """
update audit_pending set is_complete = $2, payload = $3 where audit_entry_id = $1
"""
_TAKE = """
select audit_entry_id, payload
  from audit_pending
 where is_complete or recorded_at < now() - make_interval(secs => $2)
 order by audit_entry_id
 limit $1
"""
_FORGET = """
delete from audit_pending where audit_entry_id = any($1::uuid[])
"""

Getter = Callable[[Any], str]


@dataclasses.dataclass(frozen=True, slots=True)
class Described:
    """What is known of a method before it is called."""

    action: str
    is_change: bool
    object_kind: str
    of_request: tuple[Getter, ...]
    """Read what identifies the object from a request; empty where the answer tells."""


def describe(method: Method) -> Described:
    """Return what the audit log says of a method."""
    service = method.service.rpartition(".")[2]
    is_change = not (
        method.is_internal
        or method.server_streaming
        or method.client_streaming
        or method.name.startswith(READING)
        or f"{service}/{method.name}" in REPORTING
    )
    found = descriptor_pool.Default().FindServiceByName(method.service).methods_by_name[method.name]
    http = found.GetOptions().Extensions[annotations_pb2.http]
    template = http.get or http.put or http.post or http.delete or http.patch
    segments = [segment for segment in template.partition(":")[0].split("/") if segment and segment != "v1"]
    if ":" in template and "{" not in template:
        segments = [template.removeprefix("/v1/").partition(":")[0]]
    kinds = [segment for segment in segments if not segment.startswith("{")]
    names = [segment.strip("{}").partition("=")[0].partition(":")[0] for segment in segments if segment.startswith("{")]
    # What is made below something else is identified by the answer and not by where it is.
    is_below = bool(segments) and not segments[-1].startswith("{") and len(segments) > 1 and bool(http.post)
    getters = () if is_below and ":" not in template else tuple(_getter(found.input_type, name) for name in names)
    return Described(f"{service}.{method.name}", is_change, kinds[-1] if kinds else "", getters)


def _getter(kind: descriptor.Descriptor, path: str) -> Getter:
    names = path.split(".")

    def read(request: Any) -> str:
        value = request
        for name in names:
            value = getattr(value, name)
        return str(value)

    return read


class AuditTrail:
    """The notes of one service in one process.

    Args:
        database: The service's own.
        digest_key: Without it nobody can try out what content has a digest.
    """

    def __init__(self, database: Any, digest_key: bytes) -> None:
        self.database = database
        self._digest_key = digest_key
        self._attempts: collections.deque[audit_pb2.AuditEntry] = collections.deque()
        self._completed: collections.deque[audit_pb2.AuditEntry] = collections.deque()
        self._strangers = Strangers()
        self.lost = 0
        """Attempts that were not kept, since there were too many."""

    def begin(
        self, method: Method, described: Described, caller: Caller, source: tuple[str, str], request: message.Message
    ) -> AuditScope:
        """Begin the note of a call and make it the current one.

        Args:
            method: What is called.
            described: The same for the log.
            caller: Who calls.
            source: Network address and program.
            request: What is asked.
        """
        entry = _entry(method, described, caller, source)
        entry.object_id = "/".join(read(request) for read in described.of_request)[:1024]

        def statement() -> str:
            entry.outcome = audit_pb2.AUDIT_OUTCOME_DONE
            return _BEGIN_WITH.format(id=uuid.UUID(entry.audit_entry_id), payload=entry.SerializeToString().hex())

        scope = AuditScope(entry, self.database, statement)
        set_scope(scope)
        return scope

    def note_denial(
        self, method: Method, described: Described, caller: Caller, source: tuple[str, str], reason: str
    ) -> None:
        """Keep that somebody was not let in; stored at the next tick."""
        entry = _entry(method, described, caller, source)
        entry.outcome, entry.reason = audit_pb2.AUDIT_OUTCOME_DENIED, reason
        self._keep(entry)

    async def finish(self, scope: AuditScope, response: message.Message | None, error: BaseException | None) -> None:
        """Note how a call ended."""
        scope.is_closed = True
        entry = scope.entry
        if error is None:
            entry.outcome = audit_pb2.AUDIT_OUTCOME_DONE
            made = _resource(response) if response is not None else None
            if made is not None:
                entry.object_id = entry.object_id or _identity_of(made)
                entry.after_digest = self.digest(made)
        else:
            denied = isinstance(error, errors.PermissionDenied | errors.Unauthenticated)
            entry.outcome = audit_pb2.AUDIT_OUTCOME_DENIED if denied else audit_pb2.AUDIT_OUTCOME_FAILED
            entry.reason = error.reason if isinstance(error, errors.HeadraceError) else type(error).__name__
        if scope.is_stored:
            # The change is noted already; how it ended is added at the next tick, many at a time.
            if len(self._completed) < MOST_ATTEMPTS:
                self._completed.append(entry)
            return
        if error is not None:
            self._keep(entry)
            return
        # A change without a transaction of ours is one that another service made for the call.
        try:
            async with self.database.connection() as connection:
                await connection.execute(_INSERT, uuid.UUID(entry.audit_entry_id), True, entry.SerializeToString())
        except errors.HeadraceError as fault:
            self._keep(entry)
            logger.warning("%s is noted for the audit log in memory for now: %s", entry.action, fault)

    def digest(self, content: message.Message) -> str:
        """Return the keyed digest of an object, without its secrets."""
        if may_hold_secrets(content.DESCRIPTOR):
            copied = type(content)()
            copied.CopyFrom(content)
            clear_secrets(copied)
            content = copied
        return hmac.new(self._digest_key, content.SerializeToString(deterministic=True), hashlib.sha256).hexdigest()

    async def save_attempts(self) -> int:
        """Write what is kept in memory; returns how many."""
        saved = await self._save(self._attempts, _INSERT)
        self._strangers.tell()
        if self.lost and saved:
            logger.warning("%d attempts are not in the audit log: they came faster than they could be kept", self.lost)
            self.lost = 0
        return saved

    async def save_ended(self) -> int:
        """Write how calls ended whose notes could not be forwarded at once; returns how many."""
        return await self._save(self._completed, _COMPLETE)

    def ended(self) -> list[audit_pb2.AuditEntry]:
        """Return notes of calls that have ended, the oldest first; their changes are committed."""
        return [self._completed[index] for index in range(min(BATCH, len(self._completed)))]

    async def _save(self, waiting: collections.deque[audit_pb2.AuditEntry], statement: str) -> int:
        batch = [waiting[index] for index in range(min(BATCH, len(waiting)))]
        if batch:
            rows = [(uuid.UUID(entry.audit_entry_id), True, entry.SerializeToString()) for entry in batch]
            async with self.database.connection() as connection:
                await connection.executemany(statement, rows)
            for _ in batch:
                waiting.popleft()
        return len(batch)

    async def save_all(self) -> None:
        """Write what is kept in memory before the process ends; what cannot be written is told in the log."""
        try:
            while await self.save_attempts() + await self.save_ended():
                pass
        except errors.HeadraceError as error:
            logger.warning("%d attempts are not in the audit log: %s", len(self._attempts), error)

    async def take(self) -> list[tuple[uuid.UUID, bytes]]:
        """Return notes that can be forwarded, the oldest first."""
        async with self.database.connection() as connection:
            rows = await connection.fetch(_TAKE, BATCH, UNFINISHED_SECONDS)
        return [(row["audit_entry_id"], row["payload"]) for row in rows]

    async def forget(self, entry_ids: Sequence[uuid.UUID], *, ended: int = 0) -> None:
        """Delete notes that the log has.

        Args:
            entry_ids: Their ids.
            ended: So many of them are the first of `ended`.
        """
        async with self.database.connection() as connection:
            await connection.execute(_FORGET, list(entry_ids))
        for _ in range(ended):
            self._completed.popleft()

    def _keep(self, entry: audit_pb2.AuditEntry) -> None:
        if entry.principal_kind == "anonymous" and not self._strangers.takes(entry.address):
            return
        if len(self._attempts) >= MOST_ATTEMPTS:
            self.lost += 1
        else:
            self._attempts.append(entry)


class Auditor:
    """What the guards of one method do for the audit log.

    Args:
        trail: Of the service.
        method: The method.
        internal_token: Proves what the gateway says of where calls come from.
        proxies: Whose word is taken beside the gateway's.
    """

    __slots__ = ("_described", "_internal_token", "_method", "_proxies", "_trail")

    def __init__(
        self, trail: AuditTrail, method: Method, internal_token: str | None, proxies: TrustedProxies = NOBODY
    ) -> None:
        self._proxies = proxies
        self._trail = trail
        self._method = method
        self._internal_token = internal_token
        self._described = describe(method)

    def begin(self, call: Call, caller: Caller, request: Any, *, from_outside: bool) -> AuditScope | None:
        """Begin the note of a call that was let in, if it needs one; calls for others are noted where they came in."""
        if not (from_outside and self._described.is_change):
            # The context may be that of a call that makes this one.
            set_scope(None)
            return None
        return self._trail.begin(self._method, self._described, caller, self._source(call), request)

    def deny(self, call: Call, error: BaseException) -> None:
        """Note that a call was not let in."""
        if isinstance(error, errors.PermissionDenied | errors.Unauthenticated):
            caller = call.caller or resolving.anonymous(call.correlation_id)
            self._trail.note_denial(self._method, self._described, caller, self._source(call), error.reason)

    async def finish(self, scope: AuditScope, response: Any, error: BaseException | None) -> None:
        """Note how a call ended."""
        if isinstance(error, grpc.RpcError):
            error = from_rpc_error(error)
        await self._trail.finish(scope, response, error)

    def _source(self, call: Call) -> tuple[str, str]:
        return source_of(call.metadata, call.context.peer(), self._internal_token, self._proxies)


class AuditForwarder(Loop):
    """Brings the notes of a service to the audit log. Every replica does; the log takes each note once."""

    name = "audit-forwarder"
    interval_seconds = FORWARD_SECONDS

    def __init__(self, trail: AuditTrail, channel: Callable[[], grpc.aio.Channel]) -> None:
        super().__init__()
        self._trail = trail
        self._channel = channel

    async def tick(self) -> int | None:
        """Save what is in memory only, and forward the rest."""
        saved = await self._trail.save_attempts()
        taken = await self._trail.take()
        ended = self._trail.ended()
        if not taken and not ended:
            return saved
        stub: Any = audit_pb2_grpc.AuditInternalServiceStub(self._channel())
        # How a call ended is known here, and need not be written where it is deleted at once.
        entries = [*(audit_pb2.AuditEntry.FromString(payload) for _, payload in taken), *ended]
        try:
            await stub.AppendAuditEntries(internal_pb2.AppendAuditEntriesRequest(entries=entries), timeout=30)
        except grpc.aio.AioRpcError as error:
            await self._trail.save_ended()
            raise errors.Unavailable(f"the audit log does not take entries: {error.details()}") from None
        await self._trail.forget([uuid.UUID(entry.audit_entry_id) for entry in entries], ended=len(ended))
        # Many at a time: what came meanwhile waits for the next tick, unless there is much of it.
        return len(entries) if len(entries) >= BATCH else None


def digest_key(internal_token: str) -> bytes:
    """Return the key of digests of an installation."""
    return hashlib.sha256(b"headrace audit digest" + internal_token.encode()).digest()


def _entry(method: Method, described: Described, caller: Caller, source: tuple[str, str]) -> audit_pb2.AuditEntry:
    address, user_agent = source
    entry = audit_pb2.AuditEntry(
        audit_entry_id=str(ids.uuid7()),
        workspace_id=str(caller.workspace_id),
        principal_id=caller.principal_id,
        principal_kind=caller.principal_kind,
        principal_name=caller.display_name,
        action=described.action,
        permission=method.permission_name.removeprefix("PERMISSION_").lower(),
        object_kind=described.object_kind,
        address=address,
        user_agent=user_agent,
        correlation_id=caller.correlation_id,
    )
    entry.occurred_at.FromNanoseconds(time.time_ns() // 1000 * 1000)
    return entry


def _resource(response: message.Message) -> message.Message | None:
    """Return the object that an answer holds: the first message in it that is one of ours."""
    for field in response.DESCRIPTOR.fields:
        is_own = field.message_type is not None and field.message_type.full_name.startswith("headrace.api.v1.")
        if is_own and not field.is_repeated and response.HasField(field.name):
            found: message.Message = getattr(response, field.name)
            return found
    return None


def _identity_of(resource: message.Message) -> str:
    first = resource.DESCRIPTOR.fields_by_number.get(1)
    value = getattr(resource, first.name) if first is not None else ""
    return value[:1024] if isinstance(value, str) else ""


def source_of(
    metadata: resolving.Metadata, peer: str, internal_token: str | None, proxies: TrustedProxies = NOBODY
) -> tuple[str, str]:
    """Return the network address and the program that a call came from.

    Args:
        metadata: Of the call. The gateway proves that it passes on an address, with the internal token.
        peer: Who is connected.
        internal_token: Shared by the services of an installation.
        proxies: Whose word is taken where the call did not come through the gateway.
    """
    given, proof = metadata.get(ADDRESS_KEY), metadata.get(ADDRESS_PROOF_KEY)
    address = _address_of(peer)
    is_claimed = isinstance(given, str) and isinstance(proof, str) and bool(internal_token)
    if is_claimed and hmac.compare_digest(str(proof).encode(), address_proof(str(given), str(internal_token)).encode()):
        address = str(given)
    elif proxies and isinstance(forwarded := metadata.get(HEADER), str):
        address = proxies.origin_of(address, forwarded)
    agent = metadata.get(AGENT_KEY) or metadata.get("user-agent") or ""
    return address[:100], (agent if isinstance(agent, str) else "")[:200]


ADDRESS_KEY = "headrace-client-address"
ADDRESS_PROOF_KEY = "headrace-client-address-proof"
AGENT_KEY = "headrace-client-agent"


@functools.lru_cache(maxsize=10_000)
def address_proof(address: str, internal_token: str) -> str:
    """Return what proves that a service of this installation says that a call came from `address`."""
    return hmac.new(internal_token.encode(), f"client address {address}".encode(), hashlib.sha256).hexdigest()


def _address_of(peer: str) -> str:
    kind, _, rest = peer.partition(":")
    if kind in ("ipv4", "ipv6"):
        return rest.rpartition(":")[0].replace("%5B", "").replace("%5D", "").strip("[]")
    return kind
