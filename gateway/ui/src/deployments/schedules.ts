import type { Schedule } from "../api/contract.gen.ts";
import { secondsOf, spanText } from "../api/times.ts";

/** Returns the rule of a schedule in a few words. */
export function ruleText(schedule: Schedule): string {
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
    .sort()[0];
}
