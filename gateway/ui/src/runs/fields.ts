// The filters of run lists: what stands in the address, and what is asked for.

import type { Search } from "../api/address.ts";
import type { FlowRunFilter, FlowRunSort, Input, JsonObject, JsonValue, TaskRunFilter, TaskRunSort } from "../api/contract.gen.ts";
import { rangeOf } from "../api/spans.ts";
import { STATE_TYPES, lookOf, typeOfKey } from "../api/states.ts";
import type { FilterField } from "../parts/FilterBar.tsx";

const STATES = STATE_TYPES.map((type) => ({ value: lookOf(type).key, label: lookOf(type).label }));

/** What flow runs are filtered by. */
export const FLOW_RUN_FIELDS: readonly FilterField[] = [
  { key: "state", label: "State", kind: "choices", options: STATES },
  { key: "flow", label: "Flow", kind: "list", placeholder: "names, by commas" },
  { key: "deployment_name", label: "Deployment", kind: "list", placeholder: "names, by commas" },
  { key: "state_name", label: "Name of the state", kind: "list", placeholder: "Late, AwaitingRetry" },
  { key: "pool", label: "Work pool", kind: "list" },
  { key: "queue", label: "Work queue", kind: "list" },
  { key: "worker", label: "Worker", kind: "list" },
  { key: "tags", label: "All of the tags", kind: "list" },
  { key: "tags_any", label: "Any of the tags", kind: "list" },
  { key: "tags_none", label: "None of the tags", kind: "list" },
  { key: "started", label: "Started", kind: "span" },
  { key: "ended", label: "Ended", kind: "span" },
  { key: "expected", label: "Due", kind: "span" },
  { key: "created", label: "Created", kind: "span" },
  { key: "longer", label: "Ran at least (seconds)", kind: "number" },
  { key: "shorter", label: "Ran at most (seconds)", kind: "number" },
  { key: "parameters", label: "Parameters", kind: "list", placeholder: "station=Oslo, count=3" },
  { key: "labels", label: "Labels", kind: "list", placeholder: "team=data" },
  { key: "version", label: "Version of the flow", kind: "list" },
  { key: "runs_least", label: "Was run at least (times)", kind: "number" },
  { key: "creator", label: "Made by", kind: "list" },
  { key: "scheduled", label: "Made by a schedule", kind: "flag" },
  { key: "subflow", label: "Is a subflow", kind: "flag" },
  { key: "untagged", label: "Has no tags", kind: "flag" },
  { key: "deployment", label: "Deployment (id)", kind: "list" },
  { key: "parent", label: "Parent run (id)", kind: "list" },
  { key: "root", label: "In the tree of (id)", kind: "list" },
];

/** What task runs are filtered by. */
export const TASK_RUN_FIELDS: readonly FilterField[] = [
  { key: "state", label: "State", kind: "choices", options: STATES },
  { key: "task", label: "Task (key)", kind: "list", placeholder: "module.task" },
  { key: "state_name", label: "Name of the state", kind: "list" },
  { key: "tags", label: "All of the tags", kind: "list" },
  { key: "tags_any", label: "Any of the tags", kind: "list" },
  { key: "tags_none", label: "None of the tags", kind: "list" },
  { key: "started", label: "Started", kind: "span" },
  { key: "ended", label: "Ended", kind: "span" },
  { key: "created", label: "Created", kind: "span" },
  { key: "longer", label: "Ran at least (seconds)", kind: "number" },
  { key: "shorter", label: "Ran at most (seconds)", kind: "number" },
  { key: "runs_least", label: "Was run at least (times)", kind: "number" },
  { key: "labels", label: "Labels", kind: "list", placeholder: "team=data" },
  { key: "cache_key", label: "Cache key", kind: "list" },
  { key: "background", label: "In the background", kind: "flag" },
  { key: "subflow", label: "Stands for a subflow", kind: "flag" },
  { key: "run", label: "Flow run (id)", kind: "list" },
  { key: "deployment", label: "Deployment (id)", kind: "list" },
];

function listOf(text: string | undefined): string[] {
  return (text ?? "").split(",").map((part) => part.trim()).filter((part) => part !== "");
}

function flagOf(text: string | undefined): boolean | undefined {
  return text === "true" ? true : text === "false" ? false : undefined;
}

function secondsSpan(text: string | undefined): string | undefined {
  const seconds = Number(text);
  return text === undefined || text.trim() === "" || !Number.isFinite(seconds) || seconds < 0 ? undefined : `${seconds}s`;
}

function countOf(text: string | undefined): number | undefined {
  const count = Number(text);
  return text === undefined || text.trim() === "" || !Number.isInteger(count) || count < 0 ? undefined : count;
}

function valueOf(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return text;
  }
}

function objectOf(text: string | undefined): JsonObject | undefined {
  const pairs = listOf(text).flatMap((pair) => {
    const at = pair.indexOf("=");
    return at <= 0 ? [] : [[pair.slice(0, at).trim(), valueOf(pair.slice(at + 1).trim())] as const];
  });
  return pairs.length === 0 ? undefined : Object.fromEntries(pairs);
}

const typesOf = (search: Search) => listOf(search.state).map(typeOfKey).filter((type) => type !== undefined);

/** Returns the filter of flow runs that stands in an address. Spans such as "24h" count from now. */
export function flowRunFilter(search: Search): Input<FlowRunFilter> {
  return {
    text: search.text,
    state_types: typesOf(search),
    state_names: listOf(search.state_name),
    flow_names: listOf(search.flow),
    deployment_ids: listOf(search.deployment),
    deployment_names: listOf(search.deployment_name),
    work_pool_names: listOf(search.pool),
    work_queue_names: listOf(search.queue),
    worker_names: listOf(search.worker),
    tags_all: listOf(search.tags),
    tags_any: listOf(search.tags_any),
    tags_none: listOf(search.tags_none),
    started: rangeOf(search.started),
    ended: rangeOf(search.ended),
    expected_start: rangeOf(search.expected),
    created: rangeOf(search.created),
    run_time_at_least: secondsSpan(search.longer),
    run_time_at_most: secondsSpan(search.shorter),
    parameters: objectOf(search.parameters),
    labels: objectOf(search.labels),
    flow_versions: listOf(search.version),
    run_count_at_least: countOf(search.runs_least),
    creator_names: listOf(search.creator),
    auto_scheduled: flagOf(search.scheduled),
    has_parent: flagOf(search.subflow),
    untagged: flagOf(search.untagged),
    parent_flow_run_ids: listOf(search.parent),
    root_flow_run_ids: listOf(search.root),
  };
}

/** Returns the filter of task runs that stands in an address. */
export function taskRunFilter(search: Search): Input<TaskRunFilter> {
  return {
    text: search.text,
    state_types: typesOf(search),
    state_names: listOf(search.state_name),
    task_keys: listOf(search.task),
    tags_all: listOf(search.tags),
    tags_any: listOf(search.tags_any),
    tags_none: listOf(search.tags_none),
    started: rangeOf(search.started),
    ended: rangeOf(search.ended),
    created: rangeOf(search.created),
    run_time_at_least: secondsSpan(search.longer),
    run_time_at_most: secondsSpan(search.shorter),
    run_count_at_least: countOf(search.runs_least),
    labels: objectOf(search.labels),
    cache_keys: listOf(search.cache_key),
    background: flagOf(search.background),
    has_child_flow_run: flagOf(search.subflow),
    flow_run_ids: listOf(search.run),
    deployment_ids: listOf(search.deployment),
  };
}

/** Orders of the columns of flow runs; "-" in front is the largest first. */
export const FLOW_RUN_ORDERS: Record<string, FlowRunSort> = {
  name: "FLOW_RUN_SORT_NAME_ASC",
  "-name": "FLOW_RUN_SORT_NAME_DESC",
  started: "FLOW_RUN_SORT_STARTED_ASC",
  "-started": "FLOW_RUN_SORT_STARTED_DESC",
  "-duration": "FLOW_RUN_SORT_RUN_TIME_DESC",
};

/** Orders of the columns of task runs. */
export const TASK_RUN_ORDERS: Record<string, TaskRunSort> = {
  name: "TASK_RUN_SORT_NAME_ASC",
  "-name": "TASK_RUN_SORT_NAME_DESC",
  started: "TASK_RUN_SORT_STARTED_ASC",
  "-started": "TASK_RUN_SORT_STARTED_DESC",
  "-duration": "TASK_RUN_SORT_RUN_TIME_DESC",
};
