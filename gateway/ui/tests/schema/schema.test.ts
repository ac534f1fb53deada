import { describe, expect, test } from "vitest";
import type { JsonValue } from "../../src/api/contract.gen.ts";
import {
  filled,
  initialObject,
  kindOf,
  pathText,
  propertiesOf,
  resolve,
  variantOf,
  violationsOf,
  type Kind,
  type Schema,
} from "../../src/schema/schema.ts";

const root: Schema = {
  type: "object",
  $defs: {
    Color: { type: "string", enum: ["red", "green"], title: "Color" },
    Place: { type: "object", properties: { city: { type: "string" }, zip: { type: "string", default: "0" } }, required: ["city"] },
    Node: { type: "object", properties: { next: { anyOf: [{ $ref: "#/$defs/Node" }, { type: "null" }] } } },
    "a b": { type: "integer" },
  },
  definitions: { Old: { type: "boolean" } },
};

/** Returns what is wrong with a value, as people read it. */
function wrong(value: JsonValue | undefined, schema: Schema): string[] {
  return violationsOf(value, schema, root).map(({ path, message }) => (path.length === 0 ? message : `${pathText(path)}: ${message}`));
}

describe("the field for a part of a schema", () => {
  test.each<[Kind, Schema]>([
    ["text", { type: "string" }],
    ["text", { type: "string", format: "email" }],
    ["secret", { type: "string", format: "password" }],
    ["secret", { type: "string", writeOnly: true }],
    ["date", { type: "string", format: "date" }],
    ["date-time", { type: "string", format: "date-time" }],
    ["time", { type: "string", format: "time" }],
    ["number", { type: "integer" }],
    ["number", { type: "number" }],
    ["boolean", { type: "boolean" }],
    ["choice", { type: "string", enum: ["a", "b"] }],
    ["choice", { const: 3 }],
    ["object", { type: "object", properties: { a: {} } }],
    ["object", { properties: { a: {} } }],
    ["json", { type: "object" }],
    ["array", { type: "array", items: { type: "string" } }],
    ["json", { type: "array" }],
    ["union", { anyOf: [{ type: "string" }, { type: "integer" }] }],
    ["union", { oneOf: [{ type: "string" }, { type: "integer" }] }],
    ["json", {}],
    ["json", { type: ["string", "integer"] }],
  ])("is %s of %j", (kind, schema) => {
    expect(kindOf(resolve(schema, root).schema)).toBe(kind);
  });

  test.each<[string, Schema, Kind, boolean]>([
    ["a reference", { $ref: "#/$defs/Color" }, "choice", false],
    ["a reference of an older draft", { $ref: "#/definitions/Old" }, "boolean", false],
    ["a reference with a space", { $ref: "#/$defs/a%20b" }, "number", false],
    ["a reference in allOf", { allOf: [{ $ref: "#/$defs/Color" }], default: "red" }, "choice", false],
    ["a value that may be null", { anyOf: [{ type: "integer" }, { type: "null" }] }, "number", true],
    ["a reference that may be null", { anyOf: [{ $ref: "#/$defs/Place" }, { type: "null" }] }, "object", true],
    ["a type that may be null", { type: ["boolean", "null"] }, "boolean", true],
    ["several that may be null", { anyOf: [{ type: "string" }, { type: "integer" }, { type: "null" }] }, "union", true],
    ["a reference to nothing", { $ref: "#/$defs/Gone" }, "json", false],
  ])("is that of what is meant by %s", (_, schema, kind, isNullable) => {
    const found = resolve(schema, root);
    expect([kindOf(found.schema), found.isNullable]).toEqual([kind, isNullable]);
  });

  test("has the title that stands beside a reference", () => {
    expect(resolve({ $ref: "#/$defs/Color", title: "Paint" }, root).schema.title).toBe("Paint");
    expect(resolve({ anyOf: [{ $ref: "#/$defs/Color" }, { type: "null" }], title: "Paint" }, root).schema.title).toBe("Paint");
  });

  test("is found also where references go round", () => {
    const round: Schema = { $defs: { A: { $ref: "#/$defs/B" }, B: { $ref: "#/$defs/A" } } };
    expect(() => resolve({ $ref: "#/$defs/A" }, round)).not.toThrow();
  });

  test("comes by its position, then as it is written", () => {
    const schema: Schema = { properties: { c: {}, b: { position: 1 }, d: {}, a: { position: 0 } } };
    expect(propertiesOf(schema).map(([name]) => name)).toEqual(["a", "b", "c", "d"]);
  });
});

describe("values before anybody typed", () => {
  test("are the defaults, and what is empty of its kind", () => {
    const schema: Schema = {
      properties: {
        name: { type: "string" },
        count: { type: "integer", default: 3 },
        off: { type: "boolean" },
        on: { type: "boolean", default: true },
        none: { anyOf: [{ type: "integer" }, { type: "null" }], default: null },
        maybe: { anyOf: [{ type: "integer" }, { type: "null" }] },
        kind: { const: "s3" },
        list: { type: "array", items: {} },
        place: { $ref: "#/$defs/Place" },
        node: { $ref: "#/$defs/Node" },
      },
    };
    expect(initialObject(schema, root)).toEqual({
      count: 3,
      off: false,
      on: true,
      none: null,
      maybe: null,
      kind: "s3",
      list: [],
      place: { zip: "0" },
      node: { next: null },
    });
  });

  test("fill what is missing of values that are there, also within objects, and change nothing else", () => {
    const schema: Schema = { properties: { place: { $ref: "#/$defs/Place" }, on: { type: "boolean", default: true } } };
    expect(filled({ place: { city: "Oslo" }, other: [1] }, schema, root)).toEqual({ place: { city: "Oslo", zip: "0" }, other: [1], on: true });
    expect(filled({ on: false, place: null }, schema, root)).toEqual({ on: false, place: null });
  });
});

describe("what is wrong with a value", () => {
  test.each<[Schema, JsonValue, string]>([
    [{ type: "integer" }, 1.5, "Must be a whole number."],
    [{ type: "number" }, "1", "Must be a number."],
    [{ type: "boolean" }, "true", "Must be true or false."],
    [{ type: "string" }, 1, "Must be text."],
    [{ type: "string" }, null, "Must be text."],
    [{ type: "array" }, {}, "Must be a list."],
    [{ type: "object" }, [], "Must be an object."],
    [{ type: "object" }, null, "Must be an object."],
    [{ type: "null" }, 1, "Must be of the type null."],
    [{ minimum: 1 }, 0, "Must be at least 1."],
    [{ maximum: 1 }, 2, "Must be at most 1."],
    [{ exclusiveMinimum: 1 }, 1, "Must be more than 1."],
    [{ exclusiveMaximum: 1 }, 1, "Must be less than 1."],
    [{ type: "string", minLength: 1 }, "", "Needs at least 1 character."],
    [{ type: "string", minLength: 3 }, "ab", "Needs at least 3 characters."],
    [{ type: "string", maxLength: 2 }, "abc", "Has room for 2 characters."],
    [{ type: "string", pattern: "^a+$" }, "ab", "Must match ^a+$."],
    [{ type: "string", format: "date" }, "tomorrow", "Must be a date."],
    [{ type: "string", format: "date-time" }, "tomorrow", "Must be a date and time."],
    [{ type: "array", minItems: 2 }, [1], "Needs at least 2."],
    [{ type: "array", maxItems: 1 }, [1, 2], "Takes at most 1."],
    [{ enum: ["a", 1, null] }, "b", 'Must be one of "a", 1, null.'],
    [{ const: "s3" }, "gcs", 'Must be one of "s3".'],
    [{ $ref: "#/$defs/Color" }, "blue", 'Must be one of "red", "green".'],
    [{ anyOf: [{ type: "string" }, { type: "integer" }] }, true, "Fits none of what is allowed here."],
  ])("%j does not take %j: %s", (schema, value, message) => {
    expect(wrong(value, schema)).toEqual([message]);
  });

  test.each<[Schema, JsonValue | undefined]>([
    [{ type: "integer" }, 2],
    [{ type: "number" }, 1.5],
    [{ type: "integer" }, undefined],
    [{ type: "string", minLength: 1, maxLength: 1 }, "a"],
    [{ type: "string", minLength: 1, maxLength: 1 }, "🚆"],
    [{ minimum: 1, maximum: 1 }, 1],
    [{ type: "string", pattern: "b" }, "abc"],
    [{ type: "string", pattern: "(?P<name>a)" }, "of another language"],
    [{ type: "string", format: "date" }, "2026-03-29"],
    [{ type: "string", format: "date-time" }, "2026-03-29T02:30:00Z"],
    [{ anyOf: [{ type: "integer" }, { type: "null" }] }, null],
    [{ type: ["integer", "null"] }, null],
    [{ enum: ["a", 1, { b: 1 }] }, { b: 1 }],
    [{ $ref: "#/$defs/Node" }, { next: { next: { next: null } } }],
    [{}, { anything: [1] }],
  ])("%j takes %j", (schema, value) => {
    expect(wrong(value, schema)).toEqual([]);
  });

  test("is told where it is", () => {
    const schema: Schema = {
      type: "object",
      properties: { places: { type: "array", items: { $ref: "#/$defs/Place" } }, color: { $ref: "#/$defs/Color" } },
      required: ["color"],
      additionalProperties: false,
    };
    expect(wrong({ places: [{ city: "Oslo" }, { zip: 1 }], size: 3 }, schema)).toEqual([
      "color: Is needed.",
      "places[1].city: Is needed.",
      "places[1].zip: Must be text.",
      "size: There is no such field.",
    ]);
  });

  test("is also told of fields that have no names of their own", () => {
    expect(wrong({ a: 1, b: "2" }, { type: "object", additionalProperties: { type: "integer" } })).toEqual(["b: Must be a whole number."]);
  });

  test("a field that is called as something of each object is one like others", () => {
    expect(wrong({}, { type: "object", properties: { constructor: { type: "string" } }, required: ["constructor"] })).toEqual([
      "constructor: Is needed.",
    ]);
    expect(wrong({ toString: "a" }, { type: "object", properties: { a: {} }, additionalProperties: false })).toEqual(["toString: There is no such field."]);
  });
});

test("a value is of the first variant that it fits", () => {
  const union: Schema = { anyOf: [{ type: "integer" }, { type: "string" }, { $ref: "#/$defs/Place" }] };
  expect([3, "a", { city: "Oslo" }, { zip: "1" }, undefined].map((value) => variantOf(value, union, root))).toEqual([0, 1, 2, -1, 0]);
});

test("a path is written as people write it", () => {
  expect(pathText([])).toBe("");
  expect(pathText(["customer", "mails", 0, "text"])).toBe("customer.mails[0].text");
});
