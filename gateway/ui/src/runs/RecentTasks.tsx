import { useMemo } from "react";
import type { Input, TaskRunFilter } from "../api/contract.gen.ts";
import { useAddress } from "../api/address.ts";
import { usePaged } from "../api/paged.ts";
import { useInvalidation } from "../api/watch.ts";
import { DataTable } from "../parts/DataTable.tsx";
import { Listing } from "../parts/Listing.tsx";
import { TASK_RUN_COLUMNS } from "./columns.tsx";

const EVENTS = ["headrace.task-run.*"];
const SHOWN = 25;
const STATES = [
  { value: "", label: "All" },
  { value: "failed", label: "Failed" },
  { value: "running", label: "Running" },
] as const;

/** The newest task runs of something; which states is the word `tasks` of the address. */
export function RecentTasks({ of, none }: { of: Input<TaskRunFilter>; none: string }) {
  const [{ tasks = "" }, change] = useAddress();
  useInvalidation(EVENTS, ["recent-tasks"]);
  const key = JSON.stringify(of);
  const filter = useMemo(() => {
    const chosen = JSON.parse(key) as Input<TaskRunFilter>;
    if (tasks === "failed") chosen.state_types = ["STATE_TYPE_FAILED", "STATE_TYPE_CRASHED"];
    if (tasks === "running") chosen.state_types = ["STATE_TYPE_RUNNING"];
    return chosen;
  }, [key, tasks]);
  const list = usePaged("ListTaskRuns", "recent-tasks", { filter, page_size: SHOWN }, (page) => page.task_runs);
  return (
    <>
      <div className="segments recent-states" role="group" aria-label="Which task runs">
        {STATES.map(({ value, label }) => (
          <button key={value} type="button" aria-pressed={tasks === value} onClick={() => change({ tasks: value })}>
            {label}
          </button>
        ))}
      </div>
      <Listing list={list} what="task runs" empty={<p className="quiet">{tasks === "" ? none : "None is in such a state."}</p>}>
        {(rows) => <DataTable label="Task runs" columns={TASK_RUN_COLUMNS} rows={rows} rowKey={(task) => task.task_run_id} />}
      </Listing>
    </>
  );
}
