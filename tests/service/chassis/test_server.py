from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
import uuid
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf import struct_pb2
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from headrace import errors
from headrace.api.v1 import event_pb2, log_pb2, variable_pb2, variable_pb2_grpc
from headrace.ids import DEFAULT_WORKSPACE_ID
from headrace.internal.v1 import outbox_pb2, outbox_pb2_grpc
from headrace.rpc.status import from_rpc_error
from headrace_chassis import metrics, resolving, telemetry
from headrace_chassis.caller import Caller, set_caller
from headrace_chassis.neighbours import Neighbours
from headrace_chassis.resolving import ClosedCallerResolver, LocalCallerResolver
from headrace_chassis.server import ServiceServer
from headrace_chassis.validation import Check, Validator
from headrace_harness.guarded import TOKEN, Reader, Stack, Variables, any_type, refused, serving

LOG_SERVICE = "headrace.api.v1.LogService"
NAME = variable_pb2.GetVariableRequest(name="name")


async def test_a_local_caller_owns_the_default_workspace() -> None:
    async with serving() as stack:
        await stack.variables.GetVariable(NAME)
        caller = stack.variables_servicer.callers[0]
        assert (caller.principal_id, caller.principal_kind) == ("local", "local")
        assert caller.workspace_id == DEFAULT_WORKSPACE_ID
        assert caller.may("PERMISSION_VARIABLES_EDIT")


async def test_a_local_caller_names_its_workspace() -> None:
    async with serving() as stack:
        workspace = uuid.uuid4()
        await stack.variables.GetVariable(NAME, metadata=(("headrace-workspace", str(workspace)),))
        assert stack.variables_servicer.callers[0].workspace_id == workspace
        error = await refused(stack.variables.GetVariable(NAME, metadata=(("headrace-workspace", "x"),)))
        assert isinstance(error, errors.InvalidArgument)


async def test_an_error_crosses_with_reason_and_metadata() -> None:
    async with serving() as stack:
        error = await refused(stack.variables.GetVariable(variable_pb2.GetVariableRequest(name="missing")))
        assert isinstance(error, errors.NotFound)
        assert (error.message, error.reason, error.metadata) == (
            "no such variable",
            "VARIABLE_NOT_FOUND",
            {"name": "missing"},
        )


async def test_an_unknown_exception_is_internal_and_logged_once_with_the_correlation_id(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with serving() as stack:
        with caplog.at_level(logging.ERROR):
            error = await refused(
                stack.variables.GetVariable(
                    variable_pb2.GetVariableRequest(name="broken"), metadata=(("headrace-correlation-id", "abc-1"),)
                )
            )
        assert isinstance(error, errors.Internal)
        assert "secret" not in error.message
        assert error.metadata == {"correlation_id": "abc-1"}
        assert [record.message for record in caplog.records if record.exc_info] == [
            "/headrace.api.v1.VariableService/GetVariable failed"
        ]


async def test_an_abort_of_the_handler_itself_stays() -> None:
    async with serving() as stack:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stack.variables.GetVariable(variable_pb2.GetVariableRequest(name="own-abort"))
        assert (caught.value.code(), caught.value.details()) == (grpc.StatusCode.OUT_OF_RANGE, "mine")


async def test_a_foreign_correlation_id_is_not_trusted_blindly() -> None:
    async with serving() as stack:
        answer = await stack.variables.GetVariable(NAME, metadata=(("headrace-correlation-id", "a" * 200),))
        assert 0 < len(answer.variable.tags[0]) <= 32
        answer = await stack.variables.GetVariable(NAME, metadata=(("headrace-correlation-id", "mine.1"),))
        assert list(answer.variable.tags) == ["mine.1"]


async def test_spans_belong_to_the_callers_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(telemetry, "_is_tracing", True)
    monkeypatch.setattr(telemetry, "tracer", provider.get_tracer("test"))
    trace_id, parent_id = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    async with serving() as stack:
        answer = await stack.variables.GetVariable(NAME, metadata=(("traceparent", f"00-{trace_id}-{parent_id}-01"),))
        # Without an id of the caller's own, the trace is what finds the call in the log.
        assert list(answer.variable.tags) == [trace_id]
        await refused(stack.variables.GetVariable(variable_pb2.GetVariableRequest(name="missing")))
    first, second = exporter.get_finished_spans()
    assert first.name == "headrace.api.v1.VariableService/GetVariable"
    assert first.context is not None
    assert first.parent is not None
    assert (f"{first.context.trace_id:032x}", f"{first.parent.span_id:016x}") == (trace_id, parent_id)
    assert first.attributes is not None
    assert first.attributes["rpc.grpc.status_code"] == "OK"
    assert second.attributes is not None
    assert second.attributes["rpc.grpc.status_code"] == "NOT_FOUND"
    assert second.parent is None


async def test_calls_are_measured_by_method_and_code() -> None:
    async with serving() as stack:
        await refused(stack.variables.GetVariable(variable_pb2.GetVariableRequest(name="missing")))
        text = metrics.metrics_text().decode()
    assert 'count{code="NOT_FOUND",method="/headrace.api.v1.VariableService/GetVariable"}' in text


async def test_calls_in_progress_are_counted() -> None:
    async with serving() as stack:
        before = calls_in_progress()
        waiting = asyncio.ensure_future(stack.variables.GetVariable(variable_pb2.GetVariableRequest(name="slow")))
        await stack.variables_servicer.is_in.wait()
        assert calls_in_progress() == before + 1
        stack.variables_servicer.go_on.set()
        await waiting
    assert calls_in_progress() == before


def calls_in_progress() -> float:
    lines = metrics.metrics_text().decode().splitlines()
    return sum(float(line.split()[1]) for line in lines if line.startswith("headrace_rpc_active "))


async def test_a_call_without_deadline_gets_one() -> None:
    async with serving(default_deadline_seconds=0.05) as stack:
        slow = variable_pb2.GetVariableRequest(name="slow")
        assert isinstance(await refused(stack.variables.GetVariable(slow)), errors.DeadlineExceeded)
        stack.variables_servicer.is_in.clear()
        patient = asyncio.ensure_future(stack.variables.GetVariable(slow, timeout=30))
        await stack.variables_servicer.is_in.wait()
        await asyncio.sleep(0.1)
        stack.variables_servicer.go_on.set()
        assert (await patient).variable.name == "slow"


async def test_a_timeout_inside_the_handler_is_not_the_callers_deadline(caplog: pytest.LogCaptureFixture) -> None:
    async with serving() as stack:
        error = await refused(stack.variables.GetVariable(variable_pb2.GetVariableRequest(name="own-timeout")))
        assert isinstance(error, errors.Internal)


async def test_a_wrong_request_lists_its_fields_and_never_gets_to_the_handler() -> None:
    async with serving() as stack:
        error = await refused(stack.variables.SetVariable(variable_pb2.SetVariableRequest(name="Not Right")))
        assert isinstance(error, errors.InvalidArgument)
        assert [violation.field for violation in error.violations] == ["name", "value"]
        assert "pattern" in error.violations[0].description
        right = variable_pb2.SetVariableRequest(name="right", value=struct_pb2.Value(number_value=1))
        assert (await stack.variables.SetVariable(right)).variable.name == "right"


class OnlyOpen(Validator):
    """Has one rule: what a client streams to the log service opens the stream."""

    def check_of(self, message_type: str) -> Check | None:
        if message_type != "headrace.api.v1.WriteLogsRequest":
            return None

        def check(message: Any) -> None:
            if not message.HasField("open"):
                raise errors.InvalidArgument.of_field("open", "is required")

        return check


@pytest.mark.parametrize(("self_validating", "taken"), [(frozenset(), 1), (frozenset({LOG_SERVICE}), 3)])
async def test_each_message_of_a_client_stream_is_checked_unless_the_service_does_it(
    self_validating: frozenset[str], taken: int
) -> None:
    right = log_pb2.WriteLogsRequest(open=log_pb2.WriteLogsOpen())
    async with serving(validator=OnlyOpen(), self_validating=self_validating) as stack:
        call = stack.logs.WriteLogs(iter([right, log_pb2.WriteLogsRequest(), right]))
        answers = 0
        with contextlib.suppress(grpc.aio.AioRpcError):
            async for _ in call:
                answers += 1
        assert answers == taken
        code = grpc.StatusCode.OK if self_validating else grpc.StatusCode.INVALID_ARGUMENT
        assert await call.code() is code


async def test_without_sign_in_nobody_gets_in() -> None:
    async with serving(ClosedCallerResolver()) as stack:
        error = await refused(stack.variables.GetVariable(NAME))
        assert isinstance(error, errors.Unauthenticated)
        assert error.reason == "SIGN_IN_NOT_SET_UP"
        assert stack.variables_servicer.callers == []


async def test_a_caller_may_only_what_it_has_the_permission_for() -> None:
    async with serving(Reader()) as stack:
        reader = (("authorization", "Bearer reader"),)
        await stack.variables.GetVariable(NAME, metadata=reader)
        error = await refused(
            stack.variables.SetVariable(variable_pb2.SetVariableRequest(name="right"), metadata=reader)
        )
        assert isinstance(error, errors.PermissionDenied)
        assert error.metadata == {"permission": "PERMISSION_VARIABLES_EDIT"}
        assert isinstance(await refused(stack.variables.GetVariable(NAME)), errors.Unauthenticated)


async def test_internal_methods_are_for_services_only() -> None:
    async with serving() as stack:
        for metadata, expected in (
            ((), errors.PermissionDenied),
            ((("headrace-internal-token", "guess"),), errors.Unauthenticated),
        ):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await stack.outboxes.FollowOutbox(outbox_pb2.FollowOutboxRequest(), metadata=metadata).read()
            assert isinstance(from_rpc_error(caught.value), expected)


async def test_a_server_without_internal_token_trusts_no_service() -> None:
    async with serving(internal_token=None) as stack:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stack.outboxes.FollowOutbox(
                outbox_pb2.FollowOutboxRequest(), metadata=(("headrace-internal-token", ""),)
            ).read()
        assert isinstance(from_rpc_error(caught.value), errors.Unauthenticated)


async def test_a_neighbour_acts_for_the_original_caller() -> None:
    # In a context of its own: other tests may have left a caller behind.
    await asyncio.create_task(act_for_callers(), context=contextvars.Context())


async def act_for_callers() -> None:
    async with serving(ClosedCallerResolver()) as stack:
        neighbours = Neighbours({"log": stack.target}, TOKEN)
        stub = outbox_pb2_grpc.OutboxServiceStub(neighbours.channel("log"))
        answer: Any = await stub.FollowOutbox(outbox_pb2.FollowOutboxRequest()).read()
        assert answer.cursor == f"service {resolving.NO_WORKSPACE_ID}"
        set_caller(Caller(uuid.UUID(int=9), "me", "user", "Zoë & co", frozenset(), "c1"))
        answer = await stub.FollowOutbox(outbox_pb2.FollowOutboxRequest()).read()
        assert answer.cursor == f"user {uuid.UUID(int=9)}"
        await variable_pb2_grpc.VariableServiceStub(neighbours.channel("log")).GetVariable(NAME)
        assert stack.variables_servicer.callers[0].display_name == "Zoë & co"
        await neighbours.close()


async def test_a_neighbour_that_nobody_named_is_said_clearly() -> None:
    with pytest.raises(errors.FailedPrecondition, match=r"HEADRACE_SERVER_[A-Z]+_ADDRESS"):
        Neighbours({}, TOKEN).channel("log")


async def test_a_method_without_servicer_is_unimplemented() -> None:
    async with serving() as stack:
        error = await refused(stack.variables.DeleteVariable(variable_pb2.DeleteVariableRequest(name="x")))
        assert isinstance(error, errors.Unimplemented)
        unknown: Any = stack.channel.unary_unary("/headrace.api.v1.Nothing/Do")
        assert isinstance(await refused(unknown(b"")), errors.Unimplemented)


async def test_an_error_in_the_middle_of_a_stream_crosses() -> None:
    async with serving() as stack:
        call = stack.events.FollowEvents(event_pb2.FollowEventsRequest(follow_token="fail"))
        await call.read()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call.read()
        assert from_rpc_error(caught.value).reason == "MIDDLE"


async def test_a_stream_is_ended_when_its_client_goes() -> None:
    async with serving() as stack:
        call = stack.events.FollowEvents(event_pb2.FollowEventsRequest())
        await call.read()
        call.cancel()
        await asyncio.wait_for(stack.events_servicer.has_ended.wait(), 60)
        assert stack.events_servicer.ended == ["cancelled"]


async def test_stopping_lets_calls_end_and_tells_streams() -> None:
    async with serving() as stack:
        stream = stack.events.FollowEvents(event_pb2.FollowEventsRequest())
        await stream.read()
        slow = asyncio.ensure_future(stack.variables.GetVariable(variable_pb2.GetVariableRequest(name="slow")))
        await stack.variables_servicer.is_in.wait()
        stopping = asyncio.create_task(stack.server.stop(10))
        # The stream ends by itself, with its last message, well before the limit.
        assert await asyncio.wait_for(stream.read(), 60) is not grpc.aio.EOF
        assert await asyncio.wait_for(stream.read(), 60) is grpc.aio.EOF
        stack.variables_servicer.go_on.set()
        assert (await slow).variable.name == "slow"
        await asyncio.wait_for(stopping, 60)
        assert stack.events_servicer.ended == ["drained"]


async def test_stopping_cuts_off_what_does_not_end() -> None:
    async with serving() as stack:
        slow = asyncio.ensure_future(stack.variables.GetVariable(variable_pb2.GetVariableRequest(name="slow")))
        await stack.variables_servicer.is_in.wait()
        await asyncio.wait_for(stack.server.stop(0.1), 60)
        assert isinstance(await refused(slow), errors.Unavailable | errors.Cancelled)


async def test_health_tells_readiness_apart_from_liveness() -> None:
    faults: list[str] = ["the database is away"]

    async def check() -> None:
        if faults:
            raise errors.Unavailable(faults[0])

    async with serving(readiness=[check]) as stack:

        async def health(service: str) -> int:
            return int((await stack.health.Check(health_pb2.HealthCheckRequest(service=service))).status)

        ready, not_ready = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING
        assert await health("liveness") == ready
        assert await health("") == await health("headrace.api.v1.VariableService") == not_ready
        assert await stack.server.check_readiness() == ["the database is away"]
        faults.clear()
        assert await stack.server.check_readiness() == []
        assert await health("") == await health("headrace.api.v1.VariableService") == ready


async def test_reflection_is_off_unless_asked_for() -> None:
    async def services(stack: Stack) -> list[str]:
        stub = reflection_pb2_grpc.ServerReflectionStub(stack.channel)
        request = reflection_pb2.ServerReflectionRequest(list_services="")
        answers = [answer async for answer in stub.ServerReflectionInfo(iter([request]))]
        return [service.name for service in answers[0].list_services_response.service]

    async with serving(with_reflection=True) as stack:
        assert "headrace.api.v1.VariableService" in await services(stack)
    async with serving() as stack:
        with pytest.raises(grpc.aio.AioRpcError):
            await services(stack)


async def test_a_message_beyond_the_limit_is_refused() -> None:
    async with serving(max_message_bytes=1000) as stack:
        request = variable_pb2.SetVariableRequest(name="right", tags=["x" * 2000])
        assert isinstance(await refused(stack.variables.SetVariable(request)), errors.ResourceExhausted)


async def test_an_address_in_use_is_said() -> None:
    server = ServiceServer(resolver=LocalCallerResolver())
    with pytest.raises(OSError, match="cannot listen on 192"):
        server.listen("192.0.2.1:1")
    await server.stop(0)


async def test_a_service_is_added_once_and_only_if_it_is_one() -> None:
    server = ServiceServer(resolver=LocalCallerResolver())
    server.add_servicer(any_type(Variables)())
    with pytest.raises(ValueError, match="VariableService"):
        server.add_servicer(any_type(Variables)())
    with pytest.raises(TypeError, match="object"):
        server.add_servicer(object())
    await server.stop(0)
