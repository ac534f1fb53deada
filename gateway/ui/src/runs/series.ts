// Flow runs as the values of charts.

import type { FlowRunPoint, RunBucket, StateType } from "../api/contract.gen.ts";
import { STATE_TYPES, lookOf } from "../api/states.ts";
import { secondsOf } from "../api/times.ts";
import type { ChartSeries } from "../parts/Chart.tsx";

/** The order in which states stand on each other: what went well is the ground. */
const STACK: StateType[] = [
  "STATE_TYPE_COMPLETED",
  "STATE_TYPE_RUNNING",
  "STATE_TYPE_PENDING",
  "STATE_TYPE_SCHEDULED",
  "STATE_TYPE_PAUSED",
  "STATE_TYPE_CANCELLING",
  "STATE_TYPE_CANCELLED",
  "STATE_TYPE_CRASHED",
  "STATE_TYPE_FAILED",
];

const colorOf = (type: StateType) => {
  const { key } = lookOf(type);
  return key === "cancelling" || key === "unknown" ? "cancelled" : key;
};

/** Returns how many runs there were in each span of time, a series for each state that there is. */
export function seriesOf(buckets: RunBucket[]): ChartSeries[] {
  return STACK.map(
    (type): ChartSeries => ({
      label: lookOf(type).label,
      color: colorOf(type),
      kind: "bars",
      values: buckets.map(({ counts }) =>
        counts.filter((count) => count.type === type).reduce((sum, { count }) => sum + Number(count), 0),
      ),
    }),
  ).filter(({ values }) => values.some((value) => value !== 0));
}

/** Returns how long runs took, in the order of time, a series for each state that there is. */
export function placesOf(points: FlowRunPoint[]): { moments: number[]; series: ChartSeries[] } {
  const placed = points
    .filter(({ at, run_time: time }) => at !== undefined && time !== undefined)
    .sort((a, b) => Date.parse(a.at ?? "") - Date.parse(b.at ?? ""));
  const moments = placed.map(({ at }) => Date.parse(at ?? "") / 1000);
  const series = STATE_TYPES.map(
    (type): ChartSeries => ({
      label: lookOf(type).label,
      color: colorOf(type),
      kind: "points",
      values: placed.map((point) => (point.state_type === type ? (secondsOf(point.run_time) ?? 0) : null)),
    }),
  ).filter(({ values }) => values.some((value) => value !== null));
  return { moments, series };
}
