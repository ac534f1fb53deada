import { useMemo, useState } from "react";
import type { FlowRunFilter, Input } from "../api/contract.gen.ts";
import { DataTable } from "../parts/DataTable.tsx";
import { More } from "../parts/More.tsx";
import { Empty, Fault, Loading } from "../parts/Notice.tsx";
import { FLOW_RUN_COLUMNS } from "./columns.tsx";
import { FLOW_RUN_ORDERS } from "./fields.ts";
import { useRuns } from "./useRuns.ts";

const SORTABLE = ["name", "started", "duration"];

interface RunListProps {
  filter: Input<FlowRunFilter>;
  /** What to say where there is none. */
  none?: string;
}

/** The flow runs of something, newest first, live. */
export function RunList({ filter, none = "No run yet" }: RunListProps) {
  const [order, setOrder] = useState("");
  const key = JSON.stringify(filter);
  const stable = useMemo(() => JSON.parse(key) as Input<FlowRunFilter>, [key]);
  const list = useRuns(stable, FLOW_RUN_ORDERS[order]);
  if (list.error !== null && list.runs.length === 0) return <Fault error={list.error} onRetry={list.refetch} />;
  if (list.isLoading) return <Loading what="runs" />;
  if (list.runs.length === 0) return <Empty title={none} />;
  return (
    <>
      <DataTable
        label="Flow runs"
        columns={FLOW_RUN_COLUMNS}
        rows={list.runs}
        rowKey={(run) => run.flow_run_id}
        sortable={SORTABLE}
        order={order}
        onOrder={(next) => setOrder(next === "duration" ? "-duration" : next)}
      />
      <More list={list} />
    </>
  );
}
