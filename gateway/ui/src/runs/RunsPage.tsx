import { useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { useAddress, type Search } from "../api/address.ts";
import { RECENT_SPANS, rangeOf, recentSeconds } from "../api/spans.ts";
import { STATE_TYPES, lookOf } from "../api/states.ts";
import { DataTable } from "../parts/DataTable.tsx";
import { FilterBar } from "../parts/FilterBar.tsx";
import { Icon } from "../parts/Icon.tsx";
import { More } from "../parts/More.tsx";
import { Empty, Fault, Loading } from "../parts/Notice.tsx";
import { RunHistogram, RunScatter } from "./Activity.tsx";
import { Bulk } from "./Bulk.tsx";
import { FLOW_RUN_COLUMNS } from "./columns.tsx";
import { FLOW_RUN_FIELDS, FLOW_RUN_ORDERS, flowRunFilter } from "./fields.ts";
import { SavedViews } from "./SavedViews.tsx";
import { TaskRunList } from "./TaskRunList.tsx";
import { useRuns } from "./useRuns.ts";

const SORTABLE = ["name", "started", "duration"];
const NO_KEYS: ReadonlySet<string> = new Set();

/** The words of an address that are no filters. */
const LOOKS = new Set(["kind", "order", "span"]);

/** Flow runs and task runs, newest first, live. */
export function RunsPage() {
  const [search, change] = useAddress();
  const isTasks = search.kind === "tasks";
  return (
    <>
      <div className="page-head">
        <h1>Runs</h1>
        <div className="segments" role="group" aria-label="Which runs">
          <button type="button" aria-pressed={!isTasks} onClick={() => change({ kind: undefined, order: undefined }, true)}>
            Flow runs
          </button>
          <button type="button" aria-pressed={isTasks} onClick={() => change({ kind: "tasks", order: undefined }, true)}>
            Task runs
          </button>
        </div>
      </div>
      {isTasks ? <TaskRunList /> : <FlowRuns search={search} change={change} />}
    </>
  );
}

function FlowRuns({ search, change }: { search: Search; change: (change: Search) => void }) {
  const queries = useQueryClient();
  // What is asked for follows the filters alone; spans back from now are counted when they change.
  const key = JSON.stringify(Object.entries(search).filter(([name]) => !LOOKS.has(name)).sort());
  const filter = useMemo(() => flowRunFilter(Object.fromEntries(JSON.parse(key) as [string, string][])), [key]);
  const isFiltered = key !== "[]";
  const sort = FLOW_RUN_ORDERS[search.order ?? ""];
  const list = useRuns(filter, sort, () => void queries.invalidateQueries({ queryKey: ["flow-run-insight"] }));
  const [selected, setSelected] = useState(NO_KEYS);
  const [selectedOf, setSelectedOf] = useState(key);
  if (selectedOf !== key) {
    setSelectedOf(key);
    setSelected(NO_KEYS);
  }
  const chosen = useMemo(() => list.runs.filter((run) => selected.has(run.flow_run_id)), [list.runs, selected]);
  const states = search.state?.split(",").filter((part) => part !== "") ?? [];
  const toggle = (state: string) =>
    change({ state: (states.includes(state) ? states.filter((other) => other !== state) : [...states, state]).join(",") });
  const names = useMemo(() => new Map(list.runs.map((run) => [run.flow_run_id, run.name])), [list.runs]);

  return (
    <>
      <FilterBar fields={FLOW_RUN_FIELDS} searchLabel="Find runs by name, flow or message">
        <SavedViews search={search} isReady={!list.isLoading} />
        <div className="filter-end">
          {chosen.length === 2 && (
            <Link
              to="/runs/compare"
              search={{ a: chosen[1]?.flow_run_id, b: chosen[0]?.flow_run_id }}
              className="button"
            >
              <Icon name="compare" />
              Compare
            </Link>
          )}
          <Bulk
            filter={chosen.length > 0 ? { flow_run_ids: chosen.map((run) => run.flow_run_id) } : filter}
            label={chosen.length > 0 ? `${chosen.length} selected` : isFiltered ? "All that match" : "All runs"}
            isAll={chosen.length === 0 && !isFiltered}
            isOffered={list.runs.length > 0}
            onDone={() => {
              setSelected(NO_KEYS);
              list.refetch();
            }}
          />
        </div>
      </FilterBar>
      <div className="chips" role="group" aria-label="Only runs in these states">
        {STATE_TYPES.map((type) => {
          const look = lookOf(type);
          return (
            <button
              key={type}
              type="button"
              className={`chip state-${look.key}`}
              aria-pressed={states.includes(look.key)}
              onClick={() => toggle(look.key)}
            >
              <span className="state-mark" aria-hidden="true" />
              {look.label}
            </button>
          );
        })}
      </div>
      <Charts search={search} change={change} filter={filter} isReady={!list.isLoading} />
      {list.error !== null && list.runs.length === 0 && <Fault error={list.error} onRetry={list.refetch} />}
      {list.isLoading && list.error === null && <Loading what="runs" />}
      {list.runs.length > 0 && (
        <DataTable
          label="Flow runs"
          columns={FLOW_RUN_COLUMNS}
          rows={list.runs}
          rowKey={(run) => run.flow_run_id}
          sortable={SORTABLE}
          order={search.order ?? ""}
          onOrder={(order) => change({ order: order === "duration" ? "-duration" : order })}
          selection={{ keys: selected, onChange: setSelected, nameOf: (id) => names.get(id) ?? id }}
        />
      )}
      <More list={list} />
      {!list.isLoading && list.error === null && list.runs.length === 0 && (isFiltered ? <NoneFits /> : <None />)}
    </>
  );
}

interface ChartsProps {
  search: Search;
  change: (change: Search) => void;
  filter: ReturnType<typeof flowRunFilter>;
  /** False while there is something to ask for that is wanted sooner. */
  isReady: boolean;
}

function Charts({ search, change, filter, isReady }: ChartsProps) {
  const recent = search.span ?? "24h";
  const marked = search.expected;
  const span = useMemo(() => {
    const range = rangeOf(marked) ?? rangeOf(recent) ?? {};
    const until = range.until ?? new Date().toISOString();
    return { from: range.from ?? new Date(Date.parse(until) - (recentSeconds(recent) ?? 86_400) * 1000).toISOString(), until };
  }, [marked, recent]);
  const brush = (from: number, until: number) =>
    change({ expected: `${new Date(from * 1000).toISOString()}..${new Date(until * 1000).toISOString()}` });
  return (
    <section className="run-charts" aria-label="Runs over time">
      <div className="tile">
        <div className="tile-head">
          <h2>Runs over time</h2>
          <span className="tile-note">
            {marked === undefined ? (
              <select className="bare-select" aria-label="Which time" value={recent} onChange={(event) => change({ span: event.target.value })}>
                {RECENT_SPANS.map((option) => (
                  <option key={option.value} value={option.value}>
                    {option.label}
                  </option>
                ))}
              </select>
            ) : (
              <button type="button" className="link-button" onClick={() => change({ expected: undefined })}>
                Show more time
              </button>
            )}
          </span>
        </div>
        {isReady ? <RunHistogram filter={filter} span={span} onBrush={brush} /> : <div className="chart-place" />}
      </div>
      <div className="tile">
        <div className="tile-head">
          <h2>Duration</h2>
          <span className="tile-note">drag to choose a time</span>
        </div>
        {isReady ? <RunScatter filter={filter} span={span} onBrush={brush} /> : <div className="chart-place" />}
      </div>
    </section>
  );
}

function NoneFits() {
  return (
    <Empty title="No run fits these filters">
      <p>
        New ones show up here by themselves. <Link to="/runs">Show all runs</Link>
      </p>
    </Empty>
  );
}

const EXAMPLE = `from headrace import flow

@flow(log_prints=True)
def hello(name: str = "world"):
    print(f"Hello, {name}!")

hello()`;

function None() {
  return (
    <Empty title="Nothing has run yet" code={EXAMPLE}>
      <p>Save this as hello.py and start it with python hello.py; its run shows up here by itself.</p>
    </Empty>
  );
}
