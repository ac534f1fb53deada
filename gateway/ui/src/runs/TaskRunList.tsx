import { useQueryClient } from "@tanstack/react-query";
import { useMemo } from "react";
import { useAddress } from "../api/address.ts";
import { usePaged } from "../api/paged.ts";
import { useInvalidation } from "../api/watch.ts";
import { DataTable } from "../parts/DataTable.tsx";
import { FilterBar } from "../parts/FilterBar.tsx";
import { More } from "../parts/More.tsx";
import { Empty, Fault, Loading } from "../parts/Notice.tsx";
import { TASK_RUN_COLUMNS } from "./columns.tsx";
import { TASK_RUN_FIELDS, TASK_RUN_ORDERS, taskRunFilter } from "./fields.ts";

const SORTABLE = ["name", "started", "duration"];
const LOOKS = new Set(["kind", "order", "span"]);

/** Task runs of all flow runs, newest first; events of tasks bring it up to date. */
export function TaskRunList() {
  const [search, change] = useAddress();
  const queries = useQueryClient();
  useInvalidation(["headrace.task-run.*"], ["task-runs"]);
  const key = JSON.stringify(Object.entries(search).filter(([name]) => !LOOKS.has(name)).sort());
  const filter = useMemo(() => taskRunFilter(Object.fromEntries(JSON.parse(key) as [string, string][])), [key]);
  const list = usePaged("ListTaskRuns", "task-runs", { filter, sort: TASK_RUN_ORDERS[search.order ?? ""] }, (page) => page.task_runs);
  return (
    <>
      <FilterBar fields={TASK_RUN_FIELDS} searchLabel="Find task runs by name or message" />
      {list.error !== null && (
        <Fault error={list.error} onRetry={() => void queries.invalidateQueries({ queryKey: ["task-runs"] })} />
      )}
      {list.isPending && list.error === null && <Loading what="task runs" />}
      {list.rows.length > 0 && (
        <DataTable
          label="Task runs"
          columns={TASK_RUN_COLUMNS}
          rows={list.rows}
          rowKey={(task) => task.task_run_id}
          sortable={SORTABLE}
          order={search.order ?? ""}
          onOrder={(order) => change({ order: order === "duration" ? "-duration" : order })}
        />
      )}
      <More list={list} />
      {!list.isPending && list.error === null && list.rows.length === 0 && (
        <Empty title="No task run fits">
          <p>Calls of functions with @task show up here.</p>
        </Empty>
      )}
    </>
  );
}
