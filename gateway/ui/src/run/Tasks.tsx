import { Link } from "@tanstack/react-router";
import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef, useState, type CSSProperties } from "react";
import type { FlowRun, TaskRun } from "../api/contract.gen.ts";
import { isFinal, lookOf } from "../api/states.ts";
import { spanText, useNow } from "../api/times.ts";
import { Icon } from "../parts/Icon.tsx";
import { Elapsed } from "../parts/Moment.tsx";
import { Empty } from "../parts/Notice.tsx";
import { StateBadge } from "../parts/StateBadge.tsx";

const ROW_PIXELS = 36;
const SHORTEST_SPAN_MILLISECONDS = 10;

interface TasksProps {
  run: FlowRun;
  tasks: TaskRun[];
}

/** The task runs with a bar each for when it ran. */
export function Tasks({ run, tasks }: TasksProps) {
  const isLive = !isFinal(run.state);
  const now = useNow(isLive);
  const list = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  useEffect(() => {
    setTop(list.current?.offsetTop ?? 0);
  }, [tasks.length]);
  const rows = useWindowVirtualizer({
    count: tasks.length,
    estimateSize: () => ROW_PIXELS,
    overscan: 12,
    scrollMargin: top,
    getItemKey: (index) => tasks[index]?.task_run_id ?? index,
  });
  if (tasks.length === 0)
    return isLive ? (
      <Empty title="No task has started yet" />
    ) : (
      <Empty title="This run called no tasks">
        <p>Functions with @task show up here, with their states and times.</p>
      </Empty>
    );

  const from = Date.parse(run.started_at ?? tasks[0]?.created_at ?? "");
  const last = Math.max(...tasks.map((task) => Date.parse(task.ended_at ?? task.started_at ?? "") || 0));
  const until = isLive ? Math.max(now, last) : Math.max(Date.parse(run.ended_at ?? "") || 0, last);
  const scale = { from, span: Math.max(until - from, SHORTEST_SPAN_MILLISECONDS) };
  return (
    <div className="tasks" role="table" aria-label="Task runs" aria-rowcount={tasks.length}>
      <div className="task task-head" role="row">
        <span role="columnheader">Task</span>
        <span role="columnheader">State</span>
        <span role="columnheader" className="task-time">
          Duration
        </span>
        <span role="columnheader" className="task-bar">
          <span>0 s</span>
          <span>{spanText(scale.span / 1000)}</span>
        </span>
      </div>
      <div ref={list} className="task-list" role="rowgroup" style={{ height: rows.getTotalSize() }}>
        {rows.getVirtualItems().map((item) => {
          const task = tasks[item.index];
          if (task === undefined) return null;
          return (
            <TaskRow key={item.key} task={task} scale={scale} now={now} style={{ transform: `translateY(${item.start - top}px)` }} />
          );
        })}
      </div>
    </div>
  );
}

interface TaskRowProps {
  task: TaskRun;
  scale: { from: number; span: number };
  now: number;
  style: CSSProperties;
}

function TaskRow({ task, scale, now, style }: TaskRowProps) {
  return (
    <div className="task" role="row" style={style}>
      <span role="cell" className="task-name" title={task.name}>
        {task.child_flow_run_id === "" ? (
          task.name
        ) : (
          <Link to="/runs/$flowRunId" params={{ flowRunId: task.child_flow_run_id }}>
            <Icon name="child" /> {task.name}
          </Link>
        )}
        {task.run_count > 1 && <span className="count" title="Times run">{`×${task.run_count}`}</span>}
      </span>
      <span role="cell">
        <StateBadge state={task.state} />
      </span>
      <span role="cell" className="task-time">
        <Elapsed from={task.started_at} until={task.ended_at} />
      </span>
      <span role="cell" className="task-bar" aria-hidden="true">
        <Bar task={task} scale={scale} now={now} />
      </span>
    </div>
  );
}

function Bar({ task, scale, now }: Omit<TaskRowProps, "style">) {
  if (task.started_at === undefined) return null;
  const start = Date.parse(task.started_at);
  const end = task.ended_at === undefined ? now : Date.parse(task.ended_at);
  const left = Math.min(Math.max((start - scale.from) / scale.span, 0), 1) * 100;
  const width = Math.min(Math.max((end - start) / scale.span, 0), 1) * 100;
  return (
    <span
      className={`bar state-${lookOf(task.state?.type).key}`}
      style={{ left: `${Math.min(left, 99.5)}%`, width: `max(3px, ${Math.min(width, 100 - left)}%)` }}
    />
  );
}
