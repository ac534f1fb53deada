import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { attemptsOf } from "../../../src/run/graph/attempts.ts";
import { layout } from "../../../src/run/graph/layout.ts";
import { AXIS_PIXELS, boxOf, fit, hit, type Mode, type Painted } from "../../../src/run/graph/paint.ts";
import { facts } from "../../../src/run/graph/scene.ts";
import { aState, aTaskRun } from "../../builders.ts";

const ORIGIN = Date.parse("2026-01-01T00:00:00Z");
const at = (second: number) => new Date(ORIGIN + second * 1_000).toISOString();
const from = (source: string) => ({ name: "x", source, kind: "TASK_INPUT_KIND_UNSPECIFIED" });
const tasks = [
  aTaskRun("load", { started_at: at(0), ended_at: at(4) }),
  aTaskRun("clean", { started_at: at(4), ended_at: at(8), inputs: [from("load"), from("load"), from("gone"), from("clean")] as never }),
  aTaskRun("subflow", { started_at: at(5), child_flow_run_id: "child" }),
  aTaskRun("report", { inputs: [from("child"), from("clean")] as never }),
];

function painted(mode: Mode, width = 800, height = 400): Painted {
  const known = facts(tasks);
  const now = ORIGIN + 10_000;
  const scene = { ...known, layout: layout({ round: 1, ...known, now }) };
  const view = fit(scene, mode, width, height, 10_000);
  const palette = { ground: "", line: "", text: "", quiet: "", accent: "", states: {} };
  return { scene, mode, view, width, height, palette, now, origin: ORIGIN, selected: -1, hovered: -1, attempts: new Map() };
}

test("a task run takes from others by their ids and by those of subflows, from each once", () => {
  const { offsets, parents, starts, ends } = facts(tasks);
  const parentsOf = (index: number) => [...parents.slice(offsets[index], offsets[index + 1])];
  expect([0, 1, 2, 3].map(parentsOf)).toEqual([[], [0], [], [2, 1]]);
  expect([...starts]).toEqual([ORIGIN, ORIGIN + 4_000, ORIGIN + 5_000, Number.NaN]);
  expect([...ends]).toEqual([ORIGIN + 4_000, ORIGIN + 8_000, Number.NaN, Number.NaN]);
});

describe.each<Mode>(["timeline", "graph"])("the %s", (mode) => {
  test("shows everything within its edges", () => {
    for (const [width, height] of [[800, 400], [320, 200], [2_000, 1_000]] as const) {
      const all = painted(mode, width, height);
      for (const index of tasks.keys()) {
        const box = boxOf(all, index);
        expect(box.left).toBeGreaterThanOrEqual(0);
        expect(box.left + box.width).toBeLessThanOrEqual(width);
        expect(box.top).toBeGreaterThanOrEqual(mode === "timeline" ? AXIS_PIXELS : 0);
        expect(box.top + box.height).toBeLessThanOrEqual(height);
      }
    }
  });

  test("finds each one where it is drawn, and none beside", () => {
    const all = painted(mode);
    for (const index of tasks.keys()) {
      const { left, top, width, height } = boxOf(all, index);
      expect(hit(all, left + width / 2, top + height / 2)).toBe(index);
    }
    expect(hit(all, 1, 399)).toBe(-1);
  });
});

describe("a bar of the timeline", () => {
  const all = painted("timeline");
  const second = (800 - 24) / 10;

  test("is as long as the task run took", () => {
    expect(boxOf(all, 1).left - boxOf(all, 0).left).toBeCloseTo(4 * second);
    expect(boxOf(all, 1).width).toBeCloseTo(4 * second);
  });

  test("of what still runs ends now", () => {
    expect(boxOf(all, 2).width).toBeCloseTo(5 * second);
  });

  test("of what has not begun stands at now, and can be seen", () => {
    expect(boxOf(all, 3).left - boxOf(all, 0).left).toBeCloseTo(10 * second);
    expect(boxOf(all, 3).width).toBe(2);
  });
});

describe("the tries of a task run", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(ORIGIN + 20_000);
  });
  afterEach(() => vi.useRealTimers());

  test("begin with running and end with what came then; one that is tried again failed", () => {
    const states = [
      aState("pending", { occurred_at: at(0) }),
      aState("running", { occurred_at: at(1) }),
      aState("scheduled", { name: "AwaitingRetry", occurred_at: at(3) }),
      aState("running", { occurred_at: at(5) }),
      aState("completed", { occurred_at: at(9) }),
    ];
    expect(attemptsOf(states)).toEqual([
      { from: ORIGIN + 1_000, until: ORIGIN + 3_000, key: "failed" },
      { from: ORIGIN + 5_000, until: ORIGIN + 9_000, key: "completed" },
    ]);
  });

  test("last until now while they run", () => {
    expect(attemptsOf([aState("running", { occurred_at: at(1) })])).toEqual([{ from: ORIGIN + 1_000, until: ORIGIN + 20_000, key: "running" }]);
    expect(attemptsOf([])).toEqual([]);
  });
});
