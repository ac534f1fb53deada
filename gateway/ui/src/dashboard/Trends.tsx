import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ActivityBars } from "../activity/ActivityBars.tsx";
import { call } from "../api/client.ts";
import type { Deployment, LastFlowRuns } from "../api/contract.gen.ts";
import { Fault, Loading } from "../parts/Notice.tsx";
import { summary } from "./summary.ts";

const MOST = 10;
const RUNS = 24;
/** A change of the duration below this is chance. */
const WORTH_TELLING = 0.15;

interface Trend {
  deployment: Deployment;
  last: LastFlowRuns | undefined;
}

/** How the deployments have done lately: each with its last runs, success and duration. */
export function Trends() {
  const { data, error, refetch } = useQuery({
    queryKey: ["dashboard", "trends"],
    queryFn: async ({ signal }): Promise<Trend[]> => {
      const { deployments } = await call("ListDeployments", { page_size: MOST }, signal);
      if (deployments.length === 0) return [];
      const ids = deployments.map((one) => one.deployment_id);
      const { owners } = await call("GetLastFlowRuns", { deployment_ids: ids, run_count: RUNS }, signal);
      return deployments.map((deployment) => ({
        deployment,
        last: owners.find((owner) => owner.deployment_id === deployment.deployment_id),
      }));
    },
    placeholderData: keepPreviousData,
  });
  return (
    <section className="tile dash-wide" aria-labelledby="dash-trends">
      <div className="tile-head">
        <h2 id="dash-trends">How deployments do</h2>
        <Link to="/deployments" className="tile-note" aria-label="All deployments">
          All
        </Link>
      </div>
      {error !== null && <Fault error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <Loading what="deployments" />}
      {data?.length === 0 && <p className="quiet">No deployment yet: a deployment makes a flow run by schedule and from here.</p>}
      {data !== undefined && data.length > 0 && (
        <ul className="tile-rows trends">
          {data.map(({ deployment, last }) => {
            const { success, duration, change } = summary(last);
            return (
              <li key={deployment.deployment_id}>
                <span className="row-name">
                  <Link to="/deployments/$deploymentId" params={{ deploymentId: deployment.deployment_id }}>
                    {deployment.name}
                  </Link>
                  <span className="quiet"> {deployment.flow_name}</span>
                </span>
                {(last?.runs ?? []).length === 0 ? <span className="quiet">no runs yet</span> : <ActivityBars activity={last} />}
                <span className="trend number" hidden={success === undefined}>
                  <span className="quiet">went well</span> {success}
                </span>
                <span className="trend number" hidden={duration === undefined}>
                  <span className="quiet">takes</span> {duration}
                  {Math.abs(change) >= WORTH_TELLING && (
                    <span className={change > 0 ? "trend-worse" : "trend-better"}>
                      {` ${change > 0 ? "+" : "−"}${Math.round(Math.abs(change) * 100)} %`}
                    </span>
                  )}
                </span>
              </li>
            );
          })}
        </ul>
      )}
    </section>
  );
}
