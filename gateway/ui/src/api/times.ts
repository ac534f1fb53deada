// Times and spans as the wire has them, for people.

import { useEffect, useState } from "react";

/** Returns the seconds of a span such as "1.5s", undefined if there is none. */
export function secondsOf(span: string | undefined): number | undefined {
  if (span === undefined) return undefined;
  const seconds = Number.parseFloat(span);
  return Number.isFinite(seconds) ? seconds : undefined;
}

/** Returns a span in the largest units that say something. */
export function spanText(seconds: number): string {
  if (seconds < 0) return "0 s";
  if (seconds < 0.001) return "<1 ms";
  // What would be rounded up to the next unit is told in it.
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 59.5) return `${Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  const [days, hours, minutes] = [Math.floor(whole / 86400), Math.floor(whole / 3600) % 24, Math.floor(whole / 60) % 60];
  const [large, small] =
    days > 0
      ? [`${days} d`, hours > 0 ? ` ${hours} h` : ""]
      : hours > 0
        ? [`${hours} h`, minutes > 0 ? ` ${minutes} min` : ""]
        : [`${minutes} min`, whole % 60 > 0 ? ` ${whole % 60} s` : ""];
  return large + small;
}

const today = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const thisYear = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" });
const anyYear = new Intl.DateTimeFormat(undefined, { year: "numeric", month: "short", day: "numeric" });
const precise = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
  hourCycle: "h23",
});

/** Returns a moment in the viewer's zone, as short as its distance from now allows. */
export function momentText(at: string): string {
  const date = new Date(at);
  const now = new Date();
  if (date.toDateString() === now.toDateString()) return today.format(date);
  return date.getFullYear() === now.getFullYear() ? thisYear.format(date) : anyYear.format(date);
}

/** Returns the time of day to the millisecond in the viewer's zone. */
export function preciseText(at: string): string {
  return precise.format(new Date(at));
}

const zone = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });

/** Returns a moment in the viewer's zone with the zone's name, for a hover. */
export function zoneText(at: string): string {
  return zone.format(new Date(at));
}

/** Returns a moment in UTC, for a hover. */
export function utcText(at: string): string {
  return at.replace("T", " ").replace(/(\.\d{3})\d*Z$|Z$/, "$1 UTC");
}

/** Returns the present in milliseconds, each second anew while `isLive`. */
export function useNow(isLive: boolean): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!isLive) return;
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [isLive]);
  return now;
}
