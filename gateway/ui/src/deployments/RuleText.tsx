import type { Schedule } from "../api/contract.gen.ts";
import { ruleText, ruleWords } from "./schedules.ts";

/** When a schedule is due: in words where there are some, with the rule as it is written on hover. */
export function RuleText({ schedule }: { schedule: Schedule }) {
  const words = ruleWords(schedule);
  if (words === undefined) return schedule.rule?.interval === undefined ? <code>{ruleText(schedule)}</code> : <span>{ruleText(schedule)}</span>;
  return <span title={ruleText(schedule)}>{words}</span>;
}
