// What events are about: ids such as headrace.flow-run.<uuid>.

import type { EventResource } from "../api/contract.gen.ts";
import { STATE_TYPES, lookOf } from "../api/states.ts";

const OWN = "headrace.";

/** Returns the kind of a resource, such as "flow-run"; "" if it is none of Headrace. */
export function kindOfResource(resourceId: string): string {
  if (!resourceId.startsWith(OWN)) return "";
  return resourceId.slice(OWN.length).split(".")[0] ?? "";
}

/** Returns the part of a resource's id behind its kind. */
export function idOfResource(resourceId: string): string {
  return resourceId.split(".").slice(2).join(".");
}

/** Returns what people call a resource. */
export function resourceLabel(resource: EventResource | undefined): string {
  if (resource === undefined) return "";
  return resource.name === "" ? idOfResource(resource.resource_id) || resource.resource_id : resource.name;
}

/** Returns an event's name without what all have in common. */
export function shortName(name: string): string {
  return name.startsWith(OWN) ? name.slice(OWN.length) : name;
}

const LOOKS: ReadonlyMap<string, string> = new Map([
  ["online", "completed"],
  ["offline", "cancelled"],
  ["draining", "cancelling"],
  ["created", "scheduled"],
  ["updated", "pending"],
  ["deleted", "cancelled"],
  ["violated", "failed"],
  ["late", "scheduled"],
]);

/** Returns the look of an event, by the last word of its name. */
export function lookOfEvent(name: string): string {
  const word = name.slice(name.lastIndexOf(".") + 1).toLowerCase();
  return STATE_TYPES.map((type) => lookOf(type).key).find((key) => key === word) ?? LOOKS.get(word) ?? "unknown";
}
