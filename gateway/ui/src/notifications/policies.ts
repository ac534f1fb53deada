// How messages are sent to a channel, in words.

import type { ChannelPolicy, Severity } from "../api/contract.gen.ts";
import { secondsOf, spanText } from "../api/times.ts";

export const SEVERITIES: { value: Severity; label: string }[] = [
  { value: "SEVERITY_INFO", label: "Everything" },
  { value: "SEVERITY_WARNING", label: "Warnings and worse" },
  { value: "SEVERITY_ERROR", label: "Errors and worse" },
  { value: "SEVERITY_CRITICAL", label: "Only what is critical" },
];

/** Returns how messages are sent, as far as it is not the default. */
export function policyText(policy: ChannelPolicy | undefined): string {
  const parts: string[] = [];
  if (policy?.group_within !== undefined) parts.push(`gathered for ${spanText(secondsOf(policy.group_within) ?? 0)}`);
  if (policy !== undefined && Number(policy.most_per_minute) > 0) parts.push(`at most ${Number(policy.most_per_minute)} a minute`);
  if (policy?.quiet_hours !== undefined)
    parts.push(`quiet from ${policy.quiet_hours.begins_at} to ${policy.quiet_hours.ends_at}`);
  if (policy?.escalation !== undefined) parts.push(`escalates after ${spanText(secondsOf(policy.escalation.after) ?? 0)}`);
  return parts.join(" · ");
}
