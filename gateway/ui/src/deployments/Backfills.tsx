import { Link } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import type { Backfill, BackfillProgress, Deployment } from "../api/contract.gen.ts";
import { usePaged } from "../api/paged.ts";
import { DataTable, type Column } from "../parts/DataTable.tsx";
import { Icon } from "../parts/Icon.tsx";
import { Moment } from "../parts/Moment.tsx";
import { More } from "../parts/More.tsx";
import { Empty, Fault, Loading } from "../parts/Notice.tsx";
import { Mark } from "../parts/PageHead.tsx";
import { BackfillDialog } from "./BackfillDialog.tsx";
import { BACKFILL_LOOKS } from "./words.ts";

const PARTS = ["completed", "failed", "crashed", "cancelled", "active"] as const;

const COLUMNS: Column<Backfill>[] = [
  {
    id: "name",
    header: "Backfill",
    cell: ({ row: { original: backfill } }) => (
      <Link to="/backfills/$backfillId" params={{ backfillId: backfill.backfill_id }} className="run-link">
        <span className="run-name">{backfill.name === "" ? "Backfill" : backfill.name}</span>
        <span className="quiet">{backfill.message}</span>
      </Link>
    ),
  },
  {
    id: "status",
    header: "Status",
    cell: ({ row: { original: backfill } }) => <Mark {...BACKFILL_LOOKS[backfill.status]} />,
  },
  {
    id: "progress",
    header: "Progress",
    cell: ({ row: { original: backfill } }) => <ProgressBar progress={backfill.progress} />,
  },
  { id: "created", header: "Made", cell: ({ row: { original: backfill } }) => <Moment at={backfill.created_at} /> },
  { id: "ended", header: "Over", cell: ({ row: { original: backfill } }) => <Moment at={backfill.ended_at} /> },
];

/** How far a backfill is: a part of the bar for each way that its runs ended. */
export function ProgressBar({ progress }: { progress: BackfillProgress | undefined }) {
  if (progress === undefined || progress.total === 0) return <span className="quiet none">–</span>;
  const { total } = progress;
  const over = total - progress.waiting - progress.active;
  const told = PARTS.filter((part) => progress[part] > 0).map((part) => `${progress[part]} ${part}`);
  return (
    <span className="portion">
      <span className="portion-bar" role="img" aria-label={`${told.join(", ") || "none"} of ${total}`} title={told.join(", ")}>
        {PARTS.map((part) => (
          <span
            key={part}
            className={`state-${part === "active" ? "running" : part}`}
            style={{ width: `${(100 * progress[part]) / total}%` }}
          />
        ))}
      </span>
      <span className="number quiet">{`${over} of ${total}`}</span>
    </span>
  );
}

/** What was made up for. */
export function Backfills({ deployment }: { deployment: Deployment }) {
  const [isAsking, setAsking] = useState(false);
  const request = useMemo(() => ({ deployment_id: deployment.deployment_id }), [deployment.deployment_id]);
  const list = usePaged("ListBackfills", "backfills", request, (page) => page.backfills);
  return (
    <>
      <div className="panel-head">
        <button type="button" className="button" onClick={() => setAsking(true)}>
          <Icon name="plus" />
          New backfill
        </button>
      </div>
      {list.error !== null && <Fault error={list.error} onRetry={list.refetch} />}
      {list.isPending && list.error === null && <Loading what="backfills" />}
      {list.rows.length > 0 && (
        <DataTable label="Backfills" columns={COLUMNS} rows={list.rows} rowKey={(backfill) => backfill.backfill_id} />
      )}
      <More list={list} />
      {!list.isPending && list.rows.length === 0 && list.error === null && (
        <Empty
          title="No backfills"
          code={`headrace backfill create ${deployment.flow_name}/${deployment.name} \\\n    --from 2026-10-01 --until 2026-11-01`}
        >
          <p>A backfill makes the runs that a schedule would have made in the past, or a run for each of many parameters.</p>
        </Empty>
      )}
      {isAsking && <BackfillDialog deployment={deployment} onClose={() => setAsking(false)} />}
    </>
  );
}
