import { secondsOf, spanText } from "../api/times.ts";
import type { LastFlowRuns } from "../api/contract.gen.ts";
import { lookOf } from "../api/states.ts";

const LEAST_PERCENT = 18;

/** The last runs as bars: how they ended, and how long they took compared with each other. */
export function ActivityBars({ activity }: { activity: LastFlowRuns | undefined }) {
  const runs = activity?.runs ?? [];
  if (runs.length === 0) return <span className="quiet none">–</span>;
  const seconds = runs.map((run) => secondsOf(run.run_time) ?? 0);
  const longest = Math.max(...seconds, Number.EPSILON);
  const counts = new Map<string, number>();
  for (const run of runs) {
    const { label } = lookOf(run.state_type);
    counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  const told = [...counts].map(([label, count]) => `${count} ${label.toLowerCase()}`).join(", ");
  return (
    <span className="activity" role="img" aria-label={`The last ${runs.length} runs: ${told}`}>
      {runs.map((run, index) => (
        <span
          key={run.flow_run_id}
          className={`activity-bar state-${lookOf(run.state_type).key}`}
          style={{ height: `${Math.max(LEAST_PERCENT, Math.sqrt((seconds[index] ?? 0) / longest) * 100)}%` }}
          title={`${run.name}: ${run.state_name}, ${spanText(seconds[index] ?? 0)}`}
        />
      ))}
    </span>
  );
}
