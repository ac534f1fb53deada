import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { parseSearch, stringifySearch, validateSearch } from "../../src/api/address.ts";
import { FLOW_RUN_FIELDS, TASK_RUN_FIELDS, flowRunFilter, taskRunFilter } from "../../src/runs/fields.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime("2026-06-15T12:00:00Z");
});
afterEach(() => vi.useRealTimers());

/** Returns what of a filter is asked for. */
function asked(filter: object): object {
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0)));
}

test("an address without words asks for everything", () => {
  expect(asked(flowRunFilter({}))).toEqual({});
  expect(asked(taskRunFilter({}))).toEqual({});
});

test("an address that was copied asks for the same", () => {
  const search = {
    text: "a & b",
    state: "failed,crashed",
    tags: "nightly,eu west",
    ended: "2026-06-01T00:00:00.000Z..",
    parameters: "station=Oslo, count=3",
    untagged: "false",
  };
  expect(validateSearch(parseSearch(stringifySearch(search)))).toEqual(search);
  expect(asked(flowRunFilter(search))).toEqual({
    text: "a & b",
    state_types: ["STATE_TYPE_FAILED", "STATE_TYPE_CRASHED"],
    tags_all: ["nightly", "eu west"],
    ended: { from: "2026-06-01T00:00:00.000Z" },
    parameters: { station: "Oslo", count: 3 },
    untagged: false,
  });
});

const EXAMPLES = {
  text: "word",
  list: "a=1",
  number: "3",
  choice: "failed",
  choices: "failed",
  flag: "true",
  span: "24h",
};

test.each(FLOW_RUN_FIELDS)("the field $label of flow runs asks for something", ({ key, kind }) => {
  expect(Object.keys(asked(flowRunFilter({ [key]: EXAMPLES[kind] })))).toHaveLength(1);
});

test.each(TASK_RUN_FIELDS)("the field $label of task runs asks for something", ({ key, kind }) => {
  expect(Object.keys(asked(taskRunFilter({ [key]: EXAMPLES[kind] })))).toHaveLength(1);
});

test.each([
  ["flow runs", FLOW_RUN_FIELDS, flowRunFilter],
  ["task runs", TASK_RUN_FIELDS, taskRunFilter],
] as const)("no two fields of %s ask for the same", (_, fields, filterOf) => {
  const names = fields.map(({ key, kind }) => Object.keys(asked(filterOf({ [key]: EXAMPLES[kind] })))[0]);
  expect(new Set(names).size).toBe(fields.length);
});

describe("words of an address", () => {
  test("lists are parted by commas; space and what is empty say nothing", () => {
    expect(flowRunFilter({ flow: " etl, ,report ," }).flow_names).toEqual(["etl", "report"]);
  });

  test("states that there are not are left out", () => {
    expect(flowRunFilter({ state: "failed,frozen" }).state_types).toEqual(["STATE_TYPE_FAILED"]);
  });

  test("spans such as 24h count from now", () => {
    expect(flowRunFilter({ started: "24h" }).started).toEqual({ from: "2026-06-14T12:00:00.000Z" });
  });

  test.each([
    ["true", true],
    ["false", false],
    ["yes", undefined],
    ["", undefined],
  ])("a flag that is %j is %s", (text, value) => {
    expect(flowRunFilter({ scheduled: text }).auto_scheduled).toBe(value);
  });

  test.each([
    ["90", "90s"],
    ["1.5", "1.5s"],
    ["0", "0s"],
    ["-1", undefined],
    ["long", undefined],
    ["", undefined],
    [" ", undefined],
    ["Infinity", undefined],
  ])("a duration of %j is asked for as %s", (text, span) => {
    expect(flowRunFilter({ longer: text }).run_time_at_least).toBe(span);
  });

  test.each([
    ["3", 3],
    ["0", 0],
    ["1.5", undefined],
    ["-1", undefined],
    ["", undefined],
    [" ", undefined],
  ])("a count of %j is asked for as %s", (text, count) => {
    expect(taskRunFilter({ runs_least: text }).run_count_at_least).toBe(count);
  });

  test("values of parameters are read as JSON, else they are texts", () => {
    const { parameters } = flowRunFilter({ parameters: 'count=3, dry=true, at=null, station=Oslo, code="3", formula=a=b' });
    expect(parameters).toEqual({ count: 3, dry: true, at: null, station: "Oslo", code: "3", formula: "a=b" });
  });

  test("a parameter without a name or a value is left out", () => {
    expect(flowRunFilter({ parameters: "count, =3" }).parameters).toBeUndefined();
  });
});
