import { useMutation, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { call } from "../api/client.ts";
import type { FlowRun, TaskRun } from "../api/contract.gen.ts";
import { isFinal } from "../api/states.ts";
import { Icon } from "../parts/Icon.tsx";
import { Elapsed, Moment } from "../parts/Moment.tsx";
import { StateBadge } from "../parts/StateBadge.tsx";
import { tell, tellFault } from "../parts/toasts.ts";
import { StateMessage } from "./StateMessage.tsx";
import { refusal } from "./verdicts.ts";

const MOST_NEIGHBOURS = 8;

interface TaskPanelProps {
  run: FlowRun;
  task: TaskRun;
  tasks: TaskRun[];
  onClose: () => void;
  onRetried: (run: FlowRun) => void;
}

/** One task run beside the drawing: how it went, what it took and gave, its tries. */
export function TaskPanel({ run, task, tasks, onClose, onRetried }: TaskPanelProps) {
  const { data } = useQuery({
    queryKey: ["task-run-states", task.task_run_id, task.state?.state_id],
    queryFn: ({ signal }) => call("ListTaskRunStates", { task_run_id: task.task_run_id, page_size: 200 }, signal),
  });
  const retry = useMutation({
    mutationFn: () =>
      call("RetryFlowRun", { flow_run_id: run.flow_run_id, scope: "RETRY_SCOPE_FROM_TASK", task_run_ids: [task.task_run_id] }),
    onSuccess: ({ flow_run: changed, verdict }) => {
      if (changed !== undefined) onRetried(changed);
      const why = refusal(verdict);
      if (why === undefined) tell(`The run goes on from ${task.name}`);
      else tellFault("The run was not retried", why);
    },
    onError: (error) => tellFault("The run could not be retried", error),
  });
  const sources = new Set(task.inputs.map((input) => input.source));
  const before = tasks.filter((other) => sources.has(other.task_run_id) || sources.has(other.child_flow_run_id));
  const behind = tasks.filter((other) => other.inputs.some((input) => input.source === task.task_run_id));
  return (
    <aside className="task-panel" aria-label={`Task run ${task.name}`}>
      <header>
        <h2>{task.name}</h2>
        <button type="button" className="button button-bare" aria-label="Close the task run" onClick={onClose}>
          <Icon name="close" />
        </button>
      </header>
      <p className="panel-line">
        <StateBadge state={task.state} />
        <Elapsed from={task.started_at} until={task.ended_at} />
      </p>
      <StateMessage state={task.state} />
      <p className="panel-line">
        <Link to="/task-runs/$taskRunId" params={{ taskRunId: task.task_run_id }} className="button">
          Its page
        </Link>
        <Link
          to="/runs/$flowRunId"
          params={{ flowRunId: run.flow_run_id }}
          search={{ tab: "logs", of: task.task_run_id }}
          className="button"
        >
          Its log
        </Link>
        {task.child_flow_run_id !== "" && (
          <Link to="/runs/$flowRunId" params={{ flowRunId: task.child_flow_run_id }} className="button">
            <Icon name="child" />
            Subflow
          </Link>
        )}
        {isFinal(run.state) && (
          <button type="button" className="button" disabled={retry.isPending} onClick={() => retry.mutate()}>
            <Icon name="retry" />
            Retry from here
          </button>
        )}
      </p>
      {data !== undefined && data.states.length > 0 && (
        <Part title={task.run_count > 1 ? `States, ${task.run_count} tries` : "States"}>
          <ul className="panel-list">
            {data.states.map((state) => (
              <li key={state.state_id}>
                <StateBadge state={state} />
                <span className="quiet">
                  <Moment at={state.occurred_at} />
                </span>
              </li>
            ))}
          </ul>
        </Part>
      )}
      <Neighbours title="Takes results of" tasks={before} />
      <Neighbours title="Gives its result to" tasks={behind} />
    </aside>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section>
      <h3>{title}</h3>
      {children}
    </section>
  );
}

function Neighbours({ title, tasks }: { title: string; tasks: TaskRun[] }) {
  if (tasks.length === 0) return null;
  return (
    <Part title={title}>
      <ul className="panel-list">
        {tasks.slice(0, MOST_NEIGHBOURS).map((task) => (
          <li key={task.task_run_id}>
            <Link to="." search={(old: Record<string, string | undefined>) => ({ ...old, task: task.task_run_id })} replace>
              {task.name}
            </Link>
            <StateBadge state={task.state} />
          </li>
        ))}
        {tasks.length > MOST_NEIGHBOURS && <li className="quiet">{`and ${tasks.length - MOST_NEIGHBOURS} more`}</li>}
      </ul>
    </Part>
  );
}
