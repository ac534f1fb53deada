"""The server's side of the contract, as the SDK meets it: real gRPC and HTTP, kept in memory, breakable at will."""

from __future__ import annotations

import concurrent.futures
import contextlib
import datetime
import http.server
import json
import queue
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, cast

import grpc

from headrace import __version__
from headrace.api.v1 import (
    flow_run_pb2,
    flow_run_pb2_grpc,
    log_pb2,
    log_pb2_grpc,
    state_pb2,
    task_run_pb2,
    task_run_pb2_grpc,
)
from headrace.errors import HeadraceError, LeaseLost
from headrace.rpc.status import code_of, to_trailers
from headrace_harness.servers import free_port

WAIT = 60.0


def wait_until(claim: Callable[[], bool], what: str) -> None:
    """Wait until `claim` holds.

    Raises:
        AssertionError: It does not within a generous time.
    """
    deadline = time.monotonic() + WAIT
    while not claim():
        assert time.monotonic() < deadline, what
        time.sleep(0.002)


class Counterpart:
    """Keeps what the SDK tells.

    Fields are read by tests; those under "controls" are set by them.
    """

    def __init__(self) -> None:
        self.flow_runs: dict[str, flow_run_pb2.FlowRun] = {}
        self.tokens: dict[str, str] = {}
        self.policies: dict[str, flow_run_pb2.RetryPolicy] = {}
        self.transitions: dict[str, task_run_pb2.TaskRunTransition] = {}
        self.specs: dict[str, task_run_pb2.TaskRunSpec] = {}
        self.flow_run_of: dict[str, str] = {}
        self.frames: list[int] = []
        self.heartbeats: list[tuple[float, list[str]]] = []
        self.logs: dict[str, log_pb2.LogRecord] = {}
        self.events: list[str] = []
        self.metadata: list[dict[str, str]] = []
        # Controls.
        self.acknowledge = threading.Event()
        self.acknowledge.set()
        self.takes_log_columns = False
        """Records in columns are not kept, only counted."""
        self.log_columns = 0
        self.opens_logs = threading.Event()
        self.opens_logs.set()
        self.break_after_commit = 0
        self.refuse_frames = False
        self.stream_error: HeadraceError | None = None
        self.propose_verdict: Callable[[flow_run_pb2.ProposeFlowRunStateRequest], state_pb2.Verdict | None] | None = (
            None
        )
        self.system: dict[str, Any] = {"version": __version__, "capabilities": []}
        self.http_status = 200
        self._streams: list[queue.SimpleQueue[task_run_pb2.RecordResponse | None]] = []
        self._lock = threading.RLock()
        self._server: grpc.Server | None = None
        # It is stopped and started again there: none that others are given meanwhile.
        self.grpc_port = free_port()
        self._start_grpc()
        self._http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http_thread = threading.Thread(target=self._http.serve_forever, args=(0.02,))
        self._http_thread.start()
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    # What tests do.

    def stop_grpc(self) -> None:
        """Go away as a killed process does."""
        if self._server is not None:
            self._end_streams()
            self._server.stop(None).wait()
            self._server = None

    def start_grpc(self) -> None:
        """Come back at the same address."""
        self._start_grpc()

    def close(self) -> None:
        """End for good."""
        self.acknowledge.set()
        self.opens_logs.set()
        self.stop_grpc()
        self._http.shutdown()
        self._http_thread.join()
        self._http.server_close()

    def send(self, response: task_run_pb2.RecordResponse) -> None:
        """Send a message down every recording stream."""
        for stream in list(self._streams):
            stream.put(response)

    def lose(self, flow_run_id: str) -> None:
        """Give a flow run to another attempt."""
        self.tokens[flow_run_id] = "another"
        self.send(
            task_run_pb2.RecordResponse(
                lost=task_run_pb2.AttemptLost(flow_run_id=flow_run_id, code="LEASE_LOST", reason="another took over")
            )
        )

    def cancel(self, flow_run_id: str) -> None:
        """Ask a flow run to stop."""
        state = state_pb2.State(type=state_pb2.STATE_TYPE_CANCELLING, name="Cancelling", message="by a person")
        self.flow_runs[flow_run_id].state.CopyFrom(state)
        self.send(task_run_pb2.RecordResponse(signal=task_run_pb2.RunSignal(flow_run_id=flow_run_id, state=state)))

    def break_streams(self) -> None:
        """End all recording streams, as a proxy that restarts does."""
        self._end_streams()

    def only_flow_run(self) -> flow_run_pb2.FlowRun:
        """Return the one flow run that there is."""
        (run,) = self.flow_runs.values()
        return run

    def states_by_task_run(self) -> dict[str, list[str]]:
        """Return the states of each task run by its name, in the order of their versions."""
        found: dict[str, list[tuple[int, str]]] = {}
        for transition in self.transitions.values():
            name = self.specs[transition.task_run_id].name
            kind = state_pb2.StateType.Name(transition.state.type).removeprefix("STATE_TYPE_")
            found.setdefault(name, []).append((transition.state.version, kind))
        return {name: [kind for _, kind in sorted(states)] for name, states in found.items()}

    def counts(self) -> dict[str, int]:
        """Return how many task runs ended in each state."""
        found: dict[str, int] = {}
        for states in self.states_by_task_run().values():
            found[states[-1]] = found.get(states[-1], 0) + 1
        return found

    # The services.

    def _start_grpc(self) -> None:
        server = grpc.server(concurrent.futures.ThreadPoolExecutor(32), options=[("grpc.so_reuseport", 0)])
        flow_run_pb2_grpc.add_FlowRunServiceServicer_to_server(
            cast("flow_run_pb2_grpc.FlowRunServiceServicer", _FlowRuns(self)), server
        )
        task_run_pb2_grpc.add_TaskRunServiceServicer_to_server(
            cast("task_run_pb2_grpc.TaskRunServiceServicer", _TaskRuns(self)), server
        )
        task_run_pb2_grpc.add_RecordServiceServicer_to_server(
            cast("task_run_pb2_grpc.RecordServiceServicer", _Record(self)), server
        )
        log_pb2_grpc.add_LogServiceServicer_to_server(cast("log_pb2_grpc.LogServiceServicer", _Logs(self)), server)
        self.grpc_port = server.add_insecure_port(f"127.0.0.1:{self.grpc_port}")
        server.start()
        self._server = server

    def _end_streams(self) -> None:
        with self._lock:
            streams, self._streams = self._streams, []
        for stream in streams:
            stream.put(None)

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        counterpart = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                document = {"grpc_address": f":{counterpart.grpc_port}", **counterpart.system}
                document = {key: value for key, value in document.items() if value is not None}
                body = json.dumps(document).encode() if counterpart.http_status == 200 else b"<html>nothing</html>"
                self.send_response(counterpart.http_status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_request(self, *_: object) -> None:
                pass

        return Handler

    def create(self, request: flow_run_pb2.CreateFlowRunRequest) -> flow_run_pb2.CreateFlowRunResponse:
        with self._lock:
            run = self.flow_runs.get(request.flow_run_id)
            created = run is None
            if run is None:
                run = flow_run_pb2.FlowRun(
                    flow_run_id=request.flow_run_id,
                    flow_name=request.flow_name,
                    name=request.name or f"run-{len(self.flow_runs)}",
                    state=request.state,
                    tags=request.tags,
                    parameters=request.parameters,
                    parent_task_run_id=request.parent_task_run_id,
                    parent_flow_run_id=request.parent_flow_run_id,
                    run_count=1,
                    attempt=1,
                )
                self.flow_runs[run.flow_run_id] = run
                self.policies[run.flow_run_id] = request.retry_policy
                self.tokens[run.flow_run_id] = f"token-{len(self.tokens)}"
            self.events.append(f"create {run.name}")
            attempt = flow_run_pb2.Attempt(flow_run_id=run.flow_run_id, number=1, token=self.tokens[run.flow_run_id])
            return flow_run_pb2.CreateFlowRunResponse(flow_run=run, created=created, attempt=attempt)

    def propose(self, request: flow_run_pb2.ProposeFlowRunStateRequest) -> flow_run_pb2.ProposeFlowRunStateResponse:
        with self._lock:
            run = self.flow_runs[request.flow_run_id]
            if request.attempt_token != self.tokens[run.flow_run_id]:
                raise LeaseLost("the run was given to another attempt")
            proposed = request.state
            kind = state_pb2.StateType.Name(proposed.type).removeprefix("STATE_TYPE_")
            self.events.append(f"propose {kind}")
            verdict = self.propose_verdict(request) if self.propose_verdict is not None else None
            if verdict is None:
                verdict = self._judge(run, proposed)
            attempt = flow_run_pb2.Attempt(flow_run_id=run.flow_run_id, token=self.tokens[run.flow_run_id])
            return flow_run_pb2.ProposeFlowRunStateResponse(verdict=verdict, attempt=attempt)

    def _judge(self, run: flow_run_pb2.FlowRun, proposed: state_pb2.State) -> state_pb2.Verdict:
        cancelling = run.state.type == state_pb2.STATE_TYPE_CANCELLING
        if cancelling and proposed.type != state_pb2.STATE_TYPE_CANCELLED:
            rejected = state_pb2.Verdict.Rejected(
                state=run.state, reason="the run was asked to stop", code="CANCELLING"
            )
            return state_pb2.Verdict(rejected=rejected)
        retries = self.policies[run.flow_run_id].retries
        if proposed.type == state_pb2.STATE_TYPE_FAILED and run.run_count <= retries:
            again = state_pb2.State(type=state_pb2.STATE_TYPE_SCHEDULED, name="AwaitingRetry")
            now = datetime.datetime.now(datetime.UTC)
            again.occurred_at.FromDatetime(now)
            again.details.scheduled_at.FromDatetime(now + datetime.timedelta(milliseconds=20))
            again.details.reason = "RETRY_IN_PROCESS"
            run.state.CopyFrom(again)
            return state_pb2.Verdict(rejected=state_pb2.Verdict.Rejected(state=again, code="RETRY_SCHEDULED"))
        if proposed.type == state_pb2.STATE_TYPE_RUNNING:
            run.run_count += 1
        run.state.CopyFrom(proposed)
        return state_pb2.Verdict(accepted=state_pb2.Verdict.Accepted(state=proposed))

    def take(self, frame: task_run_pb2.RecordFrame) -> list[str]:
        """Keep a frame; returns the flow runs that belong to another attempt."""
        with self._lock:
            lost = []
            for attempt in frame.attempts:
                if self.tokens.get(attempt.flow_run_id) != attempt.token:
                    lost.append(attempt.flow_run_id)
            for transition in frame.transitions:
                flow_run_id = frame.attempts[transition.attempt_index].flow_run_id
                if flow_run_id in lost:
                    continue
                if transition.HasField("spec"):
                    self.specs[transition.task_run_id] = transition.spec
                self.flow_run_of[transition.task_run_id] = flow_run_id
                self.transitions.setdefault(transition.state.state_id, transition)
            self.frames.append(frame.sequence)
            self.events.append(f"frame {frame.sequence}")
            return lost


class _FlowRuns:
    def __init__(self, counterpart: Counterpart) -> None:
        self._counterpart = counterpart

    def __getattr__(self, name: str) -> Any:
        return _unknown(name)

    def CreateFlowRun(self, request: Any, context: grpc.ServicerContext) -> Any:
        self._counterpart.metadata.append({key: str(value) for key, value in context.invocation_metadata()})
        return self._counterpart.create(request)

    def ProposeFlowRunState(self, request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return self._counterpart.propose(request)
        except HeadraceError as error:
            _abort(context, error)


class _TaskRuns:
    def __init__(self, counterpart: Counterpart) -> None:
        self._counterpart = counterpart

    def __getattr__(self, name: str) -> Any:
        return _unknown(name)

    def ListTaskRuns(self, request: Any, context: grpc.ServicerContext) -> Any:
        counterpart = self._counterpart
        latest: dict[str, task_run_pb2.TaskRunTransition] = {}
        for transition in counterpart.transitions.values():
            known = latest.get(transition.task_run_id)
            if known is None or known.state.version < transition.state.version:
                latest[transition.task_run_id] = transition
        found = sorted(key for key, run in counterpart.flow_run_of.items() if run in request.filter.flow_run_ids)
        start = int(request.page_token or 0)
        page = found[start : start + 2]
        runs = [
            task_run_pb2.TaskRun(
                task_run_id=key,
                task_key=counterpart.specs[key].task_key,
                dynamic_key=counterpart.specs[key].dynamic_key,
                state=latest[key].state,
                run_count=latest[key].run_count,
            )
            for key in page
        ]
        more = str(start + 2) if start + 2 < len(found) else ""
        return task_run_pb2.ListTaskRunsResponse(task_runs=runs, next_page_token=more)


class _Record:
    def __init__(self, counterpart: Counterpart) -> None:
        self._counterpart = counterpart

    def __getattr__(self, name: str) -> Any:
        return _unknown(name)

    def Record(self, requests: Iterator[task_run_pb2.RecordRequest], context: grpc.ServicerContext) -> Iterator[Any]:
        counterpart = self._counterpart
        if counterpart.stream_error is not None:
            _abort(context, counterpart.stream_error)
        answers: queue.SimpleQueue[task_run_pb2.RecordResponse | None] = queue.SimpleQueue()
        counterpart._streams.append(answers)
        context.add_callback(lambda: answers.put(None))
        threading.Thread(target=self._read, args=(requests, answers), daemon=True).start()
        while (answer := answers.get()) is not None:
            yield answer
        context.abort(grpc.StatusCode.UNAVAILABLE, "the stream was broken")

    def _read(self, requests: Iterator[task_run_pb2.RecordRequest], answers: queue.SimpleQueue[Any]) -> None:
        counterpart = self._counterpart
        with contextlib.suppress(grpc.RpcError):
            for request in requests:
                kind = request.WhichOneof("message")
                if kind == "open":
                    opened = task_run_pb2.RecordOpened(max_frames_in_flight=4, max_transitions_per_frame=100)
                    opened.heartbeat_interval.FromMilliseconds(50)
                    answers.put(task_run_pb2.RecordResponse(opened=opened))
                elif kind == "heartbeat":
                    named = [attempt.flow_run_id for attempt in request.heartbeat.attempts]
                    counterpart.heartbeats.append((time.monotonic(), named))
                elif kind == "frame":
                    self._take(request.frame, answers)

    def _take(self, frame: task_run_pb2.RecordFrame, answers: queue.SimpleQueue[Any]) -> None:
        counterpart = self._counterpart
        if counterpart.refuse_frames:
            refused = task_run_pb2.RecordRefused(sequence=frame.sequence, reason="it is malformed", code="MALFORMED")
            answers.put(task_run_pb2.RecordResponse(refused=refused))
            return
        lost = counterpart.take(frame)
        if counterpart.break_after_commit:
            # What was committed is not acknowledged: the stream breaks first.
            counterpart.break_after_commit -= 1
            answers.put(None)
            return
        counterpart.acknowledge.wait(WAIT)
        for flow_run_id in lost:
            message = task_run_pb2.AttemptLost(flow_run_id=flow_run_id, code="LEASE_LOST", reason="another took over")
            answers.put(task_run_pb2.RecordResponse(lost=message))
        counterpart.events.append(f"ack {frame.sequence}")
        answers.put(task_run_pb2.RecordResponse(ack=task_run_pb2.RecordAck(sequence=frame.sequence)))


class _Logs:
    def __init__(self, counterpart: Counterpart) -> None:
        self._counterpart = counterpart

    def __getattr__(self, name: str) -> Any:
        return _unknown(name)

    def WriteLogs(self, requests: Iterator[log_pb2.WriteLogsRequest], context: grpc.ServicerContext) -> Iterator[Any]:
        for request in requests:
            if request.WhichOneof("message") == "open":
                self._counterpart.opens_logs.wait(WAIT)
                opened = log_pb2.WriteLogsOpened(
                    max_batches_in_flight=2,
                    max_records_per_batch=100,
                    max_message_bytes=1000,
                    takes_columns=self._counterpart.takes_log_columns,
                )
                yield log_pb2.WriteLogsResponse(opened=opened)
                continue
            self._counterpart.log_columns += len(request.batch.columns.messages)
            for record in request.batch.records:
                self._counterpart.logs.setdefault(record.log_id, record)
            self._counterpart.acknowledge.wait(WAIT)
            yield log_pb2.WriteLogsResponse(ack=log_pb2.WriteLogsAck(sequence=request.batch.sequence))


def _unknown(name: str) -> Callable[..., Any]:
    def answer(_: Any, context: grpc.ServicerContext) -> Any:
        context.abort(grpc.StatusCode.UNIMPLEMENTED, f"{name} is not known here")

    return answer


def _abort(context: grpc.ServicerContext, error: HeadraceError) -> None:
    context.set_trailing_metadata(to_trailers(error))
    context.abort(code_of(error), error.message)
