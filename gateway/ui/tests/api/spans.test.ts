import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { fieldMoment, localText, rangeOf, recentSeconds, spanWords } from "../../src/api/spans.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime("2026-03-29T12:00:00Z");
});
afterEach(() => vi.useRealTimers());

describe("spans back from now", () => {
  test.each([
    ["30m", 1_800],
    ["24h", 86_400],
    ["7d", 604_800],
    ["7w", undefined],
    ["h", undefined],
    ["-1h", undefined],
    ["1.5h", undefined],
    ["24h ", undefined],
  ])("%s is %s seconds", (text, seconds) => {
    expect(recentSeconds(text)).toBe(seconds);
  });

  test("a day is 24 hours, also where the clock was moved in between", () => {
    expect(rangeOf("1d")).toEqual({ from: "2026-03-28T12:00:00.000Z" });
    expect(rangeOf("24h")).toEqual(rangeOf("1d"));
  });

  test("one that goes behind the beginning of all calendars means none", () => {
    expect(rangeOf("999999999999d")).toBeUndefined();
  });
});

describe("spans with ends", () => {
  test("both ends are read", () => {
    expect(rangeOf("2026-01-01T00:00:00Z..2026-01-02T00:00:00+01:00")).toEqual({
      from: "2026-01-01T00:00:00.000Z",
      until: "2026-01-01T23:00:00.000Z",
    });
  });

  test("either end may be left out", () => {
    expect(rangeOf("2026-01-01T00:00:00Z..")).toEqual({ from: "2026-01-01T00:00:00.000Z" });
    expect(rangeOf("..2026-01-01T00:00:00Z")).toEqual({ until: "2026-01-01T00:00:00.000Z" });
  });

  test.each([undefined, "", "..", "nonsense", "nonsense..more"])("%s means no span", (text) => {
    expect(rangeOf(text)).toBeUndefined();
  });
});

describe("spans in words", () => {
  test.each([
    ["24h", "the last 24 hours"],
    ["30d", "the last 30 days"],
    ["2026-03-29T00:30:00Z..", "from Mar 29, 01:30 AM"],
    ["..2026-03-29T01:30:00Z", "until Mar 29, 03:30 AM"],
    ["2026-01-01T11:00:00Z..2026-07-01T10:00:00Z", "from Jan 1, 12:00 PM until Jul 1, 12:00 PM"],
    ["2h", "from Mar 29, 12:00 PM"],
    ["nonsense", "nonsense"],
  ])("%s reads: %s", (text, words) => {
    expect(spanWords(text)).toBe(words);
  });
});

describe("moments in fields of forms", () => {
  test.each([
    ["2026-01-15T11:00:00Z", "2026-01-15T12:00"],
    ["2026-07-15T11:00:00Z", "2026-07-15T13:00"],
    ["2026-03-29T00:59:00Z", "2026-03-29T01:59"],
    ["2026-03-29T01:00:00Z", "2026-03-29T03:00"],
    ["2025-12-31T23:30:00Z", "2026-01-01T00:30"],
  ])("%s is %s in the viewer's zone, and is read back as the same", (at, field) => {
    expect(fieldMoment(at)).toBe(field);
    expect(new Date(field).getTime()).toBe(Date.parse(at));
  });

  test("seconds are kept where a field takes them", () => {
    expect(localText("2026-07-15T11:00:07Z")).toBe("2026-07-15T13:00:07");
    expect(localText("2026-07-15T11:00:00Z")).toBe("2026-07-15T13:00");
  });

  test("what is no moment leaves a field empty", () => {
    expect(fieldMoment(undefined)).toBe("");
    expect(localText("")).toBe("");
    expect(localText("tomorrow")).toBe("");
  });
});
