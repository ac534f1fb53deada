// What templates of actions see, and what they make of it where they only name values.

import type { Event, EventResource, FlowRun, JsonObject, JsonValue } from "../api/contract.gen.ts";

function resourceDocument(resource: EventResource | undefined): JsonObject {
  return { id: resource?.resource_id ?? "", name: resource?.name ?? "", labels: { ...resource?.labels }, role: resource?.role ?? "" };
}

function eventDocument(event: Event): JsonObject {
  return {
    id: event.event_id,
    name: event.name,
    occurred_at: event.occurred_at ?? "",
    resource: resourceDocument(event.resource),
    related: event.related.map(resourceDocument),
    payload: event.payload ?? {},
  };
}

function runDocument(run: FlowRun): JsonObject {
  return {
    id: run.flow_run_id,
    name: run.name,
    flow: { id: run.flow_id, name: run.flow_name },
    deployment: { id: run.deployment_id, name: run.deployment_name },
    state: {
      type: (run.state?.type ?? "").replace("STATE_TYPE_", ""),
      name: run.state?.name ?? "",
      message: run.state?.message ?? "",
    },
    parameters: run.parameters ?? {},
    tags: run.tags,
    run_count: run.run_count,
    attempt: run.attempt,
  };
}

const RESOURCES = ["flow", "deployment", "task-run", "work-pool", "work-queue"];

/** Returns what a template sees of an event. */
export function documentOf(event: Event, run: FlowRun | undefined, automationName: string): JsonObject {
  const document: JsonObject = {
    event: eventDocument(event),
    automation: { name: automationName },
    firing: { state: "fired", at: event.occurred_at ?? "" },
  };
  if (run !== undefined) document.flow_run = runDocument(run);
  for (const kind of RESOURCES) {
    const prefix = `headrace.${kind}.`;
    const found = [event.resource, ...event.related].find((resource) => resource?.resource_id.startsWith(prefix));
    if (found !== undefined)
      document[kind.replace("-", "_")] = { id: found.resource_id.slice(prefix.length), name: found.name, labels: { ...found.labels } };
  }
  return document;
}

function valueAt(document: JsonObject, path: string): JsonValue | undefined {
  let value: JsonValue | undefined = document;
  for (const name of path.split(".")) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    value = value[name];
  }
  return value;
}

/** Fills in what only names a value; what computes is left as it is written. */
export function filledIn(template: string, document: JsonObject): string {
  return template.replace(/\{\{\s*([a-z_][\w.]*)\s*\}\}/gi, (_, path: string) => {
    const value = valueAt(document, path);
    if (value === undefined || value === null) return "";
    return typeof value === "object" ? JSON.stringify(value) : String(value);
  });
}

/** Returns whether a template does more than to name values. */
export function computes(template: string): boolean {
  return /\{%|\{\{(?!\s*[a-z_][\w.]*\s*\}\})/i.test(template);
}
