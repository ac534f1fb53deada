import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { call } from "../api/client.ts";
import type { Deployment } from "../api/contract.gen.ts";
import { useInvalidation } from "../api/watch.ts";
import { DataTable, type Column } from "../parts/DataTable.tsx";
import { Icon } from "../parts/Icon.tsx";
import { Moment } from "../parts/Moment.tsx";
import { Empty, Fault, Loading } from "../parts/Notice.tsx";
import { tellFault } from "../parts/toasts.ts";
import { RunDialog } from "./RunDialog.tsx";
import { nextOf, ruleText } from "./schedules.ts";

const PAGE_SIZE = 100;
const EVENTS = ["headrace.deployment.*", "headrace.worker.*"];

/** All deployments, each with a button to run it. */
export function DeploymentsPage() {
  useInvalidation(EVENTS, ["deployments"]);
  const [asked, setAsked] = useState<Deployment>();
  const { data, error, isPending, hasNextPage, fetchNextPage, isFetchingNextPage, refetch } = useInfiniteQuery({
    queryKey: ["deployments"],
    queryFn: ({ pageParam, signal }) =>
      call("ListDeployments", { page_size: PAGE_SIZE, page_token: pageParam, sort: "DEPLOYMENT_SORT_NAME_ASC" }, signal),
    initialPageParam: "",
    getNextPageParam: (page) => (page.next_page_token === "" ? undefined : page.next_page_token),
  });
  const columns = useMemo(() => makeColumns(setAsked), []);
  const rows = useMemo(() => data?.pages.flatMap((page) => page.deployments) ?? [], [data]);
  return (
    <>
      <div className="page-head">
        <h1>Deployments</h1>
      </div>
      {isPending && <Loading what="deployments" />}
      {error !== null && <Fault error={error} onRetry={() => void refetch()} />}
      {rows.length > 0 && (
        <DataTable label="Deployments" columns={columns} rows={rows} rowKey={(row) => row.deployment_id} />
      )}
      {hasNextPage && (
        <button
          type="button"
          className="button more"
          disabled={isFetchingNextPage}
          onClick={() => void fetchNextPage()}
        >
          Show more
        </button>
      )}
      {!isPending && rows.length === 0 && error === null && <None />}
      {asked !== undefined && (
        <RunDialog key={asked.deployment_id} deployment={asked} onClose={() => setAsked(undefined)} />
      )}
    </>
  );
}

function makeColumns(onRun: (deployment: Deployment) => void): Column<Deployment>[] {
  return [
    {
      id: "name",
      header: "Deployment",
      cell: ({ row: { original: deployment } }) => (
        <Link to="/runs" search={{ deployment: deployment.deployment_id }} className="run-link">
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
        return pool === "" ? <span className="quiet">served</span> : pool;
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

function Status({ deployment }: { deployment: Deployment }) {
  const isReady = deployment.status === "DEPLOYMENT_STATUS_READY";
  const text = isReady ? "Ready" : "No worker";
  return (
    <span
      className={`state ${isReady ? "state-completed" : "state-scheduled"}`}
      title={isReady ? "A worker is online for it" : "Runs wait until a worker or serving process comes online"}
    >
      <span className="state-mark" aria-hidden="true" />
      {text}
    </span>
  );
}

function Schedules({ deployment }: { deployment: Deployment }) {
  if (deployment.schedules.length === 0) return <span className="quiet none">–</span>;
  return deployment.schedules.map((schedule) => (
    <div key={schedule.schedule_id} className={schedule.active ? undefined : "quiet"}>
      <code>{ruleText(schedule)}</code>
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

const EXAMPLE = `if __name__ == "__main__":
    hello.serve(name="every-minute", cron="* * * * *")`;

function None() {
  return (
    <Empty title="No deployments yet">
      <p>A deployment makes a flow runnable from here and by schedule. Put this at the end of a flow&rsquo;s file and start it:</p>
      <pre className="code">{EXAMPLE}</pre>
    </Empty>
  );
}
