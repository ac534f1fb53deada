import { describe, expect, test } from "vitest";
import type { Schedule } from "../../src/api/contract.gen.ts";
import { draftOf, scheduleOf } from "../../src/deployments/draft.ts";
import { aSchedule } from "../builders.ts";

const rules = {
  cron: { cron: { expression: "0 6 1 * MON", time_zone: "Asia/Tokyo", day_or: false } },
  interval: { interval: { every: "5400s", anchor_at: "2026-07-15T11:00:00.000Z", time_zone: "UTC" } },
  recurrence: { recurrence: { rule: "FREQ=DAILY", time_zone: "UTC" } },
};

test.each(Object.entries(rules))("a schedule by %s that nobody changed in the form is the same", (kind, rule) => {
  const parts = {
    active: false,
    catch_up: "CATCH_UP_LATEST",
    starts_at: "2026-03-29T01:00:00.000Z",
    ends_at: "2026-10-25T12:00:07.000Z",
    jitter: "90s",
    maximum_lateness: "3600s",
    calendar_names: ["holidays", "freeze"],
    parameters: { station: "Oslo", days: [1, 2] },
  } as const;
  const schedule = aSchedule({ ...parts, calendar_names: [...parts.calendar_names], parameters: { ...parts.parameters, days: [1, 2] }, rule: rule });
  expect(draftOf(schedule).kind).toBe(kind);
  expect(scheduleOf(draftOf(schedule))).toEqual({ ...parts, rule, slug: "daily" });
});

describe("a new schedule", () => {
  test("is due every morning in the viewer's zone", () => {
    expect(scheduleOf(draftOf(undefined)).rule).toEqual({ cron: { expression: "0 6 * * *", time_zone: "Europe/Berlin" } });
  });

  test("has no limits in time, and makes runs", () => {
    const made = scheduleOf(draftOf(undefined));
    expect(made).toMatchObject({ active: true, catch_up: "CATCH_UP_ALL", calendar_names: [], parameters: {} });
    expect([made.starts_at, made.ends_at, made.jitter, made.maximum_lateness]).toEqual([undefined, undefined, undefined, undefined]);
  });
});

describe("what is typed in", () => {
  const draft = draftOf(undefined);

  test("is read in the viewer's zone", () => {
    expect(scheduleOf({ ...draft, startsAt: "2026-01-15T12:00" }).starts_at).toBe("2026-01-15T11:00:00.000Z");
    expect(scheduleOf({ ...draft, startsAt: "2026-07-15T12:00" }).starts_at).toBe("2026-07-15T10:00:00.000Z");
  });

  test("is stripped of space and of what is empty", () => {
    const made = scheduleOf({ ...draft, cron: " 0 7 * * * ", calendars: " holidays, ,freeze ", jitter: " ", parameters: " " });
    expect(made).toMatchObject({ calendar_names: ["holidays", "freeze"], parameters: {} });
    expect(made.rule?.cron?.expression).toBe("0 7 * * *");
    expect(made.jitter).toBeUndefined();
  });

  test.each<[Partial<typeof draft>, string]>([
    [{ kind: "interval", every: "often" }, "The interval is a span such as 90s, 15m or 1h 30m."],
    [{ jitter: "some" }, "The jitter is a span such as 90s, 15m or 1h 30m."],
    [{ lateness: "1 fortnight" }, "The most lateness is a span such as 90s, 15m or 1h 30m."],
  ])("that is no span is told: %j", (parts, message) => {
    expect(() => scheduleOf({ ...draft, ...parts })).toThrow(message);
  });
});

test("a schedule without a zone stays without one", () => {
  const schedule: Schedule = aSchedule({ rule: { cron: { expression: "0 6 * * *", time_zone: "", day_or: true } } });
  expect(scheduleOf(draftOf(schedule)).rule?.cron?.time_zone).toBe("");
});
