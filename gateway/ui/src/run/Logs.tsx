import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useMemo, useRef, useState } from "react";
import type { LogRecord, TaskRun } from "../api/contract.gen.ts";
import { preciseText, utcText } from "../api/times.ts";
import { Icon } from "../parts/Icon.tsx";
import { Empty, Fault, Loading } from "../parts/Notice.tsx";
import { TAIL, useLogs } from "./useLogs.ts";

const LEVELS = [
  { level: 0, label: "All levels" },
  { level: 10, label: "Debug and above" },
  { level: 20, label: "Info and above" },
  { level: 30, label: "Warnings and above" },
  { level: 40, label: "Errors" },
] as const;
const LINE_PIXELS = 22;
const NEAR_END_PIXELS = 60;
// Colours and cursor moves of terminals.
// eslint-disable-next-line no-control-regex
const ANSI = /\u001b\[[0-9;?]*[A-Za-z]/g;

function levelOf(level: number): { key: string; label: string } {
  if (level >= 50) return { key: "critical", label: "CRIT" };
  if (level >= 40) return { key: "error", label: "ERROR" };
  if (level >= 30) return { key: "warning", label: "WARN" };
  if (level >= 20) return { key: "info", label: "INFO" };
  return { key: "debug", label: "DEBUG" };
}

interface LogsProps {
  flowRunId: string;
  tasks: TaskRun[];
  /** Only records at this level or above. */
  level: number;
  onLevel: (level: number) => void;
}

/** The run's log, from its newest records on. */
export function Logs({ flowRunId, tasks, level, onLevel }: LogsProps) {
  const names = useMemo(() => new Map(tasks.map((task) => [task.task_run_id, task.name])), [tasks]);
  const { records, isCaughtUp, isCut, refused } = useLogs(flowRunId, level);
  return (
    <div className="logs">
      <div className="logs-head">
        <select
          className="field"
          aria-label="Level"
          data-filter
          value={level}
          onChange={(event) => onLevel(Number(event.target.value))}
        >
          {LEVELS.map((option) => (
            <option key={option.level} value={option.level}>
              {option.label}
            </option>
          ))}
        </select>
        <span className="quiet">
          {records.length === 1 ? "1 record" : `${records.length.toLocaleString()} records`}
          {isCut && `, from the newest ${TAIL.toLocaleString()} on`}
        </span>
      </div>
      {refused !== undefined && <Fault error={refused} />}
      {records.length > 0 ? (
        <Lines records={records} names={names} />
      ) : isCaughtUp || refused !== undefined ? (
        refused === undefined && (
          <Empty title="Nothing was logged">
            <p>
              Lines of <code>get_run_logger()</code>, of <code>print()</code> with <code>log_prints=True</code>, and
              whatever a worker&rsquo;s process writes show up here as they are written.
            </p>
          </Empty>
        )
      ) : (
        <Loading what="the log" />
      )}
    </div>
  );
}

interface LinesProps {
  records: LogRecord[];
  /** Names of task runs by their ids. */
  names: Map<string, string>;
}

function Lines({ records, names }: LinesProps) {
  const box = useRef<HTMLDivElement>(null);
  const [isAtEnd, setAtEnd] = useState(true);
  const lines = useVirtualizer({
    count: records.length,
    getScrollElement: () => box.current,
    estimateSize: () => LINE_PIXELS,
    overscan: 20,
    getItemKey: (index) => records[index]?.log_id ?? index,
  });
  useEffect(() => {
    if (isAtEnd) lines.scrollToIndex(records.length - 1, { align: "end" });
  }, [records.length, isAtEnd, lines]);
  const items = lines.getVirtualItems();
  return (
    <div className="lines-frame">
      <div
        ref={box}
        className="lines"
        role="log"
        aria-label="Log records"
        tabIndex={0}
        onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) =>
          setAtEnd(scrollHeight - scrollTop - clientHeight < NEAR_END_PIXELS)
        }
      >
        <div className="lines-all" style={{ height: lines.getTotalSize() }}>
          {items.map((item) => {
            const record = records[item.index];
            if (record === undefined) return null;
            return (
              <div
                key={item.key}
                ref={lines.measureElement}
                data-index={item.index}
                className="line"
                style={{ transform: `translateY(${item.start}px)` }}
              >
                <Line record={record} task={names.get(record.task_run_id) ?? ""} />
              </div>
            );
          })}
        </div>
      </div>
      {!isAtEnd && (
        <button type="button" className="button to-end" onClick={() => setAtEnd(true)}>
          <Icon name="down" />
          Newest
        </button>
      )}
    </div>
  );
}

function Line({ record, task }: { record: LogRecord; task: string }) {
  const level = levelOf(record.level);
  const at = record.occurred_at ?? "";
  return (
    <>
      <time className="line-time" dateTime={at} title={utcText(at)}>
        {at === "" ? "" : preciseText(at)}
      </time>
      <span className={`line-level level-${level.key}`}>{level.label}</span>
      <span className="line-task" title={task}>
        {task}
      </span>
      <span className="line-text" title={record.logger}>
        {record.message.replace(ANSI, "")}
      </span>
    </>
  );
}
