import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, getRouteApi, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { ActivityBars } from "../activity/ActivityBars.tsx";
import { RecentRuns } from "../activity/RecentRuns.tsx";
import { useActivity } from "../activity/useActivity.ts";
import { useAddress } from "../api/address.ts";
import { CallError, call } from "../api/client.ts";
import type { Deployment } from "../api/contract.gen.ts";
import { useInvalidation } from "../api/watch.ts";
import { ConfirmDialog } from "../parts/ConfirmDialog.tsx";
import { Icon } from "../parts/Icon.tsx";
import { Moment } from "../parts/Moment.tsx";
import { Empty, Fault, Loading } from "../parts/Notice.tsx";
import { Facts, Mark, PageHead, Tags } from "../parts/PageHead.tsx";
import { Tabs } from "../parts/Tabs.tsx";
import { tell, tellFault } from "../parts/toasts.ts";
import { Backfills } from "./Backfills.tsx";
import { Overview } from "./Overview.tsx";
import { ParametersTab } from "./ParametersTab.tsx";
import { RunDialog } from "./RunDialog.tsx";
import { Schedules } from "./Schedules.tsx";
import { nextOf } from "./schedules.ts";
import { Status } from "./Status.tsx";
import { Upcoming } from "./Upcoming.tsx";
import { Versions } from "./Versions.tsx";

const route = getRouteApi("/deployments/$deploymentId");
const EVENTS = ["headrace.deployment.*", "headrace.worker.*", "headrace.flow-run.*", "headrace.backfill.*"];
const KEYS = ["deployments", "activity", "backfills", "upcoming"];
const TABS = [
  { key: "overview", label: "Overview" },
  { key: "runs", label: "Runs" },
  { key: "schedules", label: "Schedules" },
  { key: "upcoming", label: "Upcoming" },
  { key: "versions", label: "Versions" },
  { key: "parameters", label: "Parameters" },
  { key: "backfills", label: "Backfills" },
] as const;
type Tab = (typeof TABS)[number]["key"];

/** One deployment: what it runs, when, and how it went. */
export function DeploymentPage() {
  const { deploymentId } = route.useParams();
  useInvalidation(EVENTS, KEYS);
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["deployments", deploymentId],
    queryFn: ({ signal }) => call("GetDeployment", { deployment_id: deploymentId }, signal),
  });
  if (error instanceof CallError && error.status === 404)
    return (
      <Empty title="There is no such deployment">
        <p>
          It may have been deleted. <Link to="/deployments">Show all deployments</Link>
        </p>
      </Empty>
    );
  if (error !== null) return <Fault error={error} onRetry={() => void refetch()} />;
  if (isPending || data.deployment === undefined) return <Loading what="the deployment" />;
  return <Shown deployment={data.deployment} />;
}

function Shown({ deployment }: { deployment: Deployment }) {
  const id = deployment.deployment_id;
  const [{ tab: asked }, change] = useAddress();
  const tab = TABS.find(({ key }) => key === asked)?.key ?? "overview";
  const [isRunning, setRunning] = useState(false);
  const [isDeleting, setDeleting] = useState(false);
  const navigate = useNavigate();
  const queries = useQueryClient();
  const activity = useActivity({ deploymentIds: [id] }).get(id);
  const pool = deployment.content?.work_pool_name ?? "";
  const counts: Partial<Record<Tab, number>> = { schedules: deployment.schedules.length, versions: deployment.version_number };
  return (
    <>
      <PageHead
        title={deployment.name}
        from={{ to: "/deployments", label: "Deployments" }}
        badge={deployment.paused ? <Mark look="paused" label="Paused" title="Its schedules make no runs" /> : <Status deployment={deployment} />}
        actions={
          <>
            <PauseSwitch deployment={deployment} />
            <button type="button" className="button" onClick={() => setDeleting(true)}>
              Delete
            </button>
            <button type="button" className="button button-main" onClick={() => setRunning(true)}>
              <Icon name="play" />
              Run
            </button>
          </>
        }
      />
      <Facts
        facts={{
          Flow: (
            <Link to="/flows/$flowId" params={{ flowId: deployment.flow_id }}>
              {deployment.flow_name}
            </Link>
          ),
          "Work pool":
            pool === "" ? (
              "served by a process"
            ) : (
              <Link to="/work-pools/$workPoolName" params={{ workPoolName: pool }}>
                {pool}
              </Link>
            ),
          "Last runs": <ActivityBars activity={activity} />,
          "Next run": deployment.paused ? "paused" : <Moment at={nextOf(deployment.schedules) ?? activity?.next?.at} />,
          Version: `${deployment.version_number}${deployment.content?.version ? ` (${deployment.content.version})` : ""}`,
          Tags: deployment.content?.tags.length ? <Tags tags={deployment.content.tags} /> : undefined,
        }}
      />
      <Tabs
        tabs={TABS.map((item) => ({ ...item, count: counts[item.key] }))}
        value={tab}
        onChange={(next) => change({ tab: next === "overview" ? undefined : next }, true)}
      >
        {tab === "overview" && <Overview deployment={deployment} />}
        {tab === "runs" && (
          <>
            <RecentRuns label="Runs" filter={{ deployment_ids: [id] }} none="It has not run yet. Press Run, or add a schedule." />
            <p className="more-link">
              <Link to="/runs" search={{ deployment: id }}>
                All its runs, with filters
              </Link>
            </p>
          </>
        )}
        {tab === "schedules" && <Schedules deployment={deployment} />}
        {tab === "upcoming" && <Upcoming deployment={deployment} />}
        {tab === "versions" && <Versions deployment={deployment} />}
        {tab === "parameters" && <ParametersTab deployment={deployment} />}
        {tab === "backfills" && <Backfills deployment={deployment} />}
      </Tabs>
      {isRunning && <RunDialog deployment={deployment} onClose={() => setRunning(false)} />}
      <ConfirmDialog
        title={`Delete ${deployment.name}?`}
        action="Delete the deployment"
        typedName={deployment.name}
        isOpen={isDeleting}
        onClose={() => setDeleting(false)}
        onConfirm={async () => {
          await call("DeleteDeployment", { deployment_id: id });
          tell(`${deployment.name} was deleted`);
          await navigate({ to: "/deployments" });
          await queries.invalidateQueries({ queryKey: ["deployments"] });
        }}
      >
        <p>Its schedules, versions and runs that wait go with it; runs that began stay. This cannot be undone.</p>
      </ConfirmDialog>
    </>
  );
}

function PauseSwitch({ deployment }: { deployment: Deployment }) {
  const queries = useQueryClient();
  const { mutate, isPending } = useMutation({
    mutationFn: () =>
      call(deployment.paused ? "ResumeDeployment" : "PauseDeployment", { deployment_id: deployment.deployment_id }),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["deployments"] }),
    onError: (error) => tellFault("The schedules could not be changed", error),
  });
  if (deployment.schedules.length === 0) return null;
  return (
    <button type="button" className="button" disabled={isPending} onClick={() => mutate()}>
      <Icon name={deployment.paused ? "play" : "pause"} />
      {deployment.paused ? "Resume its schedules" : "Pause its schedules"}
    </button>
  );
}
