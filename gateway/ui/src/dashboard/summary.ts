// How a flow or deployment has done lately, in figures.

import type { LastFlowRuns, StateType } from "../api/contract.gen.ts";
import { secondsOf, spanText } from "../api/times.ts";

// Of a run that has not ended, or that somebody cancelled, nobody knows.
const JUDGED: ReadonlySet<StateType> = new Set<StateType>(["STATE_TYPE_COMPLETED", "STATE_TYPE_FAILED", "STATE_TYPE_CRASHED"]);

function middle(values: number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

/** Returns what share of the last runs went well, and how long they took; undefined where none says so. */
export function summary(last: LastFlowRuns | undefined): { success: string | undefined; duration: string | undefined; change: number } {
  const ended = (last?.runs ?? []).filter(({ state_type: type }) => JUDGED.has(type));
  const good = ended.filter(({ state_type: type }) => type === "STATE_TYPE_COMPLETED");
  const times = good.map((run) => secondsOf(run.run_time) ?? 0);
  const half = Math.floor(times.length / 2);
  const [before, after] = [middle(times.slice(0, half)), middle(times.slice(half))];
  const all = middle(times);
  return {
    success: ended.length === 0 ? undefined : `${Math.round((good.length / ended.length) * 100)} %`,
    duration: all === undefined ? undefined : spanText(all),
    change: before === undefined || after === undefined || before === 0 ? 0 : after / before - 1,
  };
}
