"""The graph of a flow run: its task runs and subflows, and what each takes from others."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import uuid
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

from headrace_state.rules.rows import Row
from headrace_state.rules.states import is_final

GROUP_PREFIX = "group:"
_TASK_RUN, _FLOW_RUN, _WAIT_FOR = 1, 2, 5
"""Kinds of inputs as they are stored."""

_WEIGHT = {
    name: weight
    for weight, name in enumerate(
        ("COMPLETED", "CANCELLED", "SCHEDULED", "PENDING", "PAUSED", "CANCELLING", "RUNNING", "FAILED", "CRASHED")
    )
}
"""Which state of a group matters most: what went wrong, then what goes on."""


@dataclasses.dataclass(frozen=True, slots=True)
class Node:
    """A task run, a subflow, or many task runs of one task."""

    node_id: str
    label: str
    task_key: str
    state_type: str
    state_name: str
    started_at: datetime.datetime | None
    ended_at: datetime.datetime | None
    updated_at: datetime.datetime
    child_flow_run_id: uuid.UUID | None
    parents: tuple[tuple[str, bool], ...]
    """Ids of nodes that it comes after, and whether they are waited for only."""
    counts: Mapping[str, int] | None = None
    """Of a group: how many are in states of each type."""
    is_subflow: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Graph:
    """Nodes, oldest first."""

    nodes: tuple[Node, ...]
    node_of: Mapping[uuid.UUID, str]
    """The node that a task run or subflow is part of."""
    is_truncated: bool


def build_graph(task_runs: Sequence[Row], subflows: Sequence[Row], most: int, expanded: Set[str]) -> Graph:
    """Return the graph of a flow run.

    Args:
        task_runs: In order of their ids.
        subflows: Children without a task run, in order of their ids.
        most: Nodes at most; beyond, task runs of the same task become one node, those of the most frequent tasks first.
        expanded: Task keys that are never grouped.
    """
    grouped = _grouped_keys(task_runs, most - len(subflows), expanded)
    node_of = {row["flow_run_id"]: str(row["flow_run_id"]) for row in subflows}
    for row in task_runs:
        key = row["task_key"]
        node_of[row["task_run_id"]] = GROUP_PREFIX + key if key in grouped else str(row["task_run_id"])
    by_text = {str(run_id): node_id for run_id, node_id in node_of.items()}
    # Who takes the result of a subflow names the flow run.
    by_text |= {
        str(row["child_flow_run_id"]): node_of[row["task_run_id"]]
        for row in task_runs
        if row["child_flow_run_id"] is not None
    }
    members: dict[str, list[Row]] = collections.defaultdict(list)
    nodes: dict[str, Node | None] = {}
    for row in task_runs:
        node_id = node_of[row["task_run_id"]]
        if row["task_key"] in grouped:
            members[node_id].append(row)
            nodes.setdefault(node_id, None)
        else:
            nodes[node_id] = _single(node_id, row, by_text)
    for row in subflows:
        nodes[node_of[row["flow_run_id"]]] = _subflow(row)
    whole = [
        node if node is not None else _group(node_id, members[node_id], by_text) for node_id, node in nodes.items()
    ]
    return Graph(tuple(whole[:most]), node_of, len(whole) > most)


def changed_since(graph: Graph, since: datetime.datetime) -> Graph:
    """Return the nodes of a graph that changed since a time."""
    return dataclasses.replace(graph, nodes=tuple(node for node in graph.nodes if node.updated_at >= since))


def _grouped_keys(task_runs: Sequence[Row], most: int, expanded: Set[str]) -> set[str]:
    excess = len(task_runs) - most
    grouped: set[str] = set()
    if excess <= 0:
        return grouped
    sizes = collections.Counter(row["task_key"] for row in task_runs)
    for key, size in sizes.most_common():
        if excess <= 0 or size == 1:
            break
        if key not in expanded:
            grouped.add(key)
            excess -= size - 1
    return grouped


def _single(node_id: str, row: Row, by_text: Mapping[str, str]) -> Node:
    return Node(
        node_id,
        row["name"],
        row["task_key"],
        row["state_type"],
        row["state_name"],
        row["started_at"],
        row["ended_at"],
        row["updated_at"],
        row["child_flow_run_id"],
        _parents(node_id, (row,), by_text),
        is_subflow=row["child_flow_run_id"] is not None,
    )


def _subflow(row: Row) -> Node:
    return Node(
        str(row["flow_run_id"]),
        row["name"],
        "",
        row["state_type"],
        row["state_name"],
        row["started_at"],
        row["ended_at"],
        row["updated_at"],
        row["flow_run_id"],
        (),
        is_subflow=True,
    )


def _group(node_id: str, rows: Sequence[Row], by_text: Mapping[str, str]) -> Node:
    counts = collections.Counter(row["state_type"] for row in rows)
    starts = [row["started_at"] for row in rows if row["started_at"] is not None]
    ends = [row["ended_at"] for row in rows if row["ended_at"] is not None]
    is_over = all(is_final(state_type) for state_type in counts)
    key = rows[0]["task_key"]
    return Node(
        node_id,
        key.rpartition(".")[2],
        key,
        max(counts, key=lambda state_type: _WEIGHT.get(state_type, 0)),
        "",
        min(starts, default=None),
        max(ends, default=None) if is_over else None,
        max(row["updated_at"] for row in rows),
        None,
        _parents(node_id, rows, by_text),
        counts,
    )


def _parents(node_id: str, rows: Iterable[Row], by_text: Mapping[str, str]) -> tuple[tuple[str, bool], ...]:
    waits_only: dict[str, bool] = {}
    for row in rows:
        inputs: Iterable[Mapping[str, Any]] = row["inputs"] or ()
        for item in inputs:
            if item["kind"] not in (_TASK_RUN, _FLOW_RUN, _WAIT_FOR):
                continue
            parent = by_text.get(item["source"])
            if parent is not None and parent != node_id:
                waits_only[parent] = waits_only.get(parent, True) and item["kind"] == _WAIT_FOR
    return tuple(waits_only.items())
