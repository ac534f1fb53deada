// JSON schemas as forms need them: what kind of field each part is, and what is wrong with a value.

import type { JsonObject, JsonValue } from "../api/contract.gen.ts";

/** A part of a schema; what is not known here is left to the server. */
export interface Schema {
  type?: string | string[];
  title?: string;
  description?: string;
  default?: JsonValue;
  enum?: JsonValue[];
  /** What the values of `enum` are called, in their order. */
  enumNames?: string[];
  const?: JsonValue;
  format?: string;
  writeOnly?: boolean;
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  minItems?: number;
  maxItems?: number;
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  position?: number;
  $ref?: string;
  $defs?: Record<string, Schema>;
  definitions?: Record<string, Schema>;
}

export type Path = (string | number)[];

export interface Violation {
  path: Path;
  message: string;
}

export type Kind =
  | "text"
  | "secret"
  | "number"
  | "boolean"
  | "choice"
  | "date"
  | "date-time"
  | "time"
  | "object"
  | "array"
  | "union"
  | "json";

/** Returns an object of a JSON schema as a schema. */
export function asSchema(object: JsonObject | undefined): Schema {
  return object ?? {};
}

/** Returns the schema that is meant, with its references followed; `isNullable` if it may also be null. */
export function resolve(schema: Schema, root: Schema): { schema: Schema; isNullable: boolean } {
  let found = schema;
  for (let depth = 0; depth < 16; depth += 1) {
    if (found.$ref !== undefined) {
      const { $ref, ...own } = found;
      const name = decodeURIComponent($ref.slice($ref.lastIndexOf("/") + 1));
      found = { ...(root.$defs?.[name] ?? root.definitions?.[name] ?? {}), ...own };
    } else if (found.allOf?.length === 1) {
      const { allOf, ...own } = found;
      found = { ...allOf[0], ...own };
    } else break;
  }
  const variants = found.anyOf ?? found.oneOf;
  if (variants !== undefined) {
    const others = variants.filter((variant) => variant.type !== "null");
    if (others.length === 1 && others.length < variants.length && others[0] !== undefined) {
      const { anyOf: _any, oneOf: _one, ...own } = found;
      return { schema: resolve({ ...others[0], ...own }, root).schema, isNullable: true };
    }
    return { schema: found, isNullable: others.length < variants.length };
  }
  if (Array.isArray(found.type) && found.type.includes("null")) {
    const types = found.type.filter((type) => type !== "null");
    return { schema: { ...found, type: types.length === 1 ? types[0] : types }, isNullable: true };
  }
  return { schema: found, isNullable: false };
}

const TEXT_FORMATS: Partial<Record<string, Kind>> = {
  password: "secret",
  date: "date",
  "date-time": "date-time",
  time: "time",
};

/** Returns which field a resolved schema needs. */
export function kindOf(schema: Schema): Kind {
  if (schema.enum !== undefined || schema.const !== undefined) return "choice";
  if (schema.anyOf !== undefined || schema.oneOf !== undefined) return "union";
  if (schema.writeOnly === true && schema.type === "string") return "secret";
  switch (schema.type) {
    case "string":
      return TEXT_FORMATS[schema.format ?? ""] ?? "text";
    case "integer":
    case "number":
      return "number";
    case "boolean":
      return "boolean";
    case "object":
      return schema.properties !== undefined ? "object" : "json";
    case "array":
      return schema.items !== undefined ? "array" : "json";
    default:
      return schema.properties !== undefined ? "object" : "json";
  }
}

/** Returns the properties of an object in the order in which people should fill them in. */
export function propertiesOf(schema: Schema): [string, Schema][] {
  return Object.entries(schema.properties ?? {})
    .map((entry, index) => ({ entry, place: entry[1].position ?? 1_000 + index }))
    .sort((a, b) => a.place - b.place)
    .map(({ entry }) => entry);
}

/** Returns what a field holds before anybody typed in it; undefined leaves it unset. */
export function initialOf(part: Schema, root: Schema): JsonValue | undefined {
  if (part.default !== undefined) return part.default;
  const { schema, isNullable } = resolve(part, root);
  if (schema.default !== undefined) return schema.default;
  if (schema.const !== undefined) return schema.const;
  if (isNullable) return null;
  switch (kindOf(schema)) {
    case "object":
      return initialObject(schema, root);
    case "array":
      return [];
    case "boolean":
      return false;
    default:
      return undefined;
  }
}

/** Returns the values that an object has by itself. */
export function initialObject(schema: Schema, root: Schema): JsonObject {
  const values: JsonObject = {};
  for (const [name, part] of propertiesOf(schema)) {
    const value = initialOf(part, root);
    if (value !== undefined) values[name] = value;
  }
  return values;
}

/** Returns values with what an object has by itself where they say nothing, also within objects. */
export function filled(values: JsonObject, schema: Schema, root: Schema): JsonObject {
  const whole: JsonObject = { ...initialObject(schema, root), ...values };
  for (const [name, part] of propertiesOf(schema)) {
    const inner = resolve(part, root).schema;
    const value = values[name];
    if (kindOf(inner) === "object" && typeof value === "object" && value !== null && !Array.isArray(value))
      whole[name] = filled(value, inner, root);
  }
  return whole;
}

function typeFits(value: JsonValue, type: string): boolean {
  switch (type) {
    case "null":
      return value === null;
    case "integer":
      return typeof value === "number" && Number.isInteger(value);
    case "number":
      return typeof value === "number" && Number.isFinite(value);
    case "array":
      return Array.isArray(value);
    case "object":
      return typeof value === "object" && value !== null && !Array.isArray(value);
    default:
      return typeof value === type;
  }
}

const WANTED: Partial<Record<string, string>> = {
  integer: "Must be a whole number.",
  number: "Must be a number.",
  boolean: "Must be true or false.",
  string: "Must be text.",
  array: "Must be a list.",
  object: "Must be an object.",
};

function told(value: JsonValue, schema: Schema): string | undefined {
  const allowed = schema.enum ?? (schema.const === undefined ? undefined : [schema.const]);
  if (allowed !== undefined && !allowed.some((item) => JSON.stringify(item) === JSON.stringify(value)))
    return `Must be one of ${allowed.map((item) => JSON.stringify(item)).join(", ")}.`;
  const types = schema.type === undefined ? [] : [schema.type].flat();
  if (types.length > 0 && !types.some((type) => typeFits(value, type)))
    return WANTED[types[0] ?? ""] ?? `Must be of the type ${types.join(" or ")}.`;
  if (typeof value === "number") {
    if (schema.minimum !== undefined && value < schema.minimum) return `Must be at least ${schema.minimum}.`;
    if (schema.maximum !== undefined && value > schema.maximum) return `Must be at most ${schema.maximum}.`;
    if (schema.exclusiveMinimum !== undefined && value <= schema.exclusiveMinimum)
      return `Must be more than ${schema.exclusiveMinimum}.`;
    if (schema.exclusiveMaximum !== undefined && value >= schema.exclusiveMaximum)
      return `Must be less than ${schema.exclusiveMaximum}.`;
  }
  if (typeof value === "string") {
    // A character is what Python counts as one.
    const length = Array.from(value).length;
    if (schema.minLength !== undefined && length < schema.minLength)
      return `Needs at least ${schema.minLength} character${schema.minLength === 1 ? "" : "s"}.`;
    if (schema.maxLength !== undefined && length > schema.maxLength)
      return `Has room for ${schema.maxLength} characters.`;
    if (schema.pattern !== undefined && !matches(schema.pattern, value)) return `Must match ${schema.pattern}.`;
    if ((schema.format === "date" || schema.format === "date-time") && Number.isNaN(Date.parse(value)))
      return schema.format === "date" ? "Must be a date." : "Must be a date and time.";
  }
  if (Array.isArray(value)) {
    if (schema.minItems !== undefined && value.length < schema.minItems) return `Needs at least ${schema.minItems}.`;
    if (schema.maxItems !== undefined && value.length > schema.maxItems) return `Takes at most ${schema.maxItems}.`;
  }
  return undefined;
}

function matches(pattern: string, text: string): boolean {
  try {
    return new RegExp(pattern, "u").test(text);
  } catch {
    // Written for another language: the server decides.
    return true;
  }
}

/** Returns which variant of a union a value is of; -1 if of none. */
export function variantOf(value: JsonValue | undefined, schema: Schema, root: Schema): number {
  const variants = schema.anyOf ?? schema.oneOf ?? [];
  return variants.findIndex((variant) => violationsOf(value, variant, root).length === 0);
}

/** Returns what is wrong with a value; the server has the last word. */
export function violationsOf(value: JsonValue | undefined, part: Schema, root: Schema, path: Path = []): Violation[] {
  const { schema, isNullable } = resolve(part, root);
  if (value === undefined || (value === null && isNullable)) return [];
  if (kindOf(schema) === "union")
    return variantOf(value, schema, root) >= 0 ? [] : [{ path, message: "Fits none of what is allowed here." }];
  const message = told(value, schema);
  if (message !== undefined) return [{ path, message }];
  if (Array.isArray(value))
    return schema.items === undefined
      ? []
      : value.flatMap((item, index) => violationsOf(item, schema.items ?? {}, root, [...path, index]));
  if (typeof value !== "object" || value === null) return [];
  const missing = (schema.required ?? [])
    .filter((name) => !Object.hasOwn(value, name) || value[name] === undefined)
    .map((name) => ({ path: [...path, name], message: "Is needed." }));
  const wrong = Object.entries(value).flatMap(([name, item]) => {
    const known = Object.hasOwn(schema.properties ?? {}, name) ? schema.properties?.[name] : undefined;
    if (known !== undefined) return violationsOf(item, known, root, [...path, name]);
    if (schema.additionalProperties === false && schema.properties !== undefined)
      return [{ path: [...path, name], message: "There is no such field." }];
    return typeof schema.additionalProperties === "object"
      ? violationsOf(item, schema.additionalProperties, root, [...path, name])
      : [];
  });
  return [...missing, ...wrong];
}

/** Returns a path as people write it: customer.mails[0]. */
export function pathText(path: Path): string {
  return path.map((part, index) => (typeof part === "number" ? `[${part}]` : index === 0 ? part : `.${part}`)).join("");
}
