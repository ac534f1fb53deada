import { expect, test, vi } from "vitest";
import type { JsonValue } from "../../src/api/contract.gen.ts";

vi.mock("../../src/api/client.ts", () => ({ call: vi.fn() }));
const { OURS, viewOf } = await import("../../src/runs/views.ts");
const { flowRunFilter } = await import("../../src/runs/fields.ts");

const kept = (value: JsonValue, tags = ["saved-search"]) => viewOf({ variable_id: "v", name: "saved-search-1", value, tags });
const filter = (property: string, value: JsonValue) => ({ object: "runs-page", property, type: "string", operation: "equals", value });

test("a view is read from the variable that keeps it", () => {
  expect(kept({ name: "Mine", filters: [filter("state", "failed"), filter("ended", "24h")] })).toEqual({
    name: "Mine",
    search: { state: "failed", ended: "24h" },
    variable: "saved-search-1",
  });
});

test.each<[string, JsonValue]>([
  ["a text", "text"],
  ["nothing", null],
  ["a list", []],
  ["a view without a name", { filters: [] }],
  ["a view without filters", { name: "Mine" }],
  ["a view of another page", { name: "Mine", filters: [{ ...filter("state", "failed"), object: "other" }] }],
  ["a view with a filter of several values", { name: "Mine", filters: [filter("state", ["failed"])] }],
])("%s is no view", (_, value) => {
  expect(kept(value)).toBeUndefined();
});

test("a variable without the tag is no view", () => {
  expect(kept({ name: "Mine", filters: [] }, ["other"])).toBeUndefined();
});

test.each(OURS)("the view $name asks for something", ({ search }) => {
  const asked = Object.values<unknown>(flowRunFilter(search)).filter((value) => value !== undefined && !(Array.isArray(value) && value.length === 0));
  expect(asked).toHaveLength(Object.keys(search).length);
});
