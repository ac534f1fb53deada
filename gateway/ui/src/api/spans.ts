// Spans of time in addresses: "24h" back from now, or "<from>..<until>", either end of which may be left out.

import type { TimeRange } from "./contract.gen.ts";

/** The spans that people pick. */
export const RECENT_SPANS = [
  { value: "1h", label: "the last hour" },
  { value: "24h", label: "the last 24 hours" },
  { value: "7d", label: "the last 7 days" },
  { value: "30d", label: "the last 30 days" },
] as const;

const UNIT_SECONDS: Record<string, number> = { m: 60, h: 3_600, d: 86_400 };

/** Returns the seconds of a span such as "24h", undefined if it is none. */
export function recentSeconds(text: string): number | undefined {
  const found = /^(\d+)([mhd])$/.exec(text);
  return found === null ? undefined : Number(found[1]) * (UNIT_SECONDS[found[2] ?? ""] ?? 0);
}

/** Returns the range that a text in an address means, counted from now; undefined if it means none. */
export function rangeOf(text: string | undefined): TimeRange | undefined {
  if (text === undefined || text === "") return undefined;
  const seconds = recentSeconds(text);
  if (seconds !== undefined) {
    const from = new Date(Date.now() - seconds * 1000);
    // Before the first moment that there is a date for.
    return Number.isNaN(from.getTime()) ? undefined : { from: from.toISOString() };
  }
  const [from = "", until = ""] = text.split("..");
  const range: TimeRange = {};
  if (!Number.isNaN(Date.parse(from))) range.from = new Date(from).toISOString();
  if (!Number.isNaN(Date.parse(until))) range.until = new Date(until).toISOString();
  return range.from === undefined && range.until === undefined ? undefined : range;
}

const short = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" });

/** Returns a span of an address in words. */
export function spanWords(text: string): string {
  const recent = RECENT_SPANS.find(({ value }) => value === text);
  if (recent !== undefined) return recent.label;
  const range = rangeOf(text);
  if (range === undefined) return text;
  const words = [
    range.from === undefined ? "" : `from ${short.format(new Date(range.from))}`,
    range.until === undefined ? "" : `until ${short.format(new Date(range.until))}`,
  ];
  return words.join(" ").trim();
}

/** Returns a moment as a field of a form wants it, in the viewer's zone. */
export function fieldMoment(at: string | undefined): string {
  if (at === undefined) return "";
  const date = new Date(at);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** Returns a moment as a field of a form wants it that takes seconds, too; "" if the text is none. */
export function localText(at: string): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return "";
  const shifted = new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString();
  return shifted.slice(0, date.getSeconds() === 0 ? 16 : 19);
}
