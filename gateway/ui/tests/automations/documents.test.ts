import { describe, expect, test } from "vitest";
import type { Event, EventResource } from "../../src/api/contract.gen.ts";
import { computes, documentOf, filledIn } from "../../src/automations/documents.ts";
import { actionText, kindOfAction } from "../../src/automations/actions.ts";
import { aFlowRun, aState } from "../builders.ts";

const resource = (id: string, name: string): EventResource => ({ resource_id: id, name, role: "", labels: { team: "data" } });
const event = {
  event_id: "e",
  name: "headrace.flow-run.Failed",
  occurred_at: "2026-01-01T00:00:00Z",
  resource: resource("headrace.flow-run.r", "brave-otter"),
  related: [resource("headrace.flow.f", "etl"), resource("headrace.work-pool.p", "gpus")],
  payload: { tries: 3, "a b": 1 },
} as unknown as Event;
const run = aFlowRun("r", "failed", { name: "brave-otter", state: aState("failed", { message: "No disk." }), parameters: { day: { of: "week" } }, tags: ["a"] });
const document = documentOf(event, run, "Tell me");

describe("a text of an action", () => {
  test.each([
    ["no value", "no value"],
    ["{{ flow_run.name }} is {{flow_run.state.type}}: {{ flow_run.state.message }}", "brave-otter is FAILED: No disk."],
    ["{{ flow.name }} on {{ work_pool.name }} by {{ automation.name }}", "etl on gpus by Tell me"],
    ["{{ event.payload.tries }} tries", "3 tries"],
    ["{{ flow_run.parameters.day }}", '{"of":"week"}'],
    ["{{ flow_run.tags }}", '["a"]'],
    ["[{{ flow_run.nothing }}{{ gone.by.now }}{{ flow_run.name.first }}]", "[]"],
    ["{{ flow_run.name | upper }}", "{{ flow_run.name | upper }}"],
    ["{% if a %}b{% endif %}", "{% if a %}b{% endif %}"],
  ])("%s", (template, text) => {
    expect(filledIn(template, document)).toBe(text);
  });

  test.each([
    ["no value", false],
    ["{{ flow_run.name }}", false],
    ["{{ flow_run.name | upper }}", true],
    ["{{ event.payload['a b'] }}", true],
    ["{% if a %}b{% endif %}", true],
  ])("%s computes: %s", (template, does) => {
    expect(computes(template)).toBe(does);
  });
});

test("what the event is not about is not in the document", () => {
  expect(Object.keys(document).sort()).toEqual(["automation", "event", "firing", "flow", "flow_run", "work_pool"]);
  expect(documentOf(event, undefined, "").flow_run).toBeUndefined();
});

test("an action is called by its kind; one without a form by its name", () => {
  expect(actionText(kindOfAction({ cancel_flow_run: undefined, pause_work_pool: { work_pool_name: "p" } }))).toBe("pause a work pool");
  expect(kindOfAction({})).toBe("do_nothing");
  expect(actionText("launch_rocket")).toBe("launch rocket");
});
