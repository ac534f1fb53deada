import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { call } from "../api/client.ts";
import type { WorkPool, Worker, WorkerStatus } from "../api/contract.gen.ts";
import { useInvalidation } from "../api/watch.ts";
import { DataTable, type Column } from "../parts/DataTable.tsx";
import { Moment } from "../parts/Moment.tsx";
import { Empty, Fault, Loading } from "../parts/Notice.tsx";

const MOST = 200;
const EVENTS = ["headrace.work-pool.*", "headrace.work-queue.*", "headrace.worker.*"];
const STATUS: Record<WorkerStatus, { look: string; label: string }> = {
  WORKER_STATUS_UNSPECIFIED: { look: "unknown", label: "Unknown" },
  WORKER_STATUS_ONLINE: { look: "completed", label: "Online" },
  WORKER_STATUS_DRAINING: { look: "cancelling", label: "Draining" },
  WORKER_STATUS_OFFLINE: { look: "cancelled", label: "Offline" },
};
const NO_POOLS: WorkPool[] = [];
const NO_WORKERS: Worker[] = [];

const POOL_COLUMNS: Column<WorkPool>[] = [
  {
    id: "name",
    header: "Work pool",
    cell: ({ row: { original: pool } }) => (
      <span className="run-link">
        <span className="run-name">{pool.name}</span>
        <span className="quiet">{pool.description}</span>
      </span>
    ),
  },
  { id: "type", header: "Type", cell: ({ row: { original: pool } }) => pool.type },
  {
    id: "status",
    header: "Status",
    cell: ({ row: { original: pool } }) => {
      if (pool.paused) return <Mark look="paused" label="Paused" />;
      return pool.status === "WORK_POOL_STATUS_READY" ? (
        <Mark look="completed" label="Ready" />
      ) : (
        <Mark look="scheduled" label="No worker" />
      );
    },
  },
  {
    id: "slots",
    header: "Runs at once",
    cell: ({ row: { original: pool } }) => (
      <span className="number">
        {pool.concurrency_limit === undefined
          ? `${pool.active_slots}, no limit`
          : `${pool.active_slots} of ${pool.concurrency_limit}`}
      </span>
    ),
  },
];

const WORKER_COLUMNS: Column<Worker>[] = [
  {
    id: "name",
    header: "Worker",
    cell: ({ row: { original: worker } }) => (
      <span className="run-link">
        <span className="run-name">{worker.name}</span>
        <span className="quiet">{worker.host}</span>
      </span>
    ),
  },
  {
    id: "status",
    header: "Status",
    cell: ({ row: { original: worker } }) => {
      const { look, label } = STATUS[worker.status];
      return <Mark look={look} label={label} />;
    },
  },
  {
    id: "pool",
    header: "Work pool",
    cell: ({ row: { original: worker } }) =>
      worker.work_pool_name === "" ? <span className="quiet">serves</span> : worker.work_pool_name,
  },
  {
    id: "runs",
    header: "Runs now",
    cell: ({ row: { original: worker } }) => (
      <span className="number">{`${worker.flow_run_ids.length} of ${worker.capacity}`}</span>
    ),
  },
  {
    id: "heartbeat",
    header: "Last heard of",
    // One that is online says so all the time; that would be outdated as soon as it is shown.
    cell: ({ row: { original: worker } }) =>
      worker.status === "WORKER_STATUS_ONLINE" ? "now" : <Moment at={worker.last_heartbeat_at} />,
  },
  { id: "version", header: "Version", cell: ({ row: { original: worker } }) => worker.client_version },
];

function Mark({ look, label }: { look: string; label: string }) {
  return (
    <span className={`state state-${look}`}>
      <span className="state-mark" aria-hidden="true" />
      {label}
    </span>
  );
}

/** Where runs wait, and who takes them. */
export function PoolsPage() {
  useInvalidation(EVENTS, ["work-pools", "workers"]);
  const pools = useQuery({
    queryKey: ["work-pools"],
    queryFn: ({ signal }) => call("ListWorkPools", { page_size: MOST }, signal),
  });
  const workers = useQuery({
    queryKey: ["workers"],
    queryFn: ({ signal }) => call("ListWorkers", { page_size: MOST }, signal),
  });
  const poolRows = pools.data?.work_pools ?? NO_POOLS;
  const workerRows = workers.data?.workers ?? NO_WORKERS;
  const error = pools.error ?? workers.error;
  return (
    <>
      <div className="page-head">
        <h1>Work pools</h1>
      </div>
      {error !== null && <Fault error={error} onRetry={() => void Promise.all([pools.refetch(), workers.refetch()])} />}
      {pools.isPending && error === null && <Loading what="work pools" />}
      {poolRows.length > 0 && (
        <DataTable label="Work pools" columns={POOL_COLUMNS} rows={poolRows} rowKey={(pool) => pool.work_pool_id} />
      )}
      {pools.isSuccess && poolRows.length === 0 && (
        <Empty title="No work pools yet">
          <p>
            A worker makes its pool when it starts. Flows that are served need none: see{" "}
            <Link to="/deployments">deployments</Link>.
          </p>
          <pre className="code">headrace worker start --pool my-pool</pre>
        </Empty>
      )}
      <h2 className="section-title">Workers</h2>
      {workerRows.length > 0 && (
        <DataTable label="Workers" columns={WORKER_COLUMNS} rows={workerRows} rowKey={(worker) => worker.worker_id} />
      )}
      {workers.isSuccess && workerRows.length === 0 && <p className="quiet">No worker has come yet.</p>}
    </>
  );
}
