import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { ActivityBars } from "../activity/ActivityBars.tsx";
import { useActivity } from "../activity/useActivity.ts";
import { useAddress } from "../api/address.ts";
import { call } from "../api/client.ts";
import type { Deployment, LastFlowRuns } from "../api/contract.gen.ts";
import { usePaged } from "../api/paged.ts";
import { useInvalidation } from "../api/watch.ts";
import { DataTable, type Column } from "../parts/DataTable.tsx";
import { Icon } from "../parts/Icon.tsx";
import { Moment } from "../parts/Moment.tsx";
import { More } from "../parts/More.tsx";
import { Empty, Fault, Loading } from "../parts/Notice.tsx";
import { tellFault } from "../parts/toasts.ts";
import { SearchField } from "../parts/SearchField.tsx";
import { RunDialog } from "./RunDialog.tsx";
import { RuleText } from "./RuleText.tsx";
import { nextOf } from "./schedules.ts";
import { Status } from "./Status.tsx";

const EVENTS = ["headrace.deployment.*", "headrace.worker.*", "headrace.flow-run.*"];

const EXAMPLE = `if __name__ == "__main__":
    hello.serve(name="every-minute", cron="* * * * *")`;

/** All deployments, each with how it went of late and a button to run it. */
export function DeploymentsPage() {
  useInvalidation(EVENTS, ["deployments", "activity"]);
  const [{ text = "" }, change] = useAddress();
  const [asked, setAsked] = useState<Deployment>();
  const list = usePaged(
    "ListDeployments",
    "deployments",
    { filter: { name_contains: text }, sort: "DEPLOYMENT_SORT_NAME_ASC" },
    (page) => page.deployments,
  );
  const activity = useActivity({ deploymentIds: list.rows.map((deployment) => deployment.deployment_id) });
  const columns = useMemo(() => makeColumns(activity, setAsked), [activity]);
  return (
    <>
      <div className="page-head">
        <h1>Deployments</h1>
        <SearchField label="Search deployments" value={text} onChange={(next) => change({ text: next })} />
      </div>
      {list.isPending && list.error === null && <Loading what="deployments" />}
      {list.error !== null && <Fault error={list.error} onRetry={list.refetch} />}
      {list.rows.length > 0 && (
        <DataTable label="Deployments" columns={columns} rows={list.rows} rowKey={(row) => row.deployment_id} />
      )}
      <More list={list} />
      {!list.isPending && list.rows.length === 0 && list.error === null && (text === "" ? <None /> : <NoneFound />)}
      {asked !== undefined && (
        <RunDialog key={asked.deployment_id} deployment={asked} onClose={() => setAsked(undefined)} />
      )}
    </>
  );
}

function makeColumns(
  activity: Map<string, LastFlowRuns>,
  onRun: (deployment: Deployment) => void,
): Column<Deployment>[] {
  return [
    {
      id: "name",
      header: "Deployment",
      cell: ({ row: { original: deployment } }) => (
        <Link to="/deployments/$deploymentId" params={{ deploymentId: deployment.deployment_id }} className="run-link">
          <span className="run-name">{deployment.name}</span>
          <span className="quiet">{deployment.flow_name}</span>
        </Link>
      ),
    },
    {
      id: "status",
      header: "Status",
      cell: ({ row: { original: deployment } }) => <Status deployment={deployment} />,
    },
    {
      id: "activity",
      header: "Last runs",
      cell: ({ row: { original: deployment } }) => <ActivityBars activity={activity.get(deployment.deployment_id)} />,
    },
    {
      id: "schedule",
      header: "Schedule",
      cell: ({ row: { original: deployment } }) => <Schedules deployment={deployment} />,
    },
    {
      id: "next",
      header: "Next run",
      cell: ({ row: { original: deployment } }) =>
        deployment.paused ? <span className="quiet">paused</span> : <Moment at={nextOf(deployment.schedules)} />,
    },
    {
      id: "pool",
      header: "Work pool",
      cell: ({ row: { original: deployment } }) => {
        const pool = deployment.content?.work_pool_name ?? "";
        return pool === "" ? (
          <span className="quiet">served</span>
        ) : (
          <Link to="/work-pools/$workPoolName" params={{ workPoolName: pool }}>
            {pool}
          </Link>
        );
      },
    },
    {
      id: "actions",
      header: () => <span className="hidden">What to do</span>,
      cell: ({ row: { original: deployment } }) => (
        <span className="actions">
          {deployment.schedules.length > 0 && <PauseButton deployment={deployment} />}
          <button
            type="button"
            className="button"
            aria-label={`Run ${deployment.name}`}
            onClick={() => onRun(deployment)}
          >
            <Icon name="play" />
            Run
          </button>
        </span>
      ),
    },
  ];
}

function Schedules({ deployment }: { deployment: Deployment }) {
  if (deployment.schedules.length === 0) return <span className="quiet none">–</span>;
  return deployment.schedules.map((schedule) => (
    <div key={schedule.schedule_id} className={schedule.active ? undefined : "quiet"}>
      <RuleText schedule={schedule} />
      {!schedule.active && " off"}
    </div>
  ));
}

function PauseButton({ deployment }: { deployment: Deployment }) {
  const queries = useQueryClient();
  const { mutate, isPending } = useMutation({
    mutationFn: () =>
      call(deployment.paused ? "ResumeDeployment" : "PauseDeployment", { deployment_id: deployment.deployment_id }),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["deployments"] }),
    onError: (error) => tellFault("The schedules could not be changed", error),
  });
  return (
    <button
      type="button"
      className="button"
      disabled={isPending}
      aria-label={`${deployment.paused ? "Resume" : "Pause"} the schedules of ${deployment.name}`}
      onClick={() => mutate()}
    >
      {deployment.paused ? "Resume" : "Pause"}
    </button>
  );
}

function None() {
  return (
    <Empty title="No deployments yet" code={EXAMPLE}>
      <p>A deployment makes a flow runnable from here and by schedule. Put this at the end of a flow&rsquo;s file and start it:</p>
    </Empty>
  );
}

function NoneFound() {
  return (
    <Empty title="No deployment has these words">
      <p>
        <Link to="/deployments">Show all deployments</Link>
      </p>
    </Empty>
  );
}
