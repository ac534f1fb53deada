import { Link, getRouteApi } from "@tanstack/react-router";
import { useMemo } from "react";
import type { FlowRun } from "../api/contract.gen.ts";
import { STATE_TYPES, lookOf, typeOfKey } from "../api/states.ts";
import { DataTable, type Column } from "../parts/DataTable.tsx";
import { Elapsed, Moment } from "../parts/Moment.tsx";
import { Empty, Fault, Loading } from "../parts/Notice.tsx";
import { StateBadge } from "../parts/StateBadge.tsx";
import { SearchField } from "../parts/SearchField.tsx";
import { useRuns } from "./useRuns.ts";

const route = getRouteApi("/runs");

const COLUMNS: Column<FlowRun>[] = [
  {
    id: "name",
    header: "Run",
    cell: ({ row: { original: run } }) => (
      <Link to="/runs/$flowRunId" params={{ flowRunId: run.flow_run_id }} className="run-link">
        <span className="run-name">{run.name}</span>
        <span className="quiet">{run.flow_name}</span>
      </Link>
    ),
  },
  { id: "state", header: "State", cell: ({ row: { original: run } }) => <StateBadge state={run.state} /> },
  {
    id: "deployment",
    header: "Deployment",
    cell: ({ row: { original: run } }) =>
      run.deployment_name === "" ? <span className="quiet none">–</span> : run.deployment_name,
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
  {
    id: "tags",
    header: "Tags",
    cell: ({ row: { original: run } }) => (
      <span className="tags">
        {run.tags.map((tag) => (
          <span key={tag} className="tag">
            {tag}
          </span>
        ))}
      </span>
    ),
  },
];

/** All flow runs, newest first, live. */
export function RunsPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const keys = useMemo(() => search.state?.split(",") ?? [], [search.state]);
  const types = useMemo(() => keys.map(typeOfKey).filter((type) => type !== undefined), [keys]);
  const filter = useMemo(
    () => ({ text: search.text, deployment_ids: search.deployment === undefined ? [] : [search.deployment] }),
    [search.text, search.deployment],
  );
  const { runs, isLoading, error, hasMore, isLoadingMore, loadMore, retry } = useRuns(filter, types);
  const isFiltered = search.state !== undefined || search.text !== undefined || search.deployment !== undefined;
  const toggle = (key: string) => {
    const next = keys.includes(key) ? keys.filter((other) => other !== key) : [...keys, key];
    void navigate({ search: (old) => ({ ...old, state: next.length === 0 ? undefined : next.join(",") }), replace: true });
  };

  return (
    <>
      <div className="page-head">
        <h1>Runs</h1>
        <SearchField
          label="Find runs by name, flow or message"
          value={search.text ?? ""}
          onChange={(text) =>
            void navigate({ search: (old) => ({ ...old, text: text === "" ? undefined : text }), replace: true })
          }
        />
      </div>
      <div className="chips" role="group" aria-label="Only runs in these states">
        {STATE_TYPES.map((type) => {
          const look = lookOf(type);
          return (
            <button
              key={type}
              type="button"
              className={`chip state-${look.key}`}
              aria-pressed={keys.includes(look.key)}
              onClick={() => toggle(look.key)}
            >
              <span className="state-mark" aria-hidden="true" />
              {look.label}
            </button>
          );
        })}
        {isFiltered && (
          <Link to="/runs" className="chip-clear">
            Show all
          </Link>
        )}
      </div>
      {error !== null && runs.length === 0 && <Fault error={error} onRetry={retry} />}
      {isLoading && error === null && <Loading what="runs" />}
      {runs.length > 0 && <DataTable label="Flow runs" columns={COLUMNS} rows={runs} rowKey={(run) => run.flow_run_id} />}
      {hasMore && (
        <button type="button" className="button more" onClick={loadMore} disabled={isLoadingMore}>
          {isLoadingMore ? "Loading…" : "Show older runs"}
        </button>
      )}
      {!isLoading && error === null && runs.length === 0 && (isFiltered ? <NoneFits /> : <None />)}
    </>
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
    <Empty title="Nothing has run yet">
      <p>Save this as hello.py and start it with python hello.py; its run shows up here by itself.</p>
      <pre className="code">{EXAMPLE}</pre>
    </Empty>
  );
}
