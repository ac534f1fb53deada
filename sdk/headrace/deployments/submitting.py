"""Flows that a work pool runs straight from where they are written.

    @on_work_pool("gpus", job_variables={"image": "registry.example.org/torch:2"})
    @flow
    def train(epochs: int) -> float: ...

    train(3)                        # a worker of the pool runs it; returns what it returns
    future = train.submit(3)        # does not wait

Nothing has to be deployed before: the code travels with the run, see `headrace.deployments.bundles`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, cast, overload

from headrace.api.v1 import flow_run_pb2
from headrace.client import get_client
from headrace.deployments.bundles import ENTRYPOINT, pack
from headrace.deployments.definition import to_deployment
from headrace.deployments.running import arun_deployment, await_run, run_deployment
from headrace.ids import uuid7
from headrace.recording.wire import state_from_proto
from headrace.result_storage import ResultStorage
from headrace.settings import get_settings
from headrace.states import State

if TYPE_CHECKING:
    from headrace.flows import Flow

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


class FlowRunFuture(Generic[R]):
    """A flow run that goes on elsewhere, and its result once there is one.

    Args:
        flow_run_id: Which run; made again from the id, a future serves in any process.
    """

    def __init__(self, flow_run_id: str) -> None:
        self.flow_run_id = flow_run_id

    def __repr__(self) -> str:
        return f"<FlowRunFuture {self.flow_run_id}>"

    @property
    def state(self) -> State[R]:
        """The state that the run is in now.

        Raises:
            headrace.errors.NotFound: The run was deleted.
        """
        return cast("State[R]", state_from_proto(self._get().state))

    def done(self) -> bool:
        """Whether the run is final."""
        return self.state.is_final()

    def wait(self, timeout: float | None = None) -> None:
        """Wait until the run is final, or `timeout` seconds are over."""
        await_run(self._get(), timeout)

    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> R:
        """Return what the flow returned; waits for it.

        Args:
            timeout: Seconds to wait; None for as long as it takes.
            raise_on_failure: False returns the exception of a run that did not complete, in place of raising it.

        Raises:
            TimeoutError: The run is not final within `timeout`.
            headrace.errors.HeadraceError: The run did not complete, or its result is gone.
        """
        state = cast("State[R]", state_from_proto(await_run(self._get(), timeout).state))
        if not state.is_final():
            raise TimeoutError(f"flow run {self.flow_run_id} is {state.name} after {timeout:g} s")
        return state.result(raise_on_failure=raise_on_failure)

    def cancel(self, reason: str = "") -> None:
        """Ask the run to stop.

        Raises:
            headrace.errors.FailedPrecondition: It is final.
        """
        request = flow_run_pb2.CancelFlowRunRequest(
            flow_run_id=self.flow_run_id, request_id=str(uuid7()), reason=reason
        )
        get_client().flow_runs.CancelFlowRun(request)

    def _get(self) -> flow_run_pb2.FlowRun:
        request = flow_run_pb2.GetFlowRunRequest(flow_run_id=self.flow_run_id)
        return get_client().flow_runs.GetFlowRun(request).flow_run


class PoolFlow(Generic[P, R]):
    """A flow whose calls are runs on a work pool. Made by `on_work_pool`.

    Args:
        flow: The flow.
        work_pool_name: The pool.
        work_queue_name: The queue of the pool; its default one if empty.
        job_variables: Values for the pool's base job template.
        storage: Where code and results travel; None is where the flow, else the settings keep results.
        tags: Tags of its runs.
    """

    def __init__(
        self,
        flow: Flow[P, R],
        work_pool_name: str,
        work_queue_name: str,
        job_variables: Mapping[str, Any],
        storage: ResultStorage | None,
        tags: Iterable[str],
    ) -> None:
        self.flow = flow
        self.work_pool_name = work_pool_name
        self.work_queue_name = work_queue_name
        self.job_variables = dict(job_variables)
        self.tags = tuple(tags)
        self._storage = storage
        self.__doc__ = flow.description

    def __repr__(self) -> str:
        return f"<PoolFlow {self.flow.name} on {self.work_pool_name}>"

    @property
    def storage(self) -> ResultStorage:
        """Where code and results travel."""
        return self._storage or self.flow.options.result_storage or get_settings().results_url

    @overload
    def __call__(
        self: PoolFlow[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs
    ) -> Coroutine[Any, Any, T]: ...

    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R: ...

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the flow on the pool and wait for it; within another flow as a subflow of it.

        Args:
            *args: The function's arguments, which have to be what JSON can hold.
            **kwargs: As `args`.

        Returns:
            What the function returns; for a coroutine function something to be awaited that does.

        Raises:
            TypeError: The arguments do not fit the function.
            headrace.errors.HeadraceError: The code cannot be sent, or the run did not complete.
        """
        parameters = self.flow.signature.bind(args, kwargs)
        if self.flow.is_async:
            return self._run_on_loop(parameters)
        name, version_id = self._deploy()
        run = run_deployment(name, parameters=parameters, tags=self.tags, deployment_version_id=version_id)
        return state_from_proto(run.state).result()

    async def _run_on_loop(self, parameters: dict[str, Any]) -> Any:
        name, version_id = self._deploy()
        run = await arun_deployment(name, parameters=parameters, tags=self.tags, deployment_version_id=version_id)
        return state_from_proto(run.state).result()

    @overload
    def submit(self: PoolFlow[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs) -> FlowRunFuture[T]: ...

    @overload
    def submit(self, *args: P.args, **kwargs: P.kwargs) -> FlowRunFuture[R]: ...

    def submit(self, *args: Any, **kwargs: Any) -> Any:
        """Start a run on the pool and return at once with its future.

        Args:
            *args: As of a call.
            **kwargs: As `args`.

        Raises:
            TypeError: The arguments do not fit the function.
            headrace.errors.HeadraceError: The code cannot be sent, or the server refuses the run.
        """
        name, version_id = self._deploy()
        run = run_deployment(
            name,
            parameters=self.flow.signature.bind(args, kwargs),
            tags=self.tags,
            deployment_version_id=version_id,
            timeout_seconds=0,
        )
        return FlowRunFuture[Any](run.flow_run_id)

    def _deploy(self) -> tuple[str, str]:
        """Send the code; returns the deployment's id and the version with it, which is no other caller's."""
        sent = self.flow.with_options(persist_result=True, result_storage=self.storage)
        step = pack(sent, self.storage)
        definition = to_deployment(
            sent,
            f"submitted-to-{self.work_pool_name}",
            work_pool_name=self.work_pool_name,
            work_queue_name=self.work_queue_name,
            job_variables=self.job_variables,
            entrypoint=ENTRYPOINT,
        )
        request = dataclasses.replace(definition, pull_steps=[step]).to_request()
        applied = get_client().deployments.ApplyDeployment(request)
        return applied.deployment.deployment_id, applied.version.deployment_version_id


def on_work_pool(
    work_pool_name: str,
    *,
    work_queue_name: str = "",
    job_variables: Mapping[str, Any] | None = None,
    storage: ResultStorage | None = None,
    tags: Iterable[str] = (),
) -> Callable[[Flow[P, R]], PoolFlow[P, R]]:
    """Let calls of a flow be runs on a work pool; a decorator above `@flow`.

    Args:
        work_pool_name: The pool, of any type of workers.
        work_queue_name: The queue of the pool; its default one if not given.
        job_variables: Values for the pool's base job template, such as an image.
        storage: Where code and results travel, within reach of this process and of the runs: an fsspec URL, a
            folder, or a saved block. By default where results of the flow are kept.
        tags: Tags of its runs.
    """

    def decorate(flow: Flow[P, R]) -> PoolFlow[P, R]:
        return PoolFlow(flow, work_pool_name, work_queue_name, job_variables or {}, storage, tags)

    return decorate
