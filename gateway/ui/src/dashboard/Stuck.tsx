import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { call } from "../api/client.ts";
import type { ExplainFlowRunResponse, FlowRun } from "../api/contract.gen.ts";
import { Icon } from "../parts/Icon.tsx";
import { Elapsed } from "../parts/Moment.tsx";
import { Fault, Loading } from "../parts/Notice.tsx";
import { StateBadge } from "../parts/StateBadge.tsx";
import { RunLink } from "./DashboardPage.tsx";

const MOST = 6;
const PATIENCE_MILLISECONDS = 5_000;

interface StuckRun {
  run: FlowRun;
  why: ExplainFlowRunResponse;
}

async function findStuck(signal: AbortSignal): Promise<StuckRun[]> {
  const until = new Date(Date.now() - PATIENCE_MILLISECONDS).toISOString();
  const lists = await Promise.all([
    call(
      "ListFlowRuns",
      {
        filter: { state_types: ["STATE_TYPE_SCHEDULED"], next_scheduled_start: { until } },
        sort: "FLOW_RUN_SORT_NEXT_SCHEDULED_START_ASC",
        page_size: MOST,
      },
      signal,
    ),
    call("ListFlowRuns", { filter: { state_types: ["STATE_TYPE_PENDING"], state_entered: { until } }, page_size: MOST }, signal),
  ]);
  const runs = lists.flatMap((list) => list.flow_runs).slice(0, MOST);
  return Promise.all(
    runs.map(async (run) => ({ run, why: await call("ExplainFlowRun", { flow_run_id: run.flow_run_id }, signal) })),
  );
}

/** What should run and does not, each with the reason. */
export function Stuck() {
  const { data, error, refetch } = useQuery({
    queryKey: ["dashboard", "stuck"],
    queryFn: ({ signal }) => findStuck(signal),
    placeholderData: keepPreviousData,
  });
  return (
    <section className="tile" aria-labelledby="dash-stuck">
      <div className="tile-head">
        <h2 id="dash-stuck">Late and stuck</h2>
        <Link to="/runs" search={{ state_name: "Late" }} className="tile-note" aria-label="All late runs">
          All
        </Link>
      </div>
      {error !== null && <Fault error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <Loading what="late runs" />}
      {data?.length === 0 && (
        <p className="quiet">
          <Icon name="check" /> Everything that is due runs.
        </p>
      )}
      {data !== undefined && data.length > 0 && (
        <ul className="tile-rows">
          {data.map(({ run, why }) => (
            <li key={run.flow_run_id}>
              <RunLink run={run} />
              <StateBadge state={run.state} />
              <span className="quiet row-end" title="due for">
                <Elapsed from={run.next_scheduled_start_at ?? run.expected_start_at} />
              </span>
              <span className="row-line quiet">{why.summary}</span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
