"""What stands between the wire and every handler, in one order: trace, errors, auth, deadline, validation.

Handlers are wrapped once, when a servicer is added, so that a call pays for the guards and not for finding
them. Deny by default: a method for which the contract names no permission is refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import inspect
import logging
import random
import re
import time
import types
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
import grpc.aio
from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from headrace import errors
from headrace.rpc import status
from headrace_chassis import methods, metrics, resolving, telemetry
from headrace_chassis.audit import Auditor, AuditTrail
from headrace_chassis.audit_scope import AuditScope
from headrace_chassis.caller import OTHER_RUNS, Caller, set_caller
from headrace_chassis.calls import Call, set_call
from headrace_chassis.forwarding import NOBODY, TrustedProxies
from headrace_chassis.methods import Method
from headrace_chassis.run_rights import is_own_wait
from headrace_chassis.validation import Check, Validator

logger = logging.getLogger(__name__)

_CORRELATION = re.compile(r"[A-Za-z0-9_.:\-]{1,128}")
_propagator = TraceContextTextMapPropagator()

# What a neighbour answered and our caller can make sense of; anything else is a fault between services.
_PASSED_ON = (
    errors.InvalidArgument,
    errors.NotFound,
    errors.AlreadyExists,
    errors.FailedPrecondition,
    errors.Aborted,
    errors.ResourceExhausted,
    errors.DeadlineExceeded,
    errors.Unavailable,
)


@dataclasses.dataclass(frozen=True, slots=True)
class Guards:
    """The guards of one server.

    Args:
        resolver: Tells who a caller is.
        internal_token: What calls between services must carry; None refuses them all.
        validator: Checks requests by the rules in the contract.
        default_deadline_seconds: For unary calls whose client set no deadline.
        draining: Set when the server is about to stop.
        proxies: Whose word is taken of where calls come from.
    """

    resolver: resolving.CallerResolver
    internal_token: str | None
    validator: Validator
    default_deadline_seconds: float
    draining: asyncio.Event
    proxies: TrustedProxies = NOBODY

    def wrap(self, method: Method, handler: Any, *, validated: bool, trail: AuditTrail | None = None) -> Any:
        """Return the gRPC method handler that guards `handler`.

        Args:
            method: What the contract says about it.
            handler: The `grpc.RpcMethodHandler` of the servicer.
            validated: Whether each message of a client stream is checked, too. Unary requests always are.
            trail: Where calls are noted for the audit log.
        """
        auditor = Auditor(trail, method, self.internal_token, self.proxies) if trail is not None else None
        check = self.validator.check_of(method.request_type)
        behaviour: Callable[..., Any]
        if method.client_streaming:
            stream_check = check if validated else None
            if method.server_streaming:
                behaviour = self._stream(method, handler.stream_stream, None, stream_check, auditor)
                make = grpc.stream_stream_rpc_method_handler
            else:
                behaviour = self._unary(method, handler.stream_unary, None, stream_check, auditor)
                make = grpc.stream_unary_rpc_method_handler
        elif method.server_streaming:
            behaviour = self._stream(method, handler.unary_stream, check, None, auditor)
            make = grpc.unary_stream_rpc_method_handler
        else:
            behaviour = self._unary(method, handler.unary_unary, check, None, auditor)
            make = grpc.unary_unary_rpc_method_handler
        return make(behaviour, handler.request_deserializer, handler.response_serializer)

    def _unary(
        self,
        method: Method,
        handler: Callable[[Any, Any], Awaitable[Any]],
        check: Check | None,
        stream_check: Check | None,
        auditor: Auditor | None,
    ) -> Callable[[Any, Any], Awaitable[Any]]:
        async def answer(request: Any, context: Any) -> Any:
            async with _Guarded(self, method, context, request, auditor) as guarded:
                if check is not None:
                    check(request)
                if stream_check is not None:
                    request = _checked(request, stream_check)
                response = await handler(request, context)
                await guarded.done(response)
                return response

        return answer

    def _stream(
        self,
        method: Method,
        handler: Callable[[Any, Any], Any],
        check: Check | None,
        stream_check: Check | None,
        auditor: Auditor | None,
    ) -> Callable[[Any, Any], Awaitable[None]]:
        is_generator = inspect.isasyncgenfunction(handler)

        async def answer(request: Any, context: Any) -> None:
            async with _Guarded(self, method, context, request, auditor):
                if check is not None:
                    check(request)
                if stream_check is not None:
                    request = _checked(request, stream_check)
                if is_generator:
                    async with contextlib.aclosing(handler(request, context)) as responses:
                        async for response in responses:
                            await context.write(response)
                else:
                    await handler(request, context)

        return answer

    async def let_in(self, call: Call, request: Any) -> tuple[Caller, bool]:
        """Find out who calls and whether it may.

        Returns:
            The caller, and whether it calls from outside: not through another service.

        Raises:
            errors.Unauthenticated: The caller does not prove who it is.
            errors.PermissionDenied: It may not call this method, or nobody may.
        """
        method, permission = call.method, call.method.permission
        if permission == methods.PERMISSION_UNSPECIFIED:
            raise errors.PermissionDenied("the contract lets nobody call this method", reason="METHOD_CLOSED")
        inside = resolving.internal_caller(call.metadata, self.internal_token, call.correlation_id)
        if inside is not None:
            # The service that passes a call on has checked whether its caller may make it.
            return await self._passed_on(call, inside), False
        if permission == methods.PERMISSION_INTERNAL:
            raise errors.PermissionDenied("only Headrace's own services may call this", reason="METHOD_INTERNAL")
        try:
            caller = await self.resolver.resolve(call.metadata, call.correlation_id)
        except (errors.Unauthenticated, errors.NotFound):
            if permission != methods.PERMISSION_PUBLIC:
                raise
            caller = resolving.anonymous(call.correlation_id)
        call.caller = caller
        if not method.is_open:
            if caller.is_run and is_own_wait(method.path, request, caller):
                return caller, True
            require(caller, method, request)
            if not method.is_for_runs and caller.is_run and not caller.may(OTHER_RUNS):
                raise errors.PermissionDenied(
                    f"flow runs do not call {method.name} with their tokens", reason="NOT_FOR_RUNS"
                )
        elif caller.is_run and permission != methods.PERMISSION_PUBLIC and not method.name.startswith(("Get", "List")):
            # It would outlive its run with a key, or a session, of the worker's account.
            raise errors.PermissionDenied("flow runs keep no keys and no sessions", reason="NOT_FOR_RUNS")
        return caller, True

    async def _passed_on(self, call: Call, inside: Caller) -> Caller:
        token = call.metadata.get(resolving.ACCESS_TOKEN_KEY)
        if isinstance(token, str):
            return await self.resolver.accept(token, call.correlation_id)
        if self.resolver.has_proofs and inside.principal_kind not in resolving.UNSIGNED:
            raise errors.Unauthenticated("the original caller is not proven", reason="ON_BEHALF_OF_WRONG")
        return inside


def require(caller: Caller, method: Method, request: Any) -> None:
    """Return if `caller` may call a method: anywhere in its workspace, or with the object that it names.

    Raises:
        errors.PermissionDenied: It may not.
    """
    if caller.grants and method.object_fields and not method.client_streaming:
        name = "/".join(methods.value_at(request, field) for field in method.object_fields)
        if caller.may_on(method.permission_name, method.object_kind, name):
            return
    caller.require(method.permission_name)


class _Guarded:
    """The way of one call through the guards and back; entered before the handler and left after it."""

    __slots__ = (
        "_auditor",
        "_call",
        "_deadline",
        "_guards",
        "_held",
        "_lost",
        "_note",
        "_request",
        "_span",
        "_started",
        "_task",
    )

    def __init__(self, guards: Guards, method: Method, context: Any, request: Any, auditor: Auditor | None) -> None:
        self._guards = guards
        self._auditor = auditor
        self._note: AuditScope | None = None
        self._request = request
        self._held: contextlib.AbstractContextManager[None] | None = None
        self._lost: errors.HeadraceError | None = None
        self._task: asyncio.Task[Any] | None = None
        self._call = Call(method, dict(context.invocation_metadata() or ()), context, guards.draining)
        self._deadline: asyncio.Timeout | None = None
        self._span: contextlib.AbstractContextManager[trace.Span] | None = None
        self._started = time.perf_counter()

    async def __aenter__(self) -> _Guarded:
        call, guards = self._call, self._guards
        set_call(call)
        self._trace()
        metrics.rpc_timings.begin()
        try:
            caller, from_outside = await guards.let_in(call, self._request)
            set_caller(caller)
            if self._auditor is not None:
                self._note = self._auditor.begin(call, caller, self._request, from_outside=from_outside)
            if from_outside and caller.proof is not None:
                self._hold(caller)
        except BaseException as error:
            if self._auditor is not None:
                self._auditor.deny(call, error)
            await self._leave(error)
            raise
        # A deadline of the client is kept by gRPC, which cancels the handler.
        if call.method.is_unary and call.context.time_remaining() is None:
            self._deadline = asyncio.timeout(guards.default_deadline_seconds)
            await self._deadline.__aenter__()
        return self

    async def done(self, response: Any) -> None:
        """Note what a call has done, before its client is told."""
        if self._note is not None and self._auditor is not None:
            note, self._note = self._note, None
            await self._auditor.finish(note, response, None)

    def _hold(self, caller: Caller) -> None:
        """Count the call of a caller, and look at it again while it goes on if that may be long."""
        call, resolver = self._call, self._guards.resolver
        if call.method.is_unary:
            self._held = resolver.counting(caller)
        else:
            self._task = asyncio.current_task()
            self._held = resolver.watching(call.metadata, caller, self._look_again, self._cut_off)
        if self._held is not None:
            held, self._held = self._held, None
            held.__enter__()
            self._held = held

    def _look_again(self, caller: Caller) -> None:
        method = self._call.method
        if not method.is_open:
            require(caller, method, self._request)

    def _cut_off(self, error: errors.HeadraceError) -> None:
        if self._lost is None and self._task is not None:
            self._lost = error
            self._task.cancel()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: types.TracebackType | None
    ) -> None:
        if self._lost is not None and isinstance(error, asyncio.CancelledError) and self._task is not None:
            # We cut it off ourselves, and say why.
            self._task.uncancel()
            error = self._lost
        if self._deadline is not None:
            try:
                await self._deadline.__aexit__(kind, error, traceback)
            except TimeoutError:
                limit = self._guards.default_deadline_seconds
                error = errors.DeadlineExceeded(f"the call took longer than {limit:g} s; set a deadline to allow more")
        await self._leave(error)

    async def _leave(self, error: BaseException | None) -> None:
        code = "OK"
        if self._held is not None:
            self._held.__exit__(None, None, None)
        if error is not None and self._note is not None and self._auditor is not None:
            await self._auditor.finish(self._note, None, error)
        try:
            if error is not None:
                code = await self._tell(error)
        except grpc.aio.AbortError:
            code = _code_name(self._call.context)
            raise
        finally:
            seconds, trace_id = time.perf_counter() - self._started, ""
            if self._span is not None:
                span = trace.get_current_span()
                span.set_attribute("rpc.grpc.status_code", code)
                if (context := span.get_span_context()).trace_flags.sampled:
                    trace_id = f"{context.trace_id:032x}"
            metrics.rpc_timings.end(self._call.method.path, code, seconds, trace_id)
            if self._span is not None:
                self._span.__exit__(None, None, None)

    async def _tell(self, error: BaseException) -> str:
        """Tell the client about `error`, or return the code of a call that needs no telling."""
        call = self._call
        match error:
            case grpc.aio.AbortError():
                return _code_name(call.context)
            case errors.HeadraceError():
                told = error
            case grpc.RpcError():
                told = status.from_rpc_error(error)
                if not isinstance(told, _PASSED_ON):
                    logger.error("%s failed: a neighbour refused", call.method.path, exc_info=error)
                    told = _internal(call)
            case Exception():
                logger.error("%s failed", call.method.path, exc_info=error)
                told = _internal(call)
            case _:
                return "CANCELLED"
        await call.context.abort(status.code_of(told), told.message, status.to_trailers(told))
        return _code_name(call.context)

    def _trace(self) -> None:
        call = self._call
        metadata = call.metadata
        given = metadata.get(resolving.CORRELATION_KEY)
        identifier = given if isinstance(given, str) and _CORRELATION.fullmatch(given) else ""
        if telemetry.is_tracing():
            parent = _propagator.extract({"traceparent": str(metadata.get("traceparent", ""))})
            attributes = {"rpc.system": "grpc", "rpc.service": call.method.service, "rpc.method": call.method.name}
            self._span = telemetry.tracer.start_as_current_span(
                call.method.path[1:], context=parent, kind=trace.SpanKind.SERVER, attributes=attributes
            )
            span = self._span.__enter__()
            identifier = identifier or f"{span.get_span_context().trace_id:032x}"
        call.correlation_id = identifier or f"{random.getrandbits(128):032x}"
        telemetry.correlation_id.set(call.correlation_id)


def _code_name(context: Any) -> str:
    code = context.code()
    return code.name if isinstance(code, grpc.StatusCode) else str(code)


def _internal(call: Call) -> errors.Internal:
    return errors.Internal(
        f"internal error; the server's log has the details under correlation id {call.correlation_id}",
        metadata={"correlation_id": call.correlation_id},
    )


async def _checked(requests: AsyncIterator[Any], check: Check) -> AsyncIterator[Any]:
    async for request in requests:
        check(request)
        yield request
