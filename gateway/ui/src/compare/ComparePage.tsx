import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { useAddress } from "../api/address.ts";
import { call } from "../api/client.ts";
import type { FlowRun, JsonObject, LogRecord, TaskRun } from "../api/contract.gen.ts";
import { spanText } from "../api/times.ts";
import { Elapsed, Moment } from "../parts/Moment.tsx";
import { Empty, Fault, Loading } from "../parts/Notice.tsx";
import { PageHead, Tags } from "../parts/PageHead.tsx";
import { StateBadge } from "../parts/StateBadge.tsx";
import { Tabs } from "../parts/Tabs.tsx";
import { plainText } from "../run/ansi.ts";
import { diffLines } from "./diff.ts";

const MOST_TASKS = 2_000;
const MOST_LINES = 2_000;
const PAGE = 200;
const LOG_PAGE = 1_000;
const CANDIDATES = 20;
const TABS = [
  { key: "tasks", label: "Tasks" },
  { key: "parameters", label: "Parameters and versions" },
  { key: "logs", label: "Logs" },
] as const;

interface Side {
  run: FlowRun;
  tasks: TaskRun[];
  logs: LogRecord[];
}

async function tasksOf(flowRunId: string, signal: AbortSignal): Promise<TaskRun[]> {
  const tasks: TaskRun[] = [];
  let token = "";
  do {
    const page = await call(
      "ListTaskRuns",
      { filter: { flow_run_ids: [flowRunId] }, sort: "TASK_RUN_SORT_ID_ASC", page_size: PAGE, page_token: token },
      signal,
    );
    tasks.push(...page.task_runs);
    token = page.next_page_token;
  } while (token !== "" && tasks.length < MOST_TASKS);
  return tasks;
}

async function logsOf(flowRunId: string, signal: AbortSignal): Promise<LogRecord[]> {
  const logs: LogRecord[] = [];
  let token = "";
  do {
    const page = await call(
      "ListLogs",
      { filter: { flow_run_ids: [flowRunId] }, sort: "LOG_SORT_OCCURRED_ASC", page_size: LOG_PAGE, page_token: token },
      signal,
    );
    logs.push(...page.logs);
    token = page.next_page_token;
  } while (token !== "" && logs.length < MOST_LINES);
  return logs;
}

async function sideOf(flowRunId: string, signal: AbortSignal): Promise<Side> {
  const [found, tasks, logs] = await Promise.all([
    call("GetFlowRun", { flow_run_id: flowRunId }, signal),
    tasksOf(flowRunId, signal),
    logsOf(flowRunId, signal),
  ]);
  if (found.flow_run === undefined) throw new Error("There is no such run.");
  return { run: found.flow_run, tasks, logs };
}

function useSide(flowRunId: string | undefined) {
  return useQuery({
    queryKey: ["compare", flowRunId],
    queryFn: ({ signal }) => sideOf(flowRunId ?? "", signal),
    enabled: flowRunId !== undefined,
    staleTime: 0,
  });
}

/** Two runs side by side: what is different of them. */
export function ComparePage() {
  const [search, change] = useAddress();
  const before = useSide(search.a);
  const after = useSide(search.b);
  const tab = TABS.find(({ key }) => key === search.tab)?.key ?? "tasks";
  const error = before.error ?? after.error;
  return (
    <>
      <PageHead title="Compare runs" from={{ to: "/runs", label: "Runs" }} />
      {error !== null && <Fault error={error} />}
      {(search.a === undefined || search.b === undefined) && (
        <Choose known={(search.a === undefined ? after : before).data?.run} onChoose={(id) => change(search.a === undefined ? { a: id } : { b: id })} />
      )}
      {search.a !== undefined && search.b !== undefined && error === null && (before.data === undefined || after.data === undefined) && (
        <Loading what="both runs" />
      )}
      {before.data !== undefined && after.data !== undefined && (
        <>
          <div className="compare-heads">
            <Head name="First" run={before.data.run} onChoose={() => change({ a: undefined })} />
            <button
              type="button"
              className="button"
              aria-label="Swap the runs"
              onClick={() => change({ a: search.b, b: search.a })}
            >
              ⇄
            </button>
            <Head name="Second" run={after.data.run} onChoose={() => change({ b: undefined })} />
          </div>
          <Tabs tabs={TABS} value={tab} onChange={(key) => change({ tab: key }, true)}>
            {tab === "tasks" && <TaskTable before={before.data} after={after.data} />}
            {tab === "parameters" && <Values before={before.data.run} after={after.data.run} />}
            {tab === "logs" && <LogDiff before={before.data} after={after.data} />}
          </Tabs>
        </>
      )}
    </>
  );
}

function Choose({ known, onChoose }: { known: FlowRun | undefined; onChoose: (id: string) => void }) {
  const { data, error } = useQuery({
    queryKey: ["compare-candidates", known?.flow_id],
    queryFn: ({ signal }) =>
      call("ListFlowRuns", { filter: { flow_ids: known === undefined ? [] : [known.flow_id] }, page_size: CANDIDATES }, signal),
    staleTime: 0,
  });
  if (error !== null) return <Fault error={error} />;
  if (data === undefined) return <Loading what="runs to compare" />;
  const runs = data.flow_runs.filter((run) => run.flow_run_id !== known?.flow_run_id);
  if (runs.length === 0) return <Empty title="There is no other run to compare with" />;
  return (
    <section className="tile">
      <div className="tile-head">
        <h2>{known === undefined ? "Which run?" : `Compare ${known.name} with which run?`}</h2>
      </div>
      <ul className="tile-rows">
        {runs.map((run) => (
          <li key={run.flow_run_id}>
            <span className="row-name">
              <button type="button" className="link-button" onClick={() => onChoose(run.flow_run_id)}>
                {run.name}
              </button>
              <span className="quiet"> {run.flow_name}</span>
            </span>
            <StateBadge state={run.state} />
            <span className="quiet row-end">
              <Moment at={run.started_at ?? run.expected_start_at} />
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Head({ name, run, onChoose }: { name: string; run: FlowRun; onChoose: () => void }) {
  return (
    <section className="tile" aria-label={`${name} run`}>
      <p className="panel-line">
        <Link to="/runs/$flowRunId" params={{ flowRunId: run.flow_run_id }} className="run-name">
          {run.name}
        </Link>
        <StateBadge state={run.state} />
      </p>
      <p className="quiet">
        {run.flow_name}, <Moment at={run.started_at ?? run.expected_start_at} />, <Elapsed from={run.started_at} until={run.ended_at} />
        <button type="button" className="link-button" onClick={onChoose}>
          Another
        </button>
      </p>
    </section>
  );
}

function millisecondsOf(task: TaskRun | undefined): number | undefined {
  if (task?.started_at === undefined || task.ended_at === undefined) return undefined;
  return Date.parse(task.ended_at) - Date.parse(task.started_at);
}

interface Pair {
  key: string;
  name: string;
  before: TaskRun | undefined;
  after: TaskRun | undefined;
}

function pairsOf(before: TaskRun[], after: TaskRun[]): Pair[] {
  const keyOf = (task: TaskRun) => `${task.task_key}\n${task.dynamic_key}`;
  const pairs = new Map<string, Pair>();
  for (const task of before) pairs.set(keyOf(task), { key: keyOf(task), name: task.name, before: task, after: undefined });
  for (const task of after) {
    const known = pairs.get(keyOf(task));
    if (known === undefined) pairs.set(keyOf(task), { key: keyOf(task), name: task.name, before: undefined, after: task });
    else known.after = task;
  }
  return [...pairs.values()];
}

const SHOWN_PAIRS = 500;

function TaskTable({ before, after }: { before: Side; after: Side }) {
  const pairs = useMemo(() => pairsOf(before.tasks, after.tasks), [before, after]);
  const longest = useMemo(
    () => Math.max(...pairs.flatMap((pair) => [millisecondsOf(pair.before) ?? 0, millisecondsOf(pair.after) ?? 0]), 1),
    [pairs],
  );
  if (pairs.length === 0) return <Empty title="Neither run called a task" />;
  return (
    <>
      <div className="scroll-x" tabIndex={0} role="region" aria-label="Task by task">
        <table className="table compare-table" aria-label="Task by task">
          <thead>
            <tr>
              <th scope="col">Task</th>
              <th scope="col">First</th>
              <th scope="col">Second</th>
              <th scope="col">Change</th>
            </tr>
          </thead>
          <tbody>
            {pairs.slice(0, SHOWN_PAIRS).map((pair) => {
              const [a, b] = [millisecondsOf(pair.before), millisecondsOf(pair.after)];
              const change = a === undefined || b === undefined ? undefined : b - a;
              return (
                <tr key={pair.key}>
                  <td className="column-name">{pair.name}</td>
                  <td>
                    <Timing task={pair.before} milliseconds={a} longest={longest} />
                  </td>
                  <td>
                    <Timing task={pair.after} milliseconds={b} longest={longest} />
                  </td>
                  <td className="number">
                    {change === undefined ? (
                      <span className="quiet">{pair.after === undefined ? "only in the first" : pair.before === undefined ? "only in the second" : "–"}</span>
                    ) : (
                      <span className={Math.abs(change) < (a ?? 0) / 10 ? "quiet" : change > 0 ? "trend-worse" : "trend-better"}>
                        {`${change >= 0 ? "+" : "−"}${spanText(Math.abs(change) / 1000)}`}
                      </span>
                    )}
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      {pairs.length > SHOWN_PAIRS && <p className="quiet">{`The first ${SHOWN_PAIRS} of ${pairs.length.toLocaleString()} task runs.`}</p>}
    </>
  );
}

function Timing({ task, milliseconds, longest }: { task: TaskRun | undefined; milliseconds: number | undefined; longest: number }) {
  if (task === undefined) return <span className="quiet none">–</span>;
  return (
    <span className="timing">
      <StateBadge state={task.state} />
      <span className="timing-bar" aria-hidden="true">
        <span style={{ width: `${((milliseconds ?? 0) / longest) * 100}%` }} />
      </span>
      <span className="number">{milliseconds === undefined ? "–" : spanText(milliseconds / 1000)}</span>
    </span>
  );
}

function flat(object: JsonObject | undefined, prefix = ""): Map<string, string> {
  const found = new Map<string, string>();
  for (const [name, value] of Object.entries(object ?? {})) {
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      for (const [inner, text] of flat(value, `${prefix}${name}.`)) found.set(inner, text);
    else found.set(prefix + name, JSON.stringify(value));
  }
  return found;
}

function Values({ before, after }: { before: FlowRun; after: FlowRun }) {
  const groups: [string, Map<string, string>, Map<string, string>][] = [
    ["Parameters", flat(before.parameters), flat(after.parameters)],
    ["Job variables", flat(before.job_variables), flat(after.job_variables)],
    ["Labels", flat(before.labels), flat(after.labels)],
  ];
  const words = (run: FlowRun): Map<string, string> =>
    new Map([
      ["version of the flow", run.flow_version],
      ["deployment", run.deployment_name],
      ["version of the deployment", run.deployment_version_id],
      ["work pool", run.work_pool_name],
      ["worker", run.worker_name],
    ]);
  groups.unshift(["Versions", words(before), words(after)]);
  return (
    <div className="sections">
      {groups.map(([title, a, b]) => {
        const names = [...new Set([...a.keys(), ...b.keys()])].filter((name) => (a.get(name) ?? "") !== "" || (b.get(name) ?? "") !== "");
        if (names.length === 0) return null;
        return (
          <section key={title}>
            <h2>{title}</h2>
            <div className="scroll-x" tabIndex={0} role="region" aria-label={title}>
              <table className="grid compare-values">
                <thead>
                  <tr>
                    <th scope="col">Name</th>
                    <th scope="col">First</th>
                    <th scope="col">Second</th>
                  </tr>
                </thead>
                <tbody>
                  {names.map((name) => (
                    <tr key={name} className={a.get(name) === b.get(name) ? undefined : "is-different"}>
                      <th scope="row">{name}</th>
                      <td>
                        <code>{a.get(name) ?? "–"}</code>
                      </td>
                      <td>
                        <code>{b.get(name) ?? "–"}</code>
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          </section>
        );
      })}
      <p className="panel-line">
        <Tags tags={before.tags} /> <Tags tags={after.tags} />
      </p>
    </div>
  );
}

function LogDiff({ before, after }: { before: Side; after: Side }) {
  const lines = useMemo(
    () => diffLines(before.logs.map(({ message }) => plainText(message)), after.logs.map(({ message }) => plainText(message))),
    [before, after],
  );
  const isCut = before.logs.length >= MOST_LINES || after.logs.length >= MOST_LINES;
  const count = lines.filter(({ kind }) => kind !== "same").length;
  if (lines.length === 0) return <Empty title="Neither run logged anything" />;
  return (
    <>
      <p className="quiet compare-note">
        {count === 0 ? "Both logs say the same." : `${count.toLocaleString()} lines are different.`}
        {isCut && ` The first ${MOST_LINES.toLocaleString()} records of each are compared.`}
      </p>
      <div className="log-diff" tabIndex={0} role="region" aria-label="Lines of both logs">
        {lines.map((line, index) => (
          <div key={index} className={`diff-${line.kind}`}>
            <span aria-label={line.kind === "same" ? undefined : line.kind}>{line.kind === "removed" ? "−" : line.kind === "added" ? "+" : " "}</span>
            {line.text}
          </div>
        ))}
      </div>
    </>
  );
}
