import { expect, test } from "vitest";
import type { EventResource } from "../../src/api/contract.gen.ts";
import { idOfResource, kindOfResource, lookOfEvent, resourceLabel, shortName } from "../../src/events/resources.ts";

test.each([
  ["headrace.flow-run.0190", "flow-run", "0190"],
  ["headrace.variable.my.name", "variable", "my.name"],
  ["headrace.server", "server", ""],
  ["acme.order.7", "", "7"],
])("%s is of the kind %j with the id %j", (resource, kind, id) => {
  expect([kindOfResource(resource), idOfResource(resource)]).toEqual([kind, id]);
});

test("a resource is called by its name, else by its id", () => {
  const called = (id: string, name: string) => resourceLabel({ resource_id: id, name } as EventResource);
  expect(called("headrace.flow-run.0190", "brave-otter")).toBe("brave-otter");
  expect(called("headrace.flow-run.0190", "")).toBe("0190");
  expect(called("acme", "")).toBe("acme");
  expect(resourceLabel(undefined)).toBe("");
});

test("events of Headrace are told without what all have in common", () => {
  expect(shortName("headrace.flow-run.Failed")).toBe("flow-run.Failed");
  expect(shortName("acme.headrace.paid")).toBe("acme.headrace.paid");
});

test.each([
  ["headrace.flow-run.Failed", "failed"],
  ["headrace.task-run.Completed", "completed"],
  ["headrace.worker.offline", "cancelled"],
  ["headrace.deployment.created", "scheduled"],
  ["acme.order.paid", "unknown"],
  ["acme.constructor", "unknown"],
  ["plain", "unknown"],
])("%s looks %s", (name, look) => {
  expect(lookOfEvent(name)).toBe(look);
});
