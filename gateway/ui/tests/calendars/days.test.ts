import { describe, expect, test } from "vitest";
import type { Calendar } from "../../src/api/contract.gen.ts";
import { WEEKDAYS, calendarText, daysOf, makeJudge } from "../../src/calendars/days.ts";

const calendar = (parts: Partial<Calendar>): Calendar => ({ name: "c", description: "", time_zone: "", dates: [], weekdays: [], blackouts: [], ...parts });

/** Returns the days of a year that a calendar takes out, as "03-29 whole". */
function taken(parts: Partial<Calendar>, year = 2026): string[] {
  const judge = makeJudge(calendar(parts), year);
  return Array.from({ length: 12 }, (_, index) => daysOf(year, index + 1))
    .flat()
    .flatMap((day) => {
      const verdict = judge(day);
      return verdict === undefined ? [] : [`${String(day.month).padStart(2, "0")}-${String(day.day).padStart(2, "0")} ${verdict}`];
    });
}

test("months have their days, also in leap years", () => {
  expect(Array.from({ length: 12 }, (_, index) => daysOf(2026, index + 1).length)).toEqual([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]);
  expect([1900, 2000, 2024].map((year) => daysOf(year, 2).length)).toEqual([28, 29, 29]);
});

test("weeks begin with Monday", () => {
  expect(WEEKDAYS).toEqual(["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]);
  expect(daysOf(2026, 3)[0]).toEqual({ month: 3, day: 1, weekday: 7 });
  expect(daysOf(2026, 3)[1]?.weekday).toBe(1);
});

describe("a calendar takes out", () => {
  test("nothing, where it says nothing", () => {
    expect(taken({})).toEqual([]);
  });

  test("days of each year, and days of one", () => {
    expect(taken({ dates: ["12-25", "2026-05-01", "2027-05-02"] })).toEqual(["05-01 whole", "12-25 whole"]);
    expect(taken({ dates: ["12-25", "2026-05-01", "2027-05-02"] }, 2027)).toEqual(["05-02 whole", "12-25 whole"]);
  });

  test("days of the week", () => {
    expect(taken({ weekdays: [6, 7] })).toHaveLength(104);
    expect(taken({ weekdays: [6, 7] }).slice(0, 2)).toEqual(["01-03 whole", "01-04 whole"]);
  });

  test("parts of days that a span touches, in the zone of the calendar", () => {
    const blackouts = [{ from: "2026-05-01T22:30:00Z", until: "2026-05-03T01:00:00Z" }];
    expect(taken({ blackouts })).toEqual(["05-01 part", "05-02 part", "05-03 part"]);
    expect(taken({ blackouts, time_zone: "Europe/Berlin" })).toEqual(["05-02 part", "05-03 part"]);
    expect(taken({ blackouts, time_zone: "America/New_York" })).toEqual(["05-01 part", "05-02 part"]);
  });

  test("no day that begins when a span ends, also where the clock is moved", () => {
    const day = { from: "2026-03-28T23:00:00Z", until: "2026-03-29T22:00:00Z" };
    expect(taken({ blackouts: [day], time_zone: "Europe/Berlin" })).toEqual(["03-29 part"]);
  });

  test("all days from a moment on, or up to one", () => {
    expect(taken({ blackouts: [{ from: "2026-12-30T12:00:00Z" }] })).toEqual(["12-30 part", "12-31 part"]);
    expect(taken({ blackouts: [{ until: "2026-01-03T00:00:00Z" }] })).toEqual(["01-01 part", "01-02 part"]);
  });
});

test.each<[string, Partial<Calendar>]>([
  ["nothing yet", {}],
  ["every Saturday, Sunday", { weekdays: [7, 6] }],
  ["1 day", { dates: ["12-25"] }],
  ["every Monday · 2 days · 1 span of time", { weekdays: [1], dates: ["12-25", "01-01"], blackouts: [{}] }],
])("a calendar reads: %s", (text, parts) => {
  expect(calendarText(calendar(parts))).toBe(text);
});
