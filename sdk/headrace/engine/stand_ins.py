"""Task definitions that stand for flows: a subflow is a task run of its parent, too."""

from __future__ import annotations

from headrace.engine.definitions import FlowDefinition, TaskDefinition, TaskOptions


class _StandIn(TaskDefinition):
    def __init__(self, flow: FlowDefinition) -> None:
        self._define(flow.fn)
        self.name = flow.name
        self.options = TaskOptions(persist_result=flow.options.persists)
        self.needs_parameters = False
        self._settle(flow.key)


def stand_in_for(flow: FlowDefinition) -> TaskDefinition:
    """Return the task whose runs stand for the runs of a flow."""
    return _StandIn(flow)
