// Workers as tables show them.

import { Link } from "@tanstack/react-router";
import type { Worker, WorkerStatus } from "../api/contract.gen.ts";
import type { Column } from "../parts/DataTable.tsx";
import { Moment } from "../parts/Moment.tsx";
import { Mark } from "../parts/PageHead.tsx";

export const WORKER_LOOKS: Record<WorkerStatus, { look: string; label: string }> = {
  WORKER_STATUS_UNSPECIFIED: { look: "unknown", label: "Unknown" },
  WORKER_STATUS_ONLINE: { look: "completed", label: "Online" },
  WORKER_STATUS_DRAINING: { look: "cancelling", label: "Draining" },
  WORKER_STATUS_OFFLINE: { look: "cancelled", label: "Offline" },
  WORKER_STATUS_PAUSED: { look: "paused", label: "Paused" },
};

export const WORKER_COLUMNS: Column<Worker>[] = [
  {
    id: "name",
    header: "Worker",
    cell: ({ row: { original: worker } }) => (
      <Link to="/workers/$workerId" params={{ workerId: worker.worker_id }} className="run-link">
        <span className="run-name">{worker.name}</span>
        <span className="quiet">{worker.host}</span>
      </Link>
    ),
  },
  { id: "status", header: "Status", cell: ({ row: { original: worker } }) => <Mark {...WORKER_LOOKS[worker.status]} /> },
  {
    id: "pool",
    header: "Work pool",
    cell: ({ row: { original: worker } }) =>
      worker.work_pool_name === "" ? (
        <span className="quiet">serves</span>
      ) : (
        <Link to="/work-pools/$workPoolName" params={{ workPoolName: worker.work_pool_name }}>
          {worker.work_pool_name}
        </Link>
      ),
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
