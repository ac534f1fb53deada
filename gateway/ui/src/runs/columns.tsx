import { Link } from "@tanstack/react-router";
import type { FlowRun, TaskRun } from "../api/contract.gen.ts";
import type { Column } from "../parts/DataTable.tsx";
import { Icon } from "../parts/Icon.tsx";
import { Elapsed, Moment } from "../parts/Moment.tsx";
import { Named } from "../parts/Named.tsx";
import { Tags } from "../parts/PageHead.tsx";
import { StateBadge } from "../parts/StateBadge.tsx";

/** The first line of what a state says, for a list. */
function firstLine(message: string | undefined): string {
  return message?.split("\n", 1)[0] ?? "";
}

export const FLOW_RUN_COLUMNS: Column<FlowRun>[] = [
  {
    id: "name",
    header: "Run",
    cell: ({ row: { original: run } }) => (
      <Link to="/runs/$flowRunId" params={{ flowRunId: run.flow_run_id }} className="run-link">
        <span className="run-name">{run.name}</span>
        <span className="quiet">
          {run.parent_flow_run_id !== "" && <Icon name="child" />} {run.flow_name}
        </span>
      </Link>
    ),
  },
  {
    id: "state",
    header: "State",
    cell: ({ row: { original: run } }) => {
      const isBad = run.state?.type === "STATE_TYPE_FAILED" || run.state?.type === "STATE_TYPE_CRASHED";
      const line = isBad ? firstLine(run.state?.message) : "";
      return (
        <span className="state-cell">
          <StateBadge state={run.state} />
          {line !== "" && <span className="error-line">{line}</span>}
        </span>
      );
    },
  },
  {
    id: "deployment",
    header: "Deployment",
    cell: ({ row: { original: run } }) =>
      run.deployment_name === "" ? (
        <span className="quiet none">–</span>
      ) : (
        <Link to="/deployments/$deploymentId" params={{ deploymentId: run.deployment_id }}>
          {run.deployment_name}
        </Link>
      ),
  },
  {
    id: "started",
    header: "Started",
    cell: ({ row: { original: run } }) =>
      run.started_at === undefined ? (
        <span className="quiet">
          due <Moment at={run.next_scheduled_start_at ?? run.expected_start_at} />
        </span>
      ) : (
        <Moment at={run.started_at} />
      ),
  },
  {
    id: "duration",
    header: "Duration",
    cell: ({ row: { original: run } }) => <Elapsed from={run.started_at} until={run.ended_at} />,
  },
  { id: "tags", header: "Tags", cell: ({ row: { original: run } }) => <Tags tags={run.tags} /> },
];

export const TASK_RUN_COLUMNS: Column<TaskRun>[] = [
  {
    id: "name",
    header: "Task run",
    cell: ({ row: { original: task } }) => (
      <Link to="/task-runs/$taskRunId" params={{ taskRunId: task.task_run_id }} className="run-link">
        <span className="run-name">{task.name}</span>
        <span className="quiet">{task.task_key}</span>
      </Link>
    ),
  },
  {
    id: "state",
    header: "State",
    cell: ({ row: { original: task } }) => {
      const line = task.state?.type === "STATE_TYPE_FAILED" ? firstLine(task.state.message) : "";
      return (
        <span className="state-cell">
          <StateBadge state={task.state} />
          {line !== "" && <span className="error-line">{line}</span>}
        </span>
      );
    },
  },
  {
    id: "run",
    header: "Flow run",
    cell: ({ row: { original: task } }) =>
      task.flow_run_id === "" ? (
        <span className="quiet">in the background</span>
      ) : (
        <Named kind="flow-run" id={task.flow_run_id} />
      ),
  },
  { id: "started", header: "Started", cell: ({ row: { original: task } }) => <Moment at={task.started_at} /> },
  {
    id: "duration",
    header: "Duration",
    cell: ({ row: { original: task } }) => <Elapsed from={task.started_at} until={task.ended_at} />,
  },
  {
    id: "tries",
    header: "Tries",
    cell: ({ row: { original: task } }) => <span className="number">{task.run_count}</span>,
  },
  { id: "tags", header: "Tags", cell: ({ row: { original: task } }) => <Tags tags={task.tags} /> },
];
