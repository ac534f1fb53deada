import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { FlowRun, ListFlowRunsResponse } from "../../src/api/contract.gen.ts";
import { MOST, withChanges } from "../../src/dashboard/cards.ts";
import { aFlowRun } from "../builders.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime("2026-06-15T12:00:00Z");
});
afterEach(() => vi.useRealTimers());

const at = (minute: number) => `2026-06-15T11:${String(minute).padStart(2, "0")}:00Z`;
const running = (id: string, minute: number) => aFlowRun(id, "running", { started_at: at(minute) });
const failed = (id: string, minute: number, word = "failed") => aFlowRun(id, word, { started_at: at(0), ended_at: at(minute) });
const coming = (id: string, due: string) => aFlowRun(id, "scheduled", { next_scheduled_start_at: due });
const list = (...runs: FlowRun[]): ListFlowRunsResponse => ({ flow_runs: runs, next_page_token: "more" });
const ids = (shown: ListFlowRunsResponse) => shown.flow_runs.map((run) => run.flow_run_id);

describe("runs that run", () => {
  test("come in with the newest first", () => {
    const shown = withChanges("running", list(running("b", 20), running("a", 10)), [running("c", 15), running("d", 30)]);
    expect(ids(shown)).toEqual(["d", "b", "c", "a"]);
  });

  test("stand in front while nobody knows when they began", () => {
    const shown = withChanges("running", list(running("a", 59)), [aFlowRun("b", "running")]);
    expect(ids(shown)).toEqual(["b", "a"]);
  });

  test("are shown as they are now, once", () => {
    const shown = withChanges("running", list(running("b", 20), running("a", 10)), [aFlowRun("a", "paused", { started_at: at(10) })]);
    expect(ids(shown)).toEqual(["b", "a"]);
    expect(shown.flow_runs[1]?.state?.name).toBe("Paused");
  });

  test("leave when they have ended, and go to those that failed", () => {
    const before = running("a", 10);
    const after = failed("a", 40);
    expect(ids(withChanges("running", list(running("b", 20), before), [after]))).toEqual(["b"]);
    expect(ids(withChanges("failures", list(failed("c", 30)), [after]))).toEqual(["a", "c"]);
  });

  test("are no more than there is room for", () => {
    const full = list(...Array.from({ length: MOST }, (_, index) => running(`old-${index}`, 50 - index)));
    const shown = withChanges("running", full, [running("new", 55)]);
    expect(ids(shown)).toHaveLength(MOST);
    expect(ids(shown)[0]).toBe("new");
    expect(ids(shown)).not.toContain(`old-${MOST - 1}`);
    expect(ids(withChanges("running", full, [running("late", 1)]))).toEqual(ids(full));
  });
});

describe("failures", () => {
  test("are those that failed or crashed, the last first", () => {
    const changed = [failed("a", 10), failed("b", 30, "crashed"), failed("c", 20, "cancelled"), failed("d", 40, "completed")];
    expect(ids(withChanges("failures", list(), changed))).toEqual(["b", "a"]);
  });

  test("leave when somebody retries them", () => {
    expect(ids(withChanges("failures", list(failed("a", 10)), [coming("a", "2026-06-15T13:00:00Z")]))).toEqual([]);
  });
});

describe("runs to come", () => {
  test("are those that are not due yet, the next first", () => {
    const changed = [
      coming("tomorrow", "2026-06-16T12:00:00Z"),
      coming("soon", "2026-06-15T12:00:00.001Z"),
      coming("late", "2026-06-15T12:00:00Z"),
      aFlowRun("unknown", "scheduled"),
    ];
    expect(ids(withChanges("coming", list(), changed))).toEqual(["soon", "tomorrow"]);
  });

  test("leave when they begin", () => {
    expect(ids(withChanges("coming", list(coming("a", "2026-06-15T13:00:00Z")), [running("a", 59)]))).toEqual([]);
  });
});

describe("a list", () => {
  test("is the very same where a change does not touch it, so that nothing is drawn anew", () => {
    const shown = list(running("a", 10));
    expect(withChanges("running", shown, [failed("b", 10), coming("c", "2026-06-16T00:00:00Z")])).toBe(shown);
    expect(withChanges("running", shown, [])).toBe(shown);
  });

  test("is never changed in place", () => {
    const shown = list(running("b", 20), running("a", 10));
    const copy = structuredClone(shown);
    withChanges("running", shown, [running("c", 15), failed("a", 30)]);
    expect(shown).toEqual(copy);
  });

  test("keeps what else the server said", () => {
    expect(withChanges("running", list(), [running("a", 1)]).next_page_token).toBe("more");
  });
});
