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
import re
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
import grpc.aio
from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from headrace import errors
from headrace.rpc import status
from headrace_chassis import methods, metrics, resolving, telemetry
from headrace_chassis.caller import set_caller
from headrace_chassis.calls import Call, set_call
from headrace_chassis.methods import Method
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
    """

    resolver: resolving.CallerResolver
    internal_token: str | None
    validator: Validator
    default_deadline_seconds: float
    draining: asyncio.Event

    def wrap(self, method: Method, handler: Any, *, validated: bool) -> Any:
        """Return the gRPC method handler that guards `handler`.

        Args:
            method: What the contract says about it.
            handler: The `grpc.RpcMethodHandler` of the servicer.
            validated: Whether each message of a client stream is checked, too. Unary requests always are.
        """
        check = self.validator.check_of(method.request_type)
        behaviour: Callable[..., Any]
        if method.client_streaming:
            stream_check = check if validated else None
            if method.server_streaming:
                behaviour = self._stream(method, handler.stream_stream, None, stream_check)
                make = grpc.stream_stream_rpc_method_handler
            else:
                behaviour = self._unary(method, handler.stream_unary, None, stream_check)
                make = grpc.stream_unary_rpc_method_handler
        elif method.server_streaming:
            behaviour = self._stream(method, handler.unary_stream, check, None)
            make = grpc.unary_stream_rpc_method_handler
        else:
            behaviour = self._unary(method, handler.unary_unary, check, None)
            make = grpc.unary_unary_rpc_method_handler
        return make(behaviour, handler.request_deserializer, handler.response_serializer)

    def _unary(
        self,
        method: Method,
        handler: Callable[[Any, Any], Awaitable[Any]],
        check: Check | None,
        stream_check: Check | None,
    ) -> Callable[[Any, Any], Awaitable[Any]]:
        async def answer(request: Any, context: Any) -> Any:
            async with self._guarded(method, context):
                if check is not None:
                    check(request)
                if stream_check is not None:
                    request = _checked(request, stream_check)
                return await handler(request, context)

        return answer

    def _stream(
        self,
        method: Method,
        handler: Callable[[Any, Any], Any],
        check: Check | None,
        stream_check: Check | None,
    ) -> Callable[[Any, Any], Awaitable[None]]:
        is_generator = inspect.isasyncgenfunction(handler)

        async def answer(request: Any, context: Any) -> None:
            async with self._guarded(method, context):
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

    @contextlib.asynccontextmanager
    async def _guarded(self, method: Method, context: Any) -> AsyncIterator[None]:
        call = Call(method, dict(context.invocation_metadata() or ()), context, self.draining)
        set_call(call)
        async with _traced(call), _told(call):
            await self._let_in(call)
            async with self._in_time(call):
                yield

    async def _let_in(self, call: Call) -> None:
        permission = call.method.permission
        if permission == methods.PERMISSION_UNSPECIFIED:
            raise errors.PermissionDenied("the contract lets nobody call this method", reason="METHOD_CLOSED")
        caller = resolving.internal_caller(call.metadata, self.internal_token, call.correlation_id)
        if caller is None:
            if permission == methods.PERMISSION_INTERNAL:
                raise errors.PermissionDenied("only Headrace's own services may call this", reason="METHOD_INTERNAL")
            try:
                caller = await self.resolver.resolve(call.metadata, call.correlation_id)
            except errors.Unauthenticated:
                if permission != methods.PERMISSION_PUBLIC:
                    raise
                caller = resolving.anonymous(call.correlation_id)
            if permission not in (methods.PERMISSION_PUBLIC, methods.PERMISSION_AUTHENTICATED):
                caller.require(call.method.permission_name)
        set_caller(caller)

    @contextlib.asynccontextmanager
    async def _in_time(self, call: Call) -> AsyncIterator[None]:
        # A deadline of the client is kept by gRPC, which cancels the handler.
        if call.method.server_streaming or call.method.client_streaming or call.context.time_remaining() is not None:
            yield
            return
        deadline = asyncio.timeout(self.default_deadline_seconds)
        try:
            async with deadline:
                yield
        except TimeoutError as error:
            if deadline.expired():
                raise errors.DeadlineExceeded(
                    f"the call took longer than {self.default_deadline_seconds:g} s; set a deadline to allow more"
                ) from error
            raise


@contextlib.asynccontextmanager
async def _traced(call: Call) -> AsyncIterator[None]:
    carrier = {"traceparent": str(call.metadata.get("traceparent", ""))}
    parent = _propagator.extract(carrier) if carrier["traceparent"] else None
    attributes = {"rpc.system": "grpc", "rpc.service": call.method.service, "rpc.method": call.method.name}
    labels: dict[str, str] = {"method": call.method.path, "code": "OK"}
    started = time.perf_counter()
    with telemetry.tracer.start_as_current_span(
        call.method.path[1:], context=parent, kind=trace.SpanKind.SERVER, attributes=attributes, record_exception=False
    ) as span:
        call.correlation_id = _correlation_id(call, span)
        telemetry.correlation_id.set(call.correlation_id)
        metrics.rpc_active.add(1)
        try:
            yield
        except asyncio.CancelledError:
            labels["code"] = "CANCELLED"
            raise
        except grpc.aio.AbortError:
            code = call.context.code()
            labels["code"] = getattr(code, "name", str(code))
            raise
        finally:
            metrics.rpc_active.add(-1)
            metrics.rpc_seconds.record(time.perf_counter() - started, labels)
            span.set_attribute("rpc.grpc.status_code", labels["code"])


def _correlation_id(call: Call, span: trace.Span) -> str:
    given = call.metadata.get(resolving.CORRELATION_KEY)
    if isinstance(given, str) and _CORRELATION.fullmatch(given):
        return given
    span_context = span.get_span_context()
    return f"{span_context.trace_id:032x}" if span_context.is_valid else uuid.uuid4().hex


@contextlib.asynccontextmanager
async def _told(call: Call) -> AsyncIterator[None]:
    try:
        yield
    except (asyncio.CancelledError, grpc.aio.AbortError):
        raise
    except errors.HeadraceError as error:
        await _abort(call, error)
    except grpc.RpcError as error:
        cause = status.from_rpc_error(error)
        if isinstance(cause, _PASSED_ON):
            await _abort(call, cause)
        logger.exception("%s failed: a neighbour refused", call.method.path)
        await _abort(call, _internal(call))
    except Exception:
        logger.exception("%s failed", call.method.path)
        await _abort(call, _internal(call))


def _internal(call: Call) -> errors.Internal:
    return errors.Internal(
        f"internal error; the server's log has the details under correlation id {call.correlation_id}",
        metadata={"correlation_id": call.correlation_id},
    )


async def _abort(call: Call, error: errors.HeadraceError) -> None:
    await call.context.abort(status.code_of(error), error.message, status.to_trailers(error))


async def _checked(requests: AsyncIterator[Any], check: Check) -> AsyncIterator[Any]:
    async for request in requests:
        check(request)
        yield request
