import { Link, getRouteApi } from "@tanstack/react-router";
import { useAddress } from "../api/address.ts";
import type { FlowRun } from "../api/contract.gen.ts";
import { Empty, Fault, Loading } from "../parts/Notice.tsx";
import { Tabs } from "../parts/Tabs.tsx";
import { RunList } from "../runs/RunList.tsx";
import { Artifacts } from "./Artifacts.tsx";
import { RunCanvas } from "./graph/RunCanvas.tsx";
import { Logs } from "./Logs.tsx";
import { Notes } from "./Notes.tsx";
import { Parameters } from "./Parameters.tsx";
import { RunEvents } from "./RunEvents.tsx";
import { RunHeader } from "./RunHeader.tsx";
import { StateHistory } from "./StateHistory.tsx";
import { RUN_TABS, TAB_LABELS } from "./tabs.ts";
import { TaskPanel } from "./TaskPanel.tsx";
import { Tasks } from "./Tasks.tsx";
import { useRun } from "./useRun.ts";
import { Why } from "./Why.tsx";

const route = getRouteApi("/runs/$flowRunId");

/** One flow run. */
export function RunPage() {
  const { flowRunId } = route.useParams();
  // A page of its own for each run: nothing of one is ever shown with another.
  return <Run key={flowRunId} flowRunId={flowRunId} />;
}

function Run({ flowRunId }: { flowRunId: string }) {
  const [search, change] = useAddress();
  const { run, tasks, refused, takeRun } = useRun(flowRunId);

  if (refused !== undefined)
    return refused.status === 404 ? (
      <Empty title="There is no such run">
        <p>
          It may have been deleted. <Link to="/runs">Show all runs</Link>
        </p>
      </Empty>
    ) : (
      <Fault error={refused} onRetry={() => window.location.reload()} />
    );
  if (run === undefined) return <Loading what="the run" />;

  const tab = RUN_TABS.find((one) => one === search.tab) ?? "timeline";
  const ended = tasks.filter((task) => task.ended_at !== undefined).length;
  const chosen = search.task === undefined ? undefined : tasks.find((task) => task.task_run_id === search.task);
  const counts: Partial<Record<string, number>> = { tasks: tasks.length };
  return (
    <>
      <RunHeader run={run} onChange={takeRun} />
      <Why run={run} />
      <Tabs
        tabs={RUN_TABS.map((key) => ({ key, label: TAB_LABELS[key], count: counts[key] }))}
        value={tab}
        onChange={(next) => change({ tab: next }, true)}
      >
        {tab === "timeline" &&
          (tasks.length === 0 ? (
            <NoTasks run={run} />
          ) : (
            <div className={chosen === undefined ? undefined : "canvas-and-panel"}>
              <RunCanvas
                run={run}
                tasks={tasks}
                mode={search.view === "graph" ? "graph" : "timeline"}
                onMode={(view) => change({ view: view === "graph" ? view : undefined }, true)}
                selected={search.task}
                onSelect={(task) => change({ task })}
              />
              {chosen !== undefined && (
                <TaskPanel run={run} task={chosen} tasks={tasks} onClose={() => change({ task: undefined })} onRetried={takeRun} />
              )}
            </div>
          ))}
        {tab === "tasks" && <Tasks run={run} tasks={tasks} />}
        {tab === "logs" && <Logs run={run} tasks={tasks} />}
        {tab === "subflows" && <RunList filter={{ parent_flow_run_ids: [flowRunId] }} none="This run called no subflows" />}
        {/* Tasks make artifacts before they end: then is the time to look. */}
        {tab === "artifacts" && <Artifacts flowRunId={flowRunId} round={`${ended} ${run.state?.state_id ?? ""}`} />}
        {tab === "parameters" && <Parameters run={run} />}
        {tab === "events" && <RunEvents flowRunId={flowRunId} />}
        {tab === "states" && <StateHistory flowRunId={flowRunId} latest={run.state?.state_id ?? ""} />}
        {tab === "notes" && <Notes flowRunId={flowRunId} />}
      </Tabs>
    </>
  );
}

const EXAMPLE = `@task
def measure(day: int) -> int:
    return day * day

@flow
def my_flow():
    measure.map(range(10)).wait()`;

function NoTasks({ run }: { run: FlowRun }) {
  if (run.ended_at === undefined) return <Empty title="No task has started yet" />;
  if (run.state?.type !== "STATE_TYPE_COMPLETED")
    return (
      <Empty title="This run ended before it called a task">
        <p>
          What it wrote until then is in{" "}
          <Link to="/runs/$flowRunId" params={{ flowRunId: run.flow_run_id }} search={{ tab: "logs" }}>
            its log
          </Link>
          .
        </p>
      </Empty>
    );
  return (
    <Empty title="This run called no tasks" code={EXAMPLE}>
      <p>Functions with @task show up here, with their states and times. Its log has what it wrote.</p>
    </Empty>
  );
}
