import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, getRouteApi, useNavigate } from "@tanstack/react-router";
import { Suspense, lazy, useMemo, useState } from "react";
import { ActivityBars } from "../activity/ActivityBars.tsx";
import { RecentRuns } from "../activity/RecentRuns.tsx";
import { useActivity } from "../activity/useActivity.ts";
import { CallError, call } from "../api/client.ts";
import type { Deployment } from "../api/contract.gen.ts";
import { useInvalidation } from "../api/watch.ts";
import { nextOf } from "../deployments/schedules.ts";
import { Status } from "../deployments/Status.tsx";
import { ConfirmDialog } from "../parts/ConfirmDialog.tsx";
import { DataTable, type Column } from "../parts/DataTable.tsx";
import { Moment } from "../parts/Moment.tsx";
import { Empty, Fault, Loading } from "../parts/Notice.tsx";
import { Facts, PageHead, Tags } from "../parts/PageHead.tsx";
import { tell } from "../parts/toasts.ts";
import { RecentTasks } from "../runs/RecentTasks.tsx";

const Markdown = lazy(() => import("../run/Markdown.tsx"));
const route = getRouteApi("/flows/$flowId");
const EVENTS = ["headrace.flow-run.*", "headrace.deployment.*", "headrace.worker.*"];
const MOST = 200;
const NO_DEPLOYMENTS: Deployment[] = [];

const COLUMNS: Column<Deployment>[] = [
  {
    id: "name",
    header: "Deployment",
    cell: ({ row: { original: deployment } }) => (
      <Link to="/deployments/$deploymentId" params={{ deploymentId: deployment.deployment_id }} className="run-link">
        <span className="run-name">{deployment.name}</span>
      </Link>
    ),
  },
  { id: "status", header: "Status", cell: ({ row: { original: deployment } }) => <Status deployment={deployment} /> },
  {
    id: "next",
    header: "Next run",
    cell: ({ row: { original: deployment } }) =>
      deployment.paused ? <span className="quiet">paused</span> : <Moment at={nextOf(deployment.schedules)} />,
  },
];

/** One flow: how it goes, and what makes it run. */
export function FlowPage() {
  const { flowId } = route.useParams();
  useInvalidation(EVENTS, ["flows", "activity", "deployments"]);
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["flows", flowId],
    queryFn: ({ signal }) => call("GetFlow", { flow_id: flowId }, signal),
  });
  const deployments = useQuery({
    queryKey: ["deployments", "of-flow", flowId],
    queryFn: ({ signal }) => call("ListDeployments", { filter: { flow_ids: [flowId] }, page_size: MOST }, signal),
  });
  const activity = useActivity({ flowIds: useMemo(() => [flowId], [flowId]) });
  const [isDeleting, setDeleting] = useState(false);
  const navigate = useNavigate();
  const queries = useQueryClient();

  if (error instanceof CallError && error.status === 404)
    return (
      <Empty title="There is no such flow">
        <p>
          It may have been deleted. <Link to="/flows">Show all flows</Link>
        </p>
      </Empty>
    );
  if (error !== null) return <Fault error={error} onRetry={() => void refetch()} />;
  if (isPending || data.flow === undefined) return <Loading what="the flow" />;
  const flow = data.flow;
  const rows = deployments.data?.deployments ?? NO_DEPLOYMENTS;
  return (
    <>
      <PageHead
        title={flow.name}
        from={{ to: "/flows", label: "Flows" }}
        actions={
          <>
            <Link to="/runs" search={{ flow: flow.name }} className="button">
              All its runs
            </Link>
            <button type="button" className="button" onClick={() => setDeleting(true)}>
              Delete
            </button>
          </>
        }
      />
      <Facts
        facts={{
          "Last runs": <ActivityBars activity={activity.get(flowId)} />,
          "Next run": <Moment at={activity.get(flowId)?.next?.at} />,
          "First seen": <Moment at={flow.created_at} />,
          Tags: flow.tags.length > 0 ? <Tags tags={flow.tags} /> : undefined,
        }}
      />
      {flow.description !== "" && (
        <Suspense fallback={<Loading what="the description" />}>
          <Markdown source={flow.description} />
        </Suspense>
      )}
      <h2 className="section-title">Deployments</h2>
      {rows.length > 0 ? (
        <DataTable label="Deployments" columns={COLUMNS} rows={rows} rowKey={(deployment) => deployment.deployment_id} />
      ) : (
        deployments.isSuccess && (
          <Empty
            title="No deployment makes it run"
            code={`from headrace import flow  # in the file of ${flow.name}\n\n${flow.name.replaceAll("-", "_")}.serve(name="every-hour", interval=3600)`}
          >
            <p>Serve it, and it runs by schedule and from here:</p>
          </Empty>
        )
      )}
      <h2 className="section-title">Newest runs</h2>
      <RecentRuns label="Newest runs" filter={{ flow_ids: [flowId] }} none="It has not run yet." />
      <h2 className="section-title">Newest task runs</h2>
      <RecentTasks of={{ flow_ids: [flowId] }} none="Its runs called no tasks yet." />
      <ConfirmDialog
        title={`Delete ${flow.name}?`}
        action="Delete the flow"
        typedName={flow.name}
        isOpen={isDeleting}
        onClose={() => setDeleting(false)}
        onConfirm={async () => {
          await call("DeleteFlow", { flow_id: flowId });
          tell(`${flow.name} was deleted`);
          await navigate({ to: "/flows" });
          await queries.invalidateQueries({ queryKey: ["flows"] });
        }}
      >
        <p>The flow goes with all its runs, their logs and their artifacts. This cannot be undone. A flow that has deployments stays.</p>
      </ConfirmDialog>
    </>
  );
}
