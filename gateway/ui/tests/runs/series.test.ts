import { expect, test } from "vitest";
import type { FlowRunPoint, RunBucket } from "../../src/api/contract.gen.ts";
import { STATE_TYPES } from "../../src/api/states.ts";
import { placesOf, seriesOf } from "../../src/runs/series.ts";

const bucket = (...counts: [string, number][]) =>
  ({ counts: counts.map(([word, count]) => ({ type: `STATE_TYPE_${word}`, name: "", count: String(count) })) }) as RunBucket;
const point = (word: string, at: string | undefined, time: string | undefined) =>
  ({ flow_run_id: word, state_type: `STATE_TYPE_${word}`, at, run_time: time }) as FlowRunPoint;

test("runs are counted by state, what went well at the ground", () => {
  const series = seriesOf([bucket(["FAILED", 1], ["COMPLETED", 2]), bucket(), bucket(["COMPLETED", 3])]);
  expect(series.map(({ label, values }) => [label, values])).toEqual([
    ["Completed", [2, 0, 3]],
    ["Failed", [1, 0, 0]],
  ]);
});

test("states of one type with several names are one", () => {
  expect(seriesOf([bucket(["SCHEDULED", 1], ["SCHEDULED", 4])]).map(({ values }) => values)).toEqual([[5]]);
});

test("no state is left out of the chart", () => {
  const counts = STATE_TYPES.map((type): [string, number] => [type.replace("STATE_TYPE_", ""), 1]);
  expect(seriesOf([bucket(...counts)])).toHaveLength(STATE_TYPES.length);
});

test("points are in the order of time, and each is in the series of its state", () => {
  const { moments, series } = placesOf([
    point("FAILED", "2026-01-01T00:00:02Z", "3s"),
    point("COMPLETED", "2026-01-01T00:00:01Z", "1.5s"),
    point("COMPLETED", undefined, "9s"),
    point("COMPLETED", "2026-01-01T00:00:03Z", undefined),
  ]);
  expect(moments.map((at) => at - (moments[0] ?? 0))).toEqual([0, 1]);
  expect(series.map(({ label, values }) => [label, values])).toEqual([
    ["Completed", [1.5, null]],
    ["Failed", [null, 3]],
  ]);
});
