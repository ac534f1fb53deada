import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { momentText, preciseText, secondsOf, spanText, utcText, zoneText } from "../../src/api/times.ts";

describe("spans in words", () => {
  test.each([
    [-5, "0 s"],
    [0.0004, "<1 ms"],
    [0.25, "250 ms"],
    [0.9994, "999 ms"],
    [1, "1.0 s"],
    [9.94, "9.9 s"],
    [42, "42 s"],
    [60, "1 min"],
    [61, "1 min 1 s"],
    [3_599, "59 min 59 s"],
    [3_600, "1 h"],
    [5_400, "1 h 30 min"],
    [86_400, "1 d"],
    [90_000, "1 d 1 h"],
    [86_400 + 59 * 60, "1 d"],
  ])("%f seconds are %s", (seconds, text) => {
    expect(spanText(seconds)).toBe(text);
  });

  test.each([
    [0.9996, "1.0 s"],
    [9.96, "10 s"],
    [59.7, "1 min"],
    [3_599.6, "1 h"],
    [86_399.6, "1 d"],
  ])("%f seconds are told in the unit that they are rounded up to: %s", (seconds, text) => {
    expect(spanText(seconds)).toBe(text);
  });

  test.each([
    ["1.5s", 1.5],
    ["0s", 0],
    ["90s", 90],
    ["", undefined],
    ["soon", undefined],
    [undefined, undefined],
  ])("%s of the wire are %s seconds", (span, seconds) => {
    expect(secondsOf(span)).toBe(seconds);
  });
});

describe("moments in the viewer's zone", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime("2026-06-15T10:00:00Z");
  });
  afterEach(() => vi.useRealTimers());

  test("one of today is a time of day", () => {
    expect(momentText("2026-06-15T07:05:09Z")).toBe("09:05:09 AM");
  });

  test("the day begins at midnight in the zone, not in UTC", () => {
    expect(momentText("2026-06-14T22:00:00Z")).toBe("12:00:00 AM");
    expect(momentText("2026-06-14T21:59:59Z")).toBe("Jun 14, 11:59 PM");
    expect(momentText("2026-06-15T22:00:00Z")).toBe("Jun 16, 12:00 AM");
  });

  test("one of this year has a day, one of another year no time", () => {
    expect(momentText("2026-01-01T12:00:00Z")).toBe("Jan 1, 01:00 PM");
    expect(momentText("2025-06-15T10:00:00Z")).toBe("Jun 15, 2025");
  });

  test("the year turns at midnight in the zone", () => {
    expect(momentText("2025-12-31T23:30:00Z")).toBe("Jan 1, 12:30 AM");
  });

  test("summer time begins and ends", () => {
    expect(preciseText("2026-03-29T00:59:59.999Z")).toBe("01:59:59.999");
    expect(preciseText("2026-03-29T01:00:00Z")).toBe("03:00:00.000");
    expect(preciseText("2026-10-25T00:30:00Z")).toBe("02:30:00.000");
    expect(preciseText("2026-10-25T01:30:00Z")).toBe("02:30:00.000");
    expect(zoneText("2026-10-25T00:30:00Z")).not.toBe(zoneText("2026-10-25T01:30:00Z"));
  });

  test("a day has 24 hours, beginning with 0", () => {
    expect(preciseText("2026-06-14T22:00:00.007Z")).toBe("00:00:00.007");
  });
});

test.each([
  ["2026-06-15T10:00:00Z", "2026-06-15 10:00:00 UTC"],
  ["2026-06-15T10:00:00.123Z", "2026-06-15 10:00:00.123 UTC"],
  ["2026-06-15T10:00:00.123456Z", "2026-06-15 10:00:00.123 UTC"],
  ["2026-06-15T10:00:00.123456789Z", "2026-06-15 10:00:00.123 UTC"],
])("%s is shown as %s", (at, text) => {
  expect(utcText(at)).toBe(text);
});
