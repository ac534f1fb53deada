import { describe, expect, test } from "vitest";
import type { FlowRun } from "../../src/api/contract.gen.ts";
import { merge } from "../../src/runs/merge.ts";
import { aFlowRun } from "../builders.ts";

/** Pages of runs by their ids, newest first; there is more behind the last one. */
const pages = (...all: string[][]) => ({
  pages: all.map((ids) => ({ flow_runs: ids.map((id) => aFlowRun(id)), next_page_token: `behind ${ids.at(-1) ?? ""}` })),
});
/** The same, with nothing behind the last page. */
const whole = (...all: string[][]) => {
  const data = pages(...all);
  const last = data.pages.at(-1);
  if (last !== undefined) last.next_page_token = "";
  return data;
};
const changes = (...runs: FlowRun[]) => new Map(runs.map((run) => [run.flow_run_id, run]));
const ids = (data: ReturnType<typeof pages>) => data.pages.map((page) => page.flow_runs.map((run) => run.flow_run_id));
const everything = () => true;
const runs = (run: FlowRun) => run.state?.type === "STATE_TYPE_RUNNING";

describe("a run that is in the list", () => {
  test("is shown as it is now, where it stands", () => {
    const merged = merge(pages(["9", "8"], ["7", "6"]), changes(aFlowRun("7", "failed")), everything, true);
    expect(ids(merged)).toEqual([["9", "8"], ["7", "6"]]);
    expect(merged.pages[1]?.flow_runs[0]?.state?.name).toBe("Failed");
  });

  test("leaves when it does not match any more", () => {
    expect(ids(merge(pages(["9", "8"]), changes(aFlowRun("8", "failed")), runs, true))).toEqual([["9"]]);
  });
});

describe("a new run", () => {
  test("comes first", () => {
    expect(ids(merge(pages(["9", "8"]), changes(aFlowRun("a"), aFlowRun("b")), everything, true))).toEqual([["b", "a", "9", "8"]]);
  });

  test("comes into an empty list", () => {
    expect(ids(merge(whole([]), changes(aFlowRun("1")), everything, true))).toEqual([["1"]]);
  });

  test("does not come where it does not match", () => {
    expect(ids(merge(pages(["9"]), changes(aFlowRun("a", "failed")), runs, true))).toEqual([["9"]]);
  });

  test("does not come into a list of another order: only the server knows where it stands", () => {
    expect(ids(merge(whole(["9"]), changes(aFlowRun("a")), everything, false))).toEqual([["9"]]);
  });
});

describe("an older run that matches now", () => {
  test("stands in its place, on whichever page that is", () => {
    const data = whole(["9", "7"], ["6", "4"]);
    expect(ids(merge(data, changes(aFlowRun("8"), aFlowRun("5"), aFlowRun("1")), everything, true))).toEqual([
      ["9", "8", "7"],
      ["6", "5", "4", "1"],
    ]);
  });

  test("comes with its own page where that was not loaded yet", () => {
    expect(ids(merge(pages(["9", "8"]), changes(aFlowRun("3")), everything, true))).toEqual([["9", "8"]]);
  });
});

test("what was there before is not changed in place", () => {
  const data = whole(["9", "8"]);
  const copy = structuredClone(data);
  merge(data, changes(aFlowRun("a"), aFlowRun("8", "failed")), runs, true);
  expect(data).toEqual(copy);
});
