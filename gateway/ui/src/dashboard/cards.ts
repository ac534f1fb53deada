// The lists of runs on the dashboard: which runs are in them, in which order, and what a change makes of them.

import type { FlowRun, FlowRunSort, ListFlowRunsResponse, StateType } from "../api/contract.gen.ts";

/** Runs in one list. */
export const MOST = 8;

export type CardName = "failures" | "running" | "coming";

interface Card {
  types: StateType[];
  sort: FlowRunSort;
  /** What they are in the order of; undefined for one that has no place. */
  momentOf: (run: FlowRun) => string | undefined;
  isNewestFirst: boolean;
}

export const CARDS: Record<CardName, Card> = {
  failures: {
    types: ["STATE_TYPE_FAILED", "STATE_TYPE_CRASHED"],
    sort: "FLOW_RUN_SORT_ENDED_DESC",
    momentOf: (run) => run.ended_at,
    isNewestFirst: true,
  },
  running: {
    types: ["STATE_TYPE_RUNNING", "STATE_TYPE_CANCELLING", "STATE_TYPE_PAUSED"],
    sort: "FLOW_RUN_SORT_STARTED_DESC",
    momentOf: (run) => run.started_at,
    isNewestFirst: true,
  },
  coming: {
    types: ["STATE_TYPE_SCHEDULED"],
    sort: "FLOW_RUN_SORT_NEXT_SCHEDULED_START_ASC",
    momentOf: (run) => run.next_scheduled_start_at,
    isNewestFirst: false,
  },
};

export const CARD_NAMES = Object.keys(CARDS) as CardName[];

/** The first parts of the key of a list. */
export const cardKey = (name: CardName): [string, string] => ["dashboard", name];

/**
 * Returns a list after some runs changed; the same one where that changes nothing.
 *
 * What comes up from behind the last one only the server knows, so a list may be shorter for a moment.
 */
export function withChanges(name: CardName, list: ListFlowRunsResponse, changed: FlowRun[]): ListFlowRunsResponse {
  const { types, momentOf, isNewestFirst } = CARDS[name];
  const now = Date.now();
  const timeOf = (run: FlowRun) => Date.parse(momentOf(run) ?? "");
  const belongs = (run: FlowRun) =>
    // What was due and does not run is late: that is told elsewhere.
    run.state !== undefined && types.includes(run.state.type) && (name !== "coming" || timeOf(run) > now);
  const ids = new Set(changed.map((run) => run.flow_run_id));
  const left = list.flow_runs.filter((run) => !ids.has(run.flow_run_id));
  const fresh = changed.filter(belongs);
  if (fresh.length === 0 && left.length === list.flow_runs.length) return list;
  const sign = isNewestFirst ? -1 : 1;
  // A run that has just begun may not have its moment yet: it is the newest.
  const placeOf = (run: FlowRun) => timeOf(run) || Infinity;
  const all = [...fresh, ...left].sort((a, b) => (placeOf(a) === placeOf(b) ? 0 : sign * (placeOf(a) < placeOf(b) ? -1 : 1)));
  return { ...list, flow_runs: all.slice(0, MOST) };
}
