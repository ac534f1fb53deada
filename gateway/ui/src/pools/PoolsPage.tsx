import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { call } from "../api/client.ts";
import type { WorkPool, Worker } from "../api/contract.gen.ts";
import { usePaged } from "../api/paged.ts";
import { secondsOf, spanText } from "../api/times.ts";
import { useInvalidation } from "../api/watch.ts";
import { DataTable, type Column } from "../parts/DataTable.tsx";
import { Icon } from "../parts/Icon.tsx";
import { More } from "../parts/More.tsx";
import { Empty, Fault, Loading } from "../parts/Notice.tsx";
import { Mark } from "../parts/PageHead.tsx";
import { PoolDialog } from "./PoolDialog.tsx";
import { PoolStatus, Slots } from "./Slots.tsx";
import { WORKER_COLUMNS } from "./workers.tsx";

const EVENTS = ["headrace.work-pool.*", "headrace.work-queue.*", "headrace.worker.*", "headrace.flow-run.*"];
const KEYS = ["work-pools", "workers", "lateness"];

/** Where runs wait, and who takes them. */
export function PoolsPage() {
  useInvalidation(EVENTS, KEYS);
  const [isMaking, setMaking] = useState(false);
  const pools = usePaged("ListWorkPools", "work-pools", {}, (page) => page.work_pools);
  const workers = usePaged("ListWorkers", "workers", {}, (page) => page.workers);
  const columns = useMemo(() => makeColumns(workers.rows), [workers.rows]);
  const error = pools.error ?? workers.error;
  return (
    <>
      <div className="page-head">
        <h1>Work pools</h1>
        <span className="actions">
          <button type="button" className="button button-main" onClick={() => setMaking(true)}>
            <Icon name="plus" />
            New pool
          </button>
        </span>
      </div>
      {error !== null && <Fault error={error} onRetry={() => [pools, workers].forEach((list) => list.refetch())} />}
      {pools.isPending && error === null && <Loading what="work pools" />}
      {pools.rows.length > 0 && (
        <DataTable label="Work pools" columns={columns} rows={pools.rows} rowKey={(pool) => pool.work_pool_id} />
      )}
      <More list={pools} />
      {!pools.isPending && pools.rows.length === 0 && error === null && (
        <Empty title="No work pools yet" code="headrace worker start --pool my-pool">
          <p>
            A worker makes its pool when it starts. Flows that are served need none: see{" "}
            <Link to="/deployments">deployments</Link>.
          </p>
        </Empty>
      )}
      <h2 className="section-title">Workers</h2>
      {workers.rows.length > 0 && (
        <DataTable label="Workers" columns={WORKER_COLUMNS} rows={workers.rows} rowKey={(worker) => worker.worker_id} />
      )}
      <More list={workers} />
      {!workers.isPending && workers.rows.length === 0 && <p className="quiet">No worker has come yet.</p>}
      {isMaking && <PoolDialog pool={undefined} onClose={() => setMaking(false)} />}
    </>
  );
}

function makeColumns(workers: Worker[]): Column<WorkPool>[] {
  const online = new Map<string, number>();
  for (const worker of workers)
    if (worker.status === "WORKER_STATUS_ONLINE")
      online.set(worker.work_pool_name, (online.get(worker.work_pool_name) ?? 0) + 1);
  return [
    {
      id: "name",
      header: "Work pool",
      cell: ({ row: { original: pool } }) => (
        <Link to="/work-pools/$workPoolName" params={{ workPoolName: pool.name }} className="run-link">
          <span className="run-name">{pool.name}</span>
          <span className="quiet">{pool.description}</span>
        </Link>
      ),
    },
    { id: "type", header: "Type", cell: ({ row: { original: pool } }) => pool.type },
    { id: "status", header: "Status", cell: ({ row: { original: pool } }) => <PoolStatus of={pool} /> },
    {
      id: "slots",
      header: "Runs at once",
      cell: ({ row: { original: pool } }) => <Slots used={pool.active_slots} limit={pool.concurrency_limit} />,
    },
    {
      id: "workers",
      header: "Workers",
      cell: ({ row: { original: pool } }) => <span className="number">{online.get(pool.name) ?? 0}</span>,
    },
    { id: "late", header: "Late now", cell: ({ row: { original: pool } }) => <Late pool={pool.name} /> },
  ];
}

/** How many runs of a pool are due and have not started, and for how long. */
function Late({ pool }: { pool: string }) {
  const { data } = useQuery({
    queryKey: ["lateness", pool],
    queryFn: ({ signal }) => call("GetFlowRunLateness", { filter: { work_pool_names: [pool] } }, signal),
  });
  const waiting = Number(data?.waiting_count ?? 0);
  if (waiting === 0) return <span className="quiet">none</span>;
  return <Mark look="scheduled" label={`${waiting}, up to ${spanText(secondsOf(data?.longest_waiting) ?? 0)}`} />;
}

