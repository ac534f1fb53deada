import { describe, expect, test } from "vitest";
import type { EventTrigger, MetricTrigger, Trigger } from "../../src/api/contract.gen.ts";
import { EMPTY, PRESETS, draftOf, triggerOf, triggerText, wordsOf } from "../../src/automations/triggers.ts";

const match = (...ids: string[]) => ({ labels: { "headrace.resource.id": { values: ids } } });
const onEvents = (parts: Partial<EventTrigger>): Trigger => ({
  event: {
    posture: "TRIGGER_POSTURE_REACTIVE",
    match_related: [],
    after: [],
    expect: ["headrace.flow-run.Failed"],
    for_each: [],
    threshold: 1,
    ...parts,
  },
});
const onFigure = (parts: Partial<MetricTrigger>): Trigger => ({
  metric: { metric: "success_rate", operator: "<", threshold: 0.9, match_related: [], ...parts },
});

describe("a trigger that nobody changed in the form is the same", () => {
  test.each<[string, Trigger]>([
    ["of events", onEvents({ within: "5400s", threshold: 5, for_each: ["related:flow:headrace.resource.id"] })],
    ["of events about some things", onEvents({ match: match("headrace.flow-run.*", "headrace.task-run.*"), match_related: [match("headrace.flow.1")] })],
    ["of what does not happen", onEvents({ posture: "TRIGGER_POSTURE_PROACTIVE", after: ["a", "b"], within: "3600s" })],
    ["of a figure", onFigure({ range: "3600s", firing_for: "300s", match: match("headrace.deployment.1") })],
    ["of several", { compound: { require: 0, triggers: [onEvents({})] } }],
    ["of what is about two other things", onEvents({ match_related: [match("a"), match("b")] })],
    ["about a label of its own", onEvents({ match: { labels: { team: { values: ["data"] } } } })],
  ])("%s", (_, trigger) => {
    const draft = draftOf(trigger);
    expect(JSON.parse(JSON.stringify(triggerOf(draft)))).toEqual(trigger);
  });

  test("what the form has no fields for is JSON", () => {
    expect(draftOf(onEvents({ match_related: [match("a"), match("b")] })).kind).toBe("json");
    expect(draftOf(onEvents({ match: { labels: { team: { values: ["data"] } } } })).kind).toBe("json");
    expect(draftOf({ sequence: { triggers: [] } }).kind).toBe("json");
  });

  test("a new one begins empty", () => {
    expect(draftOf(undefined)).toEqual(EMPTY);
  });
});

describe("a trigger from a form", () => {
  test.each(PRESETS)("that begins as “$label” is whole", ({ draft }) => {
    const trigger = triggerOf({ ...EMPTY, ...draft }) as Trigger;
    expect(draftOf(trigger)).toMatchObject(draft);
    expect(triggerText(trigger)).not.toBe("never");
  });

  test("has at least one event", () => {
    for (const threshold of ["", "0", "-3", "many"]) expect(triggerOf({ ...EMPTY, threshold }).event?.threshold).toBe(1);
    expect(triggerOf({ ...EMPTY, threshold: "2.6" }).event?.threshold).toBe(3);
  });

  test.each([
    [{ within: "soon" }, "The time is a span such as 90s, 15m or 1h 30m."],
    [{ kind: "metric", range: "long" }, "The window is a span such as 90s, 15m or 1h 30m."],
    [{ kind: "metric", firingFor: "5 lines" }, "How long it holds is a span such as 90s, 15m or 1h 30m."],
  ] as const)("that is wrong says what: %j", (parts, message) => {
    expect(() => triggerOf({ ...EMPTY, ...parts })).toThrow(message);
  });
});

test.each<[string, Trigger | undefined]>([
  ["flow-run.Failed", onEvents({})],
  ["5 times flow-run.Failed or mine within 1 h", onEvents({ expect: ["headrace.flow-run.Failed", "mine"], threshold: 5, within: "3600s" })],
  ["any event", onEvents({ expect: [] })],
  ["no b within 1 min after a", onEvents({ posture: "TRIGGER_POSTURE_PROACTIVE", expect: ["b"], after: ["a"], within: "60s" })],
  ["Share of runs that succeed (0 to 1) < 0.9 for 5 min", onFigure({ firing_for: "300s" })],
  ["all of 2 conditions", { compound: { require: 0, triggers: [{}, {}] } }],
  ["1 of 2 conditions", { compound: { require: 1, triggers: [{}, {}] } }],
  ["2 conditions, one after the other", { sequence: { triggers: [{}, {}] } }],
  ["never", undefined],
])("it fires: %s", (text, trigger) => {
  expect(triggerText(trigger)).toBe(text);
});

test("words are parted by commas", () => {
  expect(wordsOf(" a, b c ,,")).toEqual(["a", "b c"]);
});
