import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { useAddress } from "../api/address.ts";
import type { FlowRun, Input, LogFilter, LogRecord, TaskRun } from "../api/contract.gen.ts";
import { preciseText, utcText } from "../api/times.ts";
import { Icon } from "../parts/Icon.tsx";
import { Empty, Fault, Loading } from "../parts/Notice.tsx";
import { SearchField } from "../parts/SearchField.tsx";
import { tell, tellFault } from "../parts/toasts.ts";
import { piecesOf } from "./ansi.ts";
import { MOST_LINES, downloadLog } from "./download.ts";
import { useLogs } from "./useLogs.ts";

const LEVELS = [
  { level: 0, label: "All levels" },
  { level: 10, label: "Debug and above" },
  { level: 20, label: "Info and above" },
  { level: 30, label: "Warnings and above" },
  { level: 40, label: "Errors" },
] as const;
const LINE_PIXELS = 22;
const NEAR_END_PIXELS = 60;
const MOST_TASKS = 500;

function levelOf(level: number): { key: string; label: string } {
  if (level >= 50) return { key: "critical", label: "CRIT" };
  if (level >= 40) return { key: "error", label: "ERROR" };
  if (level >= 30) return { key: "warning", label: "WARN" };
  if (level >= 20) return { key: "info", label: "INFO" };
  return { key: "debug", label: "DEBUG" };
}

interface LogsProps {
  run: FlowRun;
  tasks: TaskRun[];
}

/** The run's log, from its newest records on. Level, words and task stand in the address. */
export function Logs({ run, tasks }: LogsProps) {
  const [search, change] = useAddress();
  const level = Number(search.level ?? 0) || 0;
  const words = search.words ?? "";
  const of = search.of ?? "";
  const names = useMemo(() => new Map(tasks.map((task) => [task.task_run_id, task.name])), [tasks]);
  const filter = useMemo<Input<LogFilter>>(
    () => ({
      flow_run_ids: [run.flow_run_id],
      level_at_least: level,
      text: words,
      task_run_ids: of === "" ? [] : [of],
    }),
    [run.flow_run_id, level, words, of],
  );
  const { records, isCaughtUp, isCut, refused, isLoadingOlder, loadOlder } = useLogs(filter);
  const listed = tasks.length <= MOST_TASKS ? tasks : tasks.filter((task) => task.task_run_id === of);
  const isFiltered = level > 0 || words !== "" || of !== "";
  return (
    <div className="logs">
      <div className="logs-head">
        <SearchField label="Find in the log" value={words} onChange={(next) => change({ words: next })} />
        <select
          className="field"
          aria-label="Level"
          value={level}
          onChange={(event) => change({ level: event.target.value === "0" ? undefined : event.target.value })}
        >
          {LEVELS.map((option) => (
            <option key={option.level} value={option.level}>
              {option.label}
            </option>
          ))}
        </select>
        {listed.length > 0 && (
          <select className="field task-select" aria-label="Task" value={of} onChange={(event) => change({ of: event.target.value })}>
            <option value="">All tasks</option>
            {listed.map((task) => (
              <option key={task.task_run_id} value={task.task_run_id}>
                {task.name}
              </option>
            ))}
          </select>
        )}
        <span className="quiet number">
          {records.length === 1 ? "1 record" : `${records.length.toLocaleString()} records`}
          {isCut && ", the newest"}
        </span>
        <Download filter={filter} name={run.name} />
      </div>
      {refused !== undefined && <Fault error={refused} />}
      {records.length > 0 ? (
        <Lines
          records={records}
          names={names}
          isCut={isCut}
          isLoadingOlder={isLoadingOlder}
          loadOlder={loadOlder}
          onTask={(task) => change({ of: task })}
        />
      ) : isCaughtUp || refused !== undefined ? (
        refused === undefined &&
        (isFiltered ? (
          <Empty title="No record fits" />
        ) : (
          <Empty title="Nothing was logged">
            <p>
              Lines of <code>get_run_logger()</code>, of <code>print()</code> with <code>log_prints=True</code>, and
              whatever a worker&rsquo;s process writes show up here as they are written.
            </p>
          </Empty>
        ))
      ) : (
        <Loading what="the log" />
      )}
    </div>
  );
}

function Download({ filter, name }: { filter: Input<LogFilter>; name: string }) {
  const [count, setCount] = useState<number>();
  const download = async () => {
    setCount(0);
    try {
      const isCut = await downloadLog(filter, name, setCount);
      if (isCut) tell(`The file has the first ${MOST_LINES.toLocaleString()} records`);
    } catch (error) {
      tellFault("The log could not be downloaded", error);
    } finally {
      setCount(undefined);
    }
  };
  return (
    <button type="button" className="button log-download" disabled={count !== undefined} onClick={() => void download()}>
      <Icon name="download" />
      {count === undefined ? "Download" : `${count.toLocaleString()} records`}
    </button>
  );
}

interface LinesProps {
  records: LogRecord[];
  /** Names of task runs by their ids. */
  names: Map<string, string>;
  isCut: boolean;
  isLoadingOlder: boolean;
  loadOlder: () => Promise<number>;
  onTask: (taskRunId: string) => void;
}

function Lines({ records, names, isCut, isLoadingOlder, loadOlder, onTask }: LinesProps) {
  const box = useRef<HTMLDivElement>(null);
  const [isAtEnd, setAtEnd] = useState(true);
  const lines = useVirtualizer({
    count: records.length,
    getScrollElement: () => box.current,
    estimateSize: () => LINE_PIXELS,
    overscan: 20,
    getItemKey: (index) => records[index]?.log_id ?? index,
  });
  // Older records come in front: what was looked at stays where it is.
  const first = records[0]?.log_id;
  const known = useRef(first);
  useLayoutEffect(() => {
    const before = known.current;
    known.current = first;
    if (before === undefined || before === first || isAtEnd) return;
    const place = records.findIndex((record) => record.log_id === before);
    if (place > 0) lines.scrollToIndex(place, { align: "start" });
  }, [first, records, lines, isAtEnd]);
  useEffect(() => {
    if (isAtEnd) lines.scrollToIndex(records.length - 1, { align: "end" });
  }, [records.length, isAtEnd, lines]);
  const items = lines.getVirtualItems();
  return (
    <div className="lines-frame">
      {isCut && !isAtEnd && (
        <button
          type="button"
          className="button older"
          disabled={isLoadingOlder}
          onClick={() => void loadOlder().catch((error: unknown) => tellFault("Older records did not come", error))}
        >
          <Icon name="up" />
          {isLoadingOlder ? "Loading …" : "Older"}
        </button>
      )}
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
                <Line record={record} task={names.get(record.task_run_id) ?? ""} onTask={onTask} />
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

function Line({ record, task, onTask }: { record: LogRecord; task: string; onTask: (taskRunId: string) => void }) {
  const level = levelOf(record.level);
  const at = record.occurred_at ?? "";
  return (
    <>
      <time className="line-time" dateTime={at} title={utcText(at)}>
        {at === "" ? "" : preciseText(at)}
      </time>
      <span className={`line-level level-${level.key}`}>{level.label}</span>
      {task === "" ? (
        <span className="line-task" />
      ) : (
        <button type="button" className="line-task" title={`Only ${task}`} onClick={() => onTask(record.task_run_id)}>
          {task}
        </button>
      )}
      <span className="line-text" title={record.logger}>
        {piecesOf(record.message).map((piece, index) =>
          piece.look === "" ? piece.text : (
            <span key={index} className={piece.look}>
              {piece.text}
            </span>
          ),
        )}
      </span>
    </>
  );
}
