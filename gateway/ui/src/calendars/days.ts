// Which days a calendar takes out.

import type { Calendar, TimeRange } from "../api/contract.gen.ts";

const two = (value: number) => String(value).padStart(2, "0");

/** A day of the year that a calendar is drawn for. */
export interface Day {
  /** 1 to 12. */
  month: number;
  /** 1 to 31. */
  day: number;
  /** 1 is Monday, 7 is Sunday. */
  weekday: number;
}

/** The names of the days of a week, Monday first. */
export const WEEKDAYS = Array.from({ length: 7 }, (_, index) =>
  new Intl.DateTimeFormat(undefined, { weekday: "long", timeZone: "UTC" }).format(Date.UTC(2024, 0, index + 1)),
);

/** Returns the days of a month, the first one with index 0. */
export function daysOf(year: number, month: number): Day[] {
  const count = new Date(Date.UTC(year, month, 0)).getUTCDate();
  return Array.from({ length: count }, (_, index) => {
    const weekday = new Date(Date.UTC(year, month - 1, index + 1)).getUTCDay();
    return { month, day: index + 1, weekday: weekday === 0 ? 7 : weekday };
  });
}

/** Returns the first and the last day that a span touches, as texts that can be compared, in a zone. */
function edgesOf({ from, until }: TimeRange, zone: string): [string, string] {
  const dayIn = new Intl.DateTimeFormat("en-CA", { timeZone: zone === "" ? "UTC" : zone, year: "numeric", month: "2-digit", day: "2-digit" });
  // What ends at midnight does not touch the day that begins then.
  const last = until === undefined ? "9999" : dayIn.format(Date.parse(until) - 1);
  return [from === undefined ? "" : dayIn.format(Date.parse(from)), last];
}

/** Returns what tells of a day whether no run is made in it: "whole", "part" of it, or undefined. */
export function makeJudge(calendar: Calendar, year: number): (day: Day) => "whole" | "part" | undefined {
  const dates = new Set(calendar.dates);
  const weekdays = new Set(calendar.weekdays);
  const spans = calendar.blackouts.map((span) => edgesOf(span, calendar.time_zone));
  return ({ month, day, weekday }) => {
    const ofYear = `${two(month)}-${two(day)}`;
    const whole = `${year}-${ofYear}`;
    if (weekdays.has(weekday) || dates.has(ofYear) || dates.has(whole)) return "whole";
    return spans.some(([from, until]) => from <= whole && whole <= until) ? "part" : undefined;
  };
}

/** Returns a calendar in a few words. */
export function calendarText(calendar: Calendar): string {
  const parts = [
    calendar.weekdays.length > 0 ? `every ${[...calendar.weekdays].sort().map((day) => WEEKDAYS[day - 1] ?? "").join(", ")}` : "",
    calendar.dates.length > 0 ? `${calendar.dates.length} ${calendar.dates.length === 1 ? "day" : "days"}` : "",
    calendar.blackouts.length > 0 ? `${calendar.blackouts.length} ${calendar.blackouts.length === 1 ? "span" : "spans"} of time` : "",
  ];
  const text = parts.filter((part) => part !== "").join(" · ");
  return text === "" ? "nothing yet" : text;
}
