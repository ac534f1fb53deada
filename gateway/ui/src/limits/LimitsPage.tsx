import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useAddress } from "../api/address.ts";
import type { ConcurrencyLimit } from "../api/contract.gen.ts";
import { usePaged } from "../api/paged.ts";
import { useInvalidation } from "../api/watch.ts";
import { DataTable, type Column } from "../parts/DataTable.tsx";
import { Icon } from "../parts/Icon.tsx";
import { Moment } from "../parts/Moment.tsx";
import { More } from "../parts/More.tsx";
import { Empty, Fault, Loading } from "../parts/Notice.tsx";
import { Mark } from "../parts/PageHead.tsx";
import { SearchField } from "../parts/SearchField.tsx";
import { Slots } from "../pools/Slots.tsx";
import { LimitDialog } from "./LimitDialog.tsx";
import { useLimited } from "./names.ts";

const EVENTS = ["headrace.flow-run.*", "headrace.task-run.*"];

const COLUMNS: Column<ConcurrencyLimit>[] = [
  {
    id: "name",
    header: "Limit",
    cell: ({ row: { original: limit } }) => <LimitLink name={limit.name} />,
  },
  {
    id: "slots",
    header: "Slots in use",
    cell: ({ row: { original: limit } }) => <Slots used={limit.active_slots} limit={limit.limit} />,
  },
  {
    id: "rate",
    header: "Rate",
    cell: ({ row: { original: limit } }) =>
      Number(limit.slot_decay_per_second) > 0 ? `${Number(limit.slot_decay_per_second)} a second` : <span className="quiet none">–</span>,
  },
  {
    id: "active",
    header: "Status",
    cell: ({ row: { original: limit } }) =>
      limit.active ? <Mark look="completed" label="On" /> : <Mark look="paused" label="Off" title="It holds nothing back" />,
  },
  { id: "changed", header: "Changed", cell: ({ row: { original: limit } }) => <Moment at={limit.updated_at} /> },
];

function LimitLink({ name }: { name: string }) {
  const { label, whom } = useLimited(name);
  return (
    <Link to="/limits/$name" params={{ name }} className="run-link" title={label === name ? undefined : name}>
      <span className="run-name">{label}</span>
      <span className="quiet">{`for ${whom}`}</span>
    </Link>
  );
}

/** How many run at once, and who runs. */
export function LimitsPage() {
  useInvalidation(EVENTS, ["limits"]);
  const [{ text = "" }, change] = useAddress();
  const [isMaking, setMaking] = useState(false);
  const list = usePaged("ListConcurrencyLimits", "limits", { name_contains: text }, (page) => page.limits);
  return (
    <>
      <div className="page-head">
        <h1>Limits</h1>
        <SearchField label="Search limits" value={text} onChange={(next) => change({ text: next })} />
        <button type="button" className="button button-main" onClick={() => setMaking(true)}>
          <Icon name="plus" />
          New limit
        </button>
      </div>
      {list.isPending && list.error === null && <Loading what="limits" />}
      {list.error !== null && <Fault error={list.error} onRetry={list.refetch} />}
      {list.rows.length > 0 && <DataTable label="Limits" columns={COLUMNS} rows={list.rows} rowKey={(limit) => limit.name} />}
      <More list={list} />
      {!list.isPending && list.rows.length === 0 && list.error === null && (
        text === "" ? (
          <Empty title="No limits yet" code={'with concurrency("database"):\n    ...\n\n@task(tags=["gpu"])  # and a limit with the name tag:gpu'}>
            <p>A limit says how many run at once. Set one here, and ask for its slots in code:</p>
          </Empty>
        ) : (
          <Empty title="No limit is called so">
            <p>
              <Link to="/limits">Show all limits</Link>
            </p>
          </Empty>
        )
      )}
      {isMaking && <LimitDialog limit={undefined} onClose={() => setMaking(false)} />}
    </>
  );
}
