// Schedules as the form has them.

import type { CatchUp, Input, JsonObject, Schedule, ScheduleRule } from "../api/contract.gen.ts";
import { localText } from "../api/spans.ts";
import { secondsOfText, textOfSpan } from "./schedules.ts";

export const KINDS = [
  { value: "cron", label: "By a cron expression" },
  { value: "interval", label: "At an interval" },
  { value: "recurrence", label: "By a recurrence rule (RFC 5545)" },
] as const;
export type Kind = (typeof KINDS)[number]["value"];

/** A schedule as a form has it. */
export interface Draft {
  kind: Kind;
  cron: string;
  /** Kept as it is: the form has no field for it. */
  dayOr: boolean | undefined;
  every: string;
  anchor: string;
  recurrence: string;
  timeZone: string;
  slug: string;
  active: boolean;
  catchUp: CatchUp;
  startsAt: string;
  endsAt: string;
  jitter: string;
  lateness: string;
  calendars: string;
  parameters: string;
}

/** Returns a schedule as a form has it; a new one is due every morning where the viewer is. */
export function draftOf(schedule: Schedule | undefined): Draft {
  const { cron, interval, recurrence } = schedule?.rule ?? {};
  return {
    kind: interval !== undefined ? "interval" : recurrence !== undefined ? "recurrence" : "cron",
    cron: cron?.expression ?? "0 6 * * *",
    dayOr: cron?.day_or,
    every: textOfSpan(interval?.every) || "1h",
    anchor: interval?.anchor_at === undefined ? "" : localText(interval.anchor_at),
    recurrence: recurrence?.rule ?? "FREQ=WEEKLY;BYDAY=MO;BYHOUR=9;BYMINUTE=0;BYSECOND=0",
    timeZone:
      (cron ?? interval ?? recurrence)?.time_zone ??
      (schedule === undefined ? Intl.DateTimeFormat().resolvedOptions().timeZone : ""),
    slug: schedule?.slug ?? "",
    active: schedule?.active ?? true,
    catchUp: schedule?.catch_up ?? "CATCH_UP_ALL",
    startsAt: schedule?.starts_at === undefined ? "" : localText(schedule.starts_at),
    endsAt: schedule?.ends_at === undefined ? "" : localText(schedule.ends_at),
    jitter: textOfSpan(schedule?.jitter),
    lateness: textOfSpan(schedule?.maximum_lateness),
    calendars: schedule?.calendar_names.join(", ") ?? "",
    parameters: JSON.stringify(schedule?.parameters ?? {}, null, 2),
  };
}

function instant(text: string): string | undefined {
  return text === "" ? undefined : new Date(text).toISOString();
}

function span(text: string, what: string): string | undefined {
  if (text.trim() === "") return undefined;
  const seconds = secondsOfText(text);
  if (seconds === undefined) throw new Error(`${what} is a span such as 90s, 15m or 1h 30m.`);
  return `${seconds}s`;
}

function ruleOf(draft: Draft): Input<ScheduleRule> {
  const zone = draft.timeZone.trim();
  switch (draft.kind) {
    case "cron":
      return { cron: { expression: draft.cron.trim(), time_zone: zone, day_or: draft.dayOr } };
    case "interval":
      return { interval: { every: span(draft.every, "The interval") ?? "", anchor_at: instant(draft.anchor), time_zone: zone } };
    default:
      return { recurrence: { rule: draft.recurrence.trim(), time_zone: zone } };
  }
}

/** Returns the schedule that a form says. Throws what is wrong with it. */
export function scheduleOf(draft: Draft): Input<Schedule> {
  return {
    rule: ruleOf(draft),
    slug: draft.slug.trim(),
    active: draft.active,
    catch_up: draft.catchUp,
    starts_at: instant(draft.startsAt),
    ends_at: instant(draft.endsAt),
    jitter: span(draft.jitter, "The jitter"),
    maximum_lateness: span(draft.lateness, "The most lateness"),
    calendar_names: draft.calendars.split(",").map((name) => name.trim()).filter((name) => name !== ""),
    parameters: JSON.parse(draft.parameters.trim() === "" ? "{}" : draft.parameters) as JsonObject,
  };
}
