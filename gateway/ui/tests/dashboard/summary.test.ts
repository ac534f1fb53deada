import { expect, test } from "vitest";
import type { LastFlowRuns, StateType } from "../../src/api/contract.gen.ts";
import { summary } from "../../src/dashboard/summary.ts";

const last = (...runs: [string, number?][]): LastFlowRuns =>
  ({
    runs: runs.map(([word, seconds]) => ({
      state_type: `STATE_TYPE_${word.toUpperCase()}` as StateType,
      run_time: seconds === undefined ? undefined : `${seconds}s`,
    })),
  }) as LastFlowRuns;

test("of what never ran nothing is said", () => {
  expect(summary(undefined)).toEqual({ success: undefined, duration: undefined, change: 0 });
  expect(summary(last(["running"], ["cancelled"]))).toEqual({ success: undefined, duration: undefined, change: 0 });
});

test("failed and crashed runs did not go well", () => {
  expect(summary(last(["completed", 1], ["failed"], ["crashed"])).success).toBe("33 %");
  expect(summary(last(["failed"])).success).toBe("0 %");
});

test.each(["running", "cancelling", "cancelled", "paused", "pending", "scheduled"])("a run that is %s counts neither way", (word) => {
  expect(summary(last(["completed", 1], [word])).success).toBe("100 %");
});

test("the duration is that of the middle one of those that went well", () => {
  expect(summary(last(["completed", 10], ["failed", 9_000], ["completed", 12], ["completed", 700])).duration).toBe("12 s");
});

test("the change is from the older half to the newer one", () => {
  expect(summary(last(["completed", 10], ["completed", 10], ["completed", 15], ["completed", 15])).change).toBeCloseTo(0.5);
  expect(summary(last(["completed", 20], ["completed", 10])).change).toBeCloseTo(-0.5);
  expect(summary(last(["completed", 20])).change).toBe(0);
  expect(summary(last(["completed", 0], ["completed", 10])).change).toBe(0);
});
