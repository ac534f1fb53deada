import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { call } from "../api/client.ts";
import type { FlowRun, StateType } from "../api/contract.gen.ts";
import { useInvalidation } from "../api/watch.ts";
import { Icon } from "../parts/Icon.tsx";
import { Moment } from "../parts/Moment.tsx";

const WAITING: ReadonlySet<StateType | undefined> = new Set<StateType>([
  "STATE_TYPE_SCHEDULED",
  "STATE_TYPE_PENDING",
  "STATE_TYPE_PAUSED",
]);
const EVENTS = ["headrace.work-pool.*", "headrace.work-queue.*", "headrace.worker.*", "headrace.flow-run.*", "headrace.deployment.*"];

/** Why a run that waits does not run, and what to do about it. */
export function Why({ run }: { run: FlowRun }) {
  if (!WAITING.has(run.state?.type)) return null;
  return <Reasons run={run} />;
}

function Reasons({ run }: { run: FlowRun }) {
  // Slots become free and workers come: that changes the answer.
  useInvalidation(EVENTS, ["explanation"]);
  const { data } = useQuery({
    queryKey: ["explanation", run.flow_run_id, run.state?.state_id],
    queryFn: ({ signal }) => call("ExplainFlowRun", { flow_run_id: run.flow_run_id }, signal),
    placeholderData: keepPreviousData,
  });
  if (data === undefined || data.summary === "") return null;
  const [first, ...others] = data.reasons;
  return (
    <section className={`why ${data.healthy ? "" : "why-bad"}`} aria-label="Why it is not running">
      <Icon name={data.healthy ? "clock" : "warning"} />
      <div>
        <p>
          <strong>{data.healthy ? "It waits" : "It does not run"}: </strong>
          {data.summary}
          {first?.until !== undefined && (
            <span className="quiet">
              {" "}
              until <Moment at={first.until} />
            </span>
          )}
        </p>
        {others.length > 0 && (
          <ul>
            {others.map((reason, index) => (
              <li key={index}>
                {reason.sentence} <span className="quiet">{reason.advice}</span>
              </li>
            ))}
          </ul>
        )}
        {run.work_pool_name !== "" && (
          <Link to="/work-pools/$workPoolName" params={{ workPoolName: run.work_pool_name }}>
            {`Work pool ${run.work_pool_name}`}
          </Link>
        )}
      </div>
    </section>
  );
}
