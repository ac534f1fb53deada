import { expect, test } from "vitest";
import type { ChannelPolicy } from "../../src/api/contract.gen.ts";
import { policyText } from "../../src/notifications/policies.ts";

const text = (parts: object) => policyText({ most_per_minute: "0", most_tries: 0, ...parts } as unknown as ChannelPolicy);

test("nothing is said of what is the default", () => {
  expect(policyText(undefined)).toBe("");
  expect(text({})).toBe("");
});

test("everything else is told in a line", () => {
  const quiet = { begins_at: "22:00", ends_at: "06:00", zone: "Europe/Berlin", passes: "SEVERITY_CRITICAL" };
  expect(text({ group_within: "90s", most_per_minute: "5", quiet_hours: quiet, escalation: { after: "3600s", channel_id: "c" } })).toBe(
    "gathered for 1 min 30 s · at most 5 a minute · quiet from 22:00 to 06:00 · escalates after 1 h",
  );
});
