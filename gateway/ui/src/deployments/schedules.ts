// Schedules in words, and spans of time as people write them.

import type { CatchUp, Schedule, ScheduleRule } from "../api/contract.gen.ts";
import { secondsOf, spanText } from "../api/times.ts";
import { cronText } from "./cron.ts";

/** Returns when a schedule is due in words people use; undefined where only its rule says it. */
export function ruleWords({ rule }: { rule?: ScheduleRule }): string | undefined {
  const words = rule?.cron === undefined ? undefined : cronText(rule.cron.expression);
  const zone = rule?.cron?.time_zone ?? "";
  return words === undefined || zone === "" ? words : `${words} (${zone})`;
}

/** Returns the rule of a schedule, as it is written. */
export function ruleText(schedule: { rule?: ScheduleRule }): string {
  const { cron, interval, recurrence } = schedule.rule ?? {};
  if (cron !== undefined) return cron.time_zone === "" ? cron.expression : `${cron.expression} (${cron.time_zone})`;
  if (interval !== undefined) return `every ${spanText(secondsOf(interval.every) ?? 0)}`;
  return recurrence?.rule ?? "";
}

/** Returns the soonest moment at which one of the schedules makes a run. */
export function nextOf(schedules: Schedule[]): string | undefined {
  return schedules
    .filter((schedule) => schedule.active)
    .map((schedule) => schedule.next_at)
    .filter((at) => at !== undefined)
    .sort((a, b) => Date.parse(a) - Date.parse(b))[0];
}

export const CATCH_UPS: { value: CatchUp; label: string }[] = [
  { value: "CATCH_UP_ALL", label: "All of them run" },
  { value: "CATCH_UP_LATEST", label: "Only the last one runs" },
  { value: "CATCH_UP_SKIP", label: "None of them runs" },
];

const UNITS: ReadonlyMap<string, number> = new Map([
  ["s", 1],
  ["m", 60],
  ["min", 60],
  ["h", 3_600],
  ["d", 86_400],
  ["w", 604_800],
]);

/** Returns the seconds of a text such as "90", "15m" or "1h 30m"; undefined if it is none. */
export function secondsOfText(text: string): number | undefined {
  const trimmed = text.trim();
  if (/^\d+(\.\d+)?$/.test(trimmed)) return Number(trimmed);
  if (!/^(\d+(\.\d+)?\s*[a-z]+\s*)+$/i.test(trimmed)) return undefined;
  let seconds = 0;
  for (const [, number, unit] of trimmed.matchAll(/(\d+(?:\.\d+)?)\s*([a-z]+)/gi)) {
    const length = UNITS.get(unit?.toLowerCase() ?? "");
    if (length === undefined) return undefined;
    seconds += Number(number) * length;
  }
  return seconds;
}

/** Returns a span of the wire as a text that `secondsOfText` reads. */
export function textOfSpan(span: string | undefined): string {
  let rest = secondsOf(span);
  if (rest === undefined || rest === 0) return "";
  const parts: string[] = [];
  for (const [unit, length] of [["d", 86_400], ["h", 3_600], ["m", 60]] as const) {
    const count = Math.floor(rest / length);
    if (count > 0) parts.push(`${count}${unit}`);
    rest -= count * length;
  }
  const seconds = Number(rest.toFixed(6));
  if (seconds > 0) parts.push(`${seconds}s`);
  return parts.join(" ");
}

/** The time zones that the browser knows. */
export const TIME_ZONES = ["UTC", ...Intl.supportedValuesOf("timeZone")];
