import { describe, expect, test } from "vitest";
import { TIME_ZONES, nextOf, ruleText, ruleWords, secondsOfText, textOfSpan } from "../../src/deployments/schedules.ts";
import { concurrencyText, parametersText } from "../../src/deployments/words.ts";
import type { DeploymentConcurrency, ScheduleRule } from "../../src/api/contract.gen.ts";
import { aSchedule } from "../builders.ts";

const cron = (expression: string, zone = "") => ({ rule: { cron: { expression, time_zone: zone, day_or: true } } as ScheduleRule });

describe("a schedule in words", () => {
  test("its zone is told where it has one", () => {
    expect(ruleWords(cron("0 6 * * *", "Europe/Berlin"))).toBe("every day at 06:00 (Europe/Berlin)");
    expect(ruleWords(cron("0 6 * * *"))).toBe("every day at 06:00");
  });

  test("what only the rule says has no words", () => {
    expect(ruleWords(cron("0 9 L * *", "Europe/Berlin"))).toBeUndefined();
    expect(ruleWords({ rule: { interval: { every: "90s", time_zone: "" } } })).toBeUndefined();
    expect(ruleWords({})).toBeUndefined();
  });

  test("the rule is told as it is written", () => {
    expect(ruleText(cron("0 9 L * *", "Europe/Berlin"))).toBe("0 9 L * * (Europe/Berlin)");
    expect(ruleText(cron("0 9 L * *"))).toBe("0 9 L * *");
    expect(ruleText({ rule: { interval: { every: "5400s", time_zone: "" } } })).toBe("every 1 h 30 min");
    expect(ruleText({ rule: { recurrence: { rule: "FREQ=DAILY", time_zone: "" } } })).toBe("FREQ=DAILY");
    expect(ruleText({})).toBe("");
  });
});

describe("the next run", () => {
  test("is that of the soonest schedule that makes runs", () => {
    const schedules = [
      aSchedule({ next_at: "2026-03-02T00:00:00Z" }),
      aSchedule({ next_at: "2026-03-01T00:00:00Z" }),
      aSchedule({ next_at: "2026-01-01T00:00:00Z", active: false }),
      aSchedule({ next_at: undefined }),
    ];
    expect(nextOf(schedules)).toBe("2026-03-01T00:00:00Z");
  });

  test("is the soonest also by parts of a second", () => {
    const schedules = [aSchedule({ next_at: "2026-03-01T00:00:00.250Z" }), aSchedule({ next_at: "2026-03-01T00:00:00Z" })];
    expect(nextOf(schedules)).toBe("2026-03-01T00:00:00Z");
  });

  test("is not known where none makes runs", () => {
    expect(nextOf([])).toBeUndefined();
    expect(nextOf([aSchedule({ next_at: "2026-01-01T00:00:00Z", active: false })])).toBeUndefined();
  });
});

describe("spans as people write them", () => {
  test.each([
    ["90", 90],
    ["0.5", 0.5],
    ["90s", 90],
    ["15m", 900],
    ["15 min", 900],
    ["1h 30m", 5_400],
    ["1h30m", 5_400],
    ["1.5H", 5_400],
    [" 2 d ", 172_800],
    ["1w", 604_800],
  ])("%s is %s seconds", (text, seconds) => {
    expect(secondsOfText(text)).toBe(seconds);
  });

  test.each(["", "soon", "-5m", "5 parsecs", "5 constructor", "1h later", "h", "5m 3", "1,5h", "1..5h"])("%j is none", (text) => {
    expect(secondsOfText(text)).toBeUndefined();
  });

  test.each([
    ["90s", "1m 30s"],
    ["5400s", "1h 30m"],
    ["604800s", "7d"],
    ["90061s", "1d 1h 1m 1s"],
    ["0.5s", "0.5s"],
    ["3600.1s", "1h 0.1s"],
    ["86459.000001s", "1d 59.000001s"],
  ])("%s of the wire is %s in a form, and is read back as the same", (span, text) => {
    expect(textOfSpan(span)).toBe(text);
    expect(secondsOfText(text)).toBeCloseTo(Number.parseFloat(span), 6);
  });

  test("no span leaves a field empty", () => {
    expect(textOfSpan(undefined)).toBe("");
    expect(textOfSpan("0s")).toBe("");
  });
});

test("UTC comes first of all zones, once", () => {
  expect(TIME_ZONES[0]).toBe("UTC");
  expect(TIME_ZONES.filter((zone) => zone === "UTC")).toHaveLength(1);
  expect(TIME_ZONES).toContain("Europe/Berlin");
});

describe("how many runs at once", () => {
  const limited = (parts: Partial<DeploymentConcurrency>) =>
    concurrencyText({ strategy: "CONCURRENCY_STRATEGY_ENQUEUE", key: "", shared_limit_name: "", ...parts });

  test("is any number without a limit", () => {
    expect(concurrencyText(undefined)).toBe("any number");
    expect(limited({})).toBe("any number");
  });

  test("says what becomes of more", () => {
    expect(limited({ limit: 2 })).toBe("2, more wait");
    expect(limited({ limit: 2, strategy: "CONCURRENCY_STRATEGY_CANCEL_NEW" })).toBe("2, more are cancelled");
    expect(limited({ limit: 2, strategy: "CONCURRENCY_STRATEGY_CANCEL_RUNNING" })).toBe("2, a new one cancels the oldest");
  });

  test("says the key and the limit that is shared", () => {
    expect(limited({ limit: 5, key: "{{ customer }}", key_limit: 2 })).toBe("5, more wait; 2 for each {{ customer }}");
    expect(limited({ key: "{{ customer }}" })).toBe("any number; 1 for each {{ customer }}");
    expect(limited({ limit: 5, shared_limit_name: "database" })).toBe("as many as the limit database has slots");
  });
});

test("parameters are told in a line, texts without quotes", () => {
  expect(parametersText({ station: "Oslo", days: 3, at: { from: null } })).toBe('station: Oslo, days: 3, at: {"from":null}');
  expect(parametersText(undefined)).toBe("");
});
