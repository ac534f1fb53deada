// Triggers of automations as forms have them, and in words.

import type { EventTrigger, Input, MetricTrigger, ResourceMatch, Trigger } from "../api/contract.gen.ts";
import { secondsOf, spanText } from "../api/times.ts";
import { secondsOfText, textOfSpan } from "../deployments/schedules.ts";
import { shortName } from "../events/resources.ts";

const ID = "headrace.resource.id";

export type TriggerKind = "events" | "absence" | "metric" | "json";

export interface TriggerDraft {
  kind: TriggerKind;
  expect: string;
  after: string;
  about: string;
  related: string;
  forEach: string;
  threshold: string;
  within: string;
  metric: string;
  operator: string;
  range: string;
  firingFor: string;
  /** The whole trigger, as JSON. */
  json: string;
}

export const KINDS: { value: TriggerKind; label: string }[] = [
  { value: "events", label: "when something happens" },
  { value: "absence", label: "when something does not happen in time" },
  { value: "metric", label: "when a figure crosses a line" },
  { value: "json", label: "when several things happen (as JSON)" },
];

export const METRICS = [
  { value: "success_rate", label: "Share of runs that succeed (0 to 1)" },
  { value: "duration", label: "Duration of runs, on average (seconds)" },
  { value: "lateness", label: "Lateness of runs, on average (seconds)" },
  { value: "queue_depth", label: "Runs that are due and wait" },
  { value: "unattended_runs", label: "Runs that wait where no worker is" },
];

export const EMPTY: TriggerDraft = {
  kind: "events",
  expect: "",
  after: "",
  about: "",
  related: "",
  forEach: "",
  threshold: "1",
  within: "",
  metric: "success_rate",
  operator: "<",
  range: "1h",
  firingFor: "",
  json: "{}",
};

/** What people automate most. */
export const PRESETS: { label: string; note: string; draft: Partial<TriggerDraft>; name: string }[] = [
  {
    label: "A run fails",
    note: "or crashes",
    name: "Runs that fail",
    draft: { kind: "events", expect: "headrace.flow-run.Failed, headrace.flow-run.Crashed" },
  },
  {
    label: "Runs fail again and again",
    note: "5 of a flow within an hour",
    name: "Flows that fail again and again",
    draft: { kind: "events", expect: "headrace.flow-run.Failed", threshold: "5", within: "1h", forEach: "related:flow:headrace.resource.id" },
  },
  {
    label: "A run is stuck",
    note: "not over an hour after it began",
    name: "Runs that are stuck",
    draft: {
      kind: "absence",
      after: "headrace.flow-run.Running",
      expect: "headrace.flow-run.Completed, headrace.flow-run.Failed, headrace.flow-run.Crashed, headrace.flow-run.Cancelled",
      forEach: "headrace.resource.id",
      within: "1h",
    },
  },
  {
    label: "Fewer runs succeed",
    note: "under 90 % within an hour",
    name: "Fewer runs succeed",
    draft: { kind: "metric", metric: "success_rate", operator: "<", threshold: "0.9", range: "1h" },
  },
  {
    label: "Runs wait for workers",
    note: "where no worker is online",
    name: "Runs that wait for workers",
    draft: { kind: "metric", metric: "unattended_runs", operator: ">", threshold: "0", firingFor: "5m" },
  },
  {
    label: "A worker goes offline",
    note: "of any pool",
    name: "Workers that go offline",
    draft: { kind: "events", expect: "headrace.worker.offline" },
  },
];

/** Returns the words of a text that commas part. */
export function wordsOf(text: string): string[] {
  return text.split(",").map((word) => word.trim()).filter((word) => word !== "");
}

function span(text: string, what: string): string | undefined {
  if (text.trim() === "") return undefined;
  const seconds = secondsOfText(text);
  if (seconds === undefined) throw new Error(`${what} is a span such as 90s, 15m or 1h 30m.`);
  return `${seconds}s`;
}

function matchOf(ids: string): Input<ResourceMatch> | undefined {
  const values = wordsOf(ids);
  return values.length === 0 ? undefined : { labels: { [ID]: { values } } };
}

/** Returns the trigger that a form says. Throws what is wrong with it. */
export function triggerOf(draft: TriggerDraft): Input<Trigger> {
  if (draft.kind === "json") return JSON.parse(draft.json) as Input<Trigger>;
  const related = matchOf(draft.related);
  if (draft.kind === "metric")
    return {
      metric: {
        metric: draft.metric,
        operator: draft.operator,
        threshold: Number(draft.threshold),
        range: span(draft.range, "The window"),
        firing_for: span(draft.firingFor, "How long it holds"),
        match: matchOf(draft.about),
        match_related: related === undefined ? [] : [related],
      },
    };
  return {
    event: {
      posture: draft.kind === "absence" ? "TRIGGER_POSTURE_PROACTIVE" : "TRIGGER_POSTURE_REACTIVE",
      expect: wordsOf(draft.expect),
      after: wordsOf(draft.after),
      match: matchOf(draft.about),
      match_related: related === undefined ? [] : [related],
      for_each: wordsOf(draft.forEach),
      threshold: Math.max(1, Math.round(Number(draft.threshold)) || 1),
      within: span(draft.within, "The time"),
    },
  };
}

function idsOf(match: ResourceMatch | undefined): string | undefined {
  const labels = Object.entries(match?.labels ?? {});
  if (labels.length === 0) return "";
  return labels.length === 1 && labels[0]?.[0] === ID ? labels[0][1].values.join(", ") : undefined;
}

/** Returns a trigger as a form has it; as JSON where the form has no fields for all of it. */
export function draftOf(trigger: Trigger | undefined): TriggerDraft {
  const json = JSON.stringify(trigger ?? {}, null, 2);
  const asJson: TriggerDraft = { ...EMPTY, kind: "json", json };
  const part: EventTrigger | MetricTrigger | undefined = trigger?.event ?? trigger?.metric;
  if (part === undefined) return trigger === undefined ? EMPTY : asJson;
  const about = idsOf(part.match);
  const related = part.match_related.length > 1 ? undefined : idsOf(part.match_related[0]);
  if (about === undefined || related === undefined) return asJson;
  const common = { ...EMPTY, about, related, json };
  if (trigger?.metric !== undefined)
    return {
      ...common,
      kind: "metric",
      metric: trigger.metric.metric,
      operator: trigger.metric.operator,
      threshold: String(trigger.metric.threshold),
      range: textOfSpan(trigger.metric.range),
      firingFor: textOfSpan(trigger.metric.firing_for),
    };
  if (trigger?.event === undefined) return asJson;
  return {
    ...common,
    kind: trigger.event.posture === "TRIGGER_POSTURE_PROACTIVE" ? "absence" : "events",
    expect: trigger.event.expect.join(", "),
    after: trigger.event.after.join(", "),
    forEach: trigger.event.for_each.join(", "),
    threshold: String(trigger.event.threshold || 1),
    within: textOfSpan(trigger.event.within),
  };
}

function spanWords(before: string, span: string | undefined): string {
  const seconds = secondsOf(span) ?? 0;
  return seconds > 0 ? ` ${before} ${spanText(seconds)}` : "";
}

/** Returns when an automation fires, in a sentence. */
export function triggerText(trigger: Trigger | undefined): string {
  const { event, metric, compound, sequence } = trigger ?? {};
  if (metric !== undefined) {
    const name = METRICS.find(({ value }) => value === metric.metric)?.label ?? metric.metric;
    const holds = spanWords("for", metric.firing_for);
    return `${name} ${metric.operator} ${metric.threshold}${holds}`;
  }
  if (compound !== undefined)
    return `${compound.require === 0 ? "all" : compound.require} of ${compound.triggers.length} conditions`;
  if (sequence !== undefined) return `${sequence.triggers.length} conditions, one after the other`;
  if (event === undefined) return "never";
  const names = event.expect.length === 0 ? "any event" : event.expect.map(shortName).join(" or ");
  const within = spanWords("within", event.within);
  if (event.posture === "TRIGGER_POSTURE_PROACTIVE") {
    const after = event.after.length === 0 ? "" : ` after ${event.after.map(shortName).join(" or ")}`;
    return `no ${names}${within}${after}`;
  }
  return `${event.threshold > 1 ? `${event.threshold} times ` : ""}${names}${within}`;
}
