import { keepPreviousData, queryOptions, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo, type ReactNode } from "react";
import { useAddress } from "../api/address.ts";
import { call } from "../api/client.ts";
import type { FlowRun, FlowRunFilter, Input } from "../api/contract.gen.ts";
import { RECENT_SPANS, rangeOf, recentSeconds, spanWords } from "../api/spans.ts";
import { Icon } from "../parts/Icon.tsx";
import { Elapsed, Moment } from "../parts/Moment.tsx";
import { Empty, Fault, Loading } from "../parts/Notice.tsx";
import { StateBadge } from "../parts/StateBadge.tsx";
import { RunHistogram } from "../runs/Activity.tsx";
import { CARDS, MOST, cardKey, type CardName } from "./cards.ts";
import { Health } from "./Health.tsx";
import { Stuck } from "./Stuck.tsx";
import { Trends } from "./Trends.tsx";
import { useLive } from "./useLive.ts";

const EVERY_RUN = {};

/** What is wrong, since when, and what goes on. */
export function DashboardPage() {
  useLive();
  const [search, change] = useAddress();
  const recent = recentSeconds(search.span ?? "") === undefined ? "24h" : (search.span ?? "24h");
  const span = useMemo(() => ({ ...rangeOf(recent), until: new Date().toISOString() }), [recent]);
  const failed = useMemo<Input<FlowRunFilter>>(
    () => ({ state_types: CARDS.failures.types, ended: rangeOf(recent) }),
    [recent],
  );
  const any = useQuery({
    queryKey: ["dashboard", "any"],
    queryFn: ({ signal }) => call("ListFlowRuns", { page_size: 1 }, signal),
    placeholderData: keepPreviousData,
  });
  // What is wrong comes first: what costs the server more is asked for behind it.
  const isFirstThere = useQuery(cardQuery("failures", failed)).isFetched;
  if (any.data?.flow_runs.length === 0) return <Welcome />;
  return (
    <>
      <div className="page-head">
        <h1>Dashboard</h1>
        <select
          className="field head-select"
          aria-label="Which time"
          data-filter
          value={recent}
          onChange={(event) => change({ span: event.target.value })}
        >
          {RECENT_SPANS.map((option) => (
            <option key={option.value} value={option.value}>
              {option.label.replace("the last", "Last")}
            </option>
          ))}
        </select>
      </div>
      <div className="dashboard">
        <section className="tile dash-wide" aria-labelledby="dash-over-time">
          <div className="tile-head">
            <h2 id="dash-over-time">Runs over time</h2>
            <Link to="/runs" search={{ span: recent }} className="tile-note">
              All runs
            </Link>
          </div>
          {isFirstThere ? <RunHistogram filter={EVERY_RUN} span={span} height={150} /> : <div style={{ minHeight: 150 }} />}
        </section>
        <RunCard
          name="failures"
          title={`Failures in ${spanWords(recent)}`}
          filter={failed}
          more={{ state: "failed,crashed", ended: recent }}
          none={
            <>
              <Icon name="check" /> No run failed.
            </>
          }
          row={(run) => <Failure run={run} />}
        />
        <Stuck />
        <RunCard
          name="running"
          title="Running now"
          isNarrow
          filter={RUNNING}
          more={{ state: "running,pending,cancelling,paused" }}
          none="Nothing runs right now."
          row={(run) => (
            <>
              <RunLink run={run} />
              <StateBadge state={run.state} />
              <span className="quiet row-end">
                <Elapsed from={run.started_at} until={run.ended_at} />
              </span>
            </>
          )}
        />
        <Coming />
        {isFirstThere && (
          <>
            <Health />
            <Trends />
          </>
        )}
      </div>
    </>
  );
}

const RUNNING: Input<FlowRunFilter> = { state_types: CARDS.running.types };

function Coming() {
  // What was due before now and does not run is late, and told of there.
  const filter = useMemo<Input<FlowRunFilter>>(
    () => ({ state_types: CARDS.coming.types, next_scheduled_start: { from: new Date().toISOString() } }),
    [],
  );
  return (
    <RunCard
      name="coming"
      title="Coming next"
      isNarrow
      filter={filter}
      more={{ state: "scheduled" }}
      none="Nothing is scheduled."
      row={(run) => (
        <>
          <RunLink run={run} />
          <span className="quiet row-end">
            <Moment at={run.next_scheduled_start_at ?? run.expected_start_at} />
          </span>
        </>
      )}
    />
  );
}

interface RunCardProps {
  name: CardName;
  title: string;
  filter: Input<FlowRunFilter>;
  /** The words of the address of the whole list. */
  more: Record<string, string>;
  none: ReactNode;
  /** A third of the width instead of half. */
  isNarrow?: boolean;
  row: (run: FlowRun) => ReactNode;
}

/** The query of a card. */
function cardQuery(name: CardName, filter: Input<FlowRunFilter>) {
  return queryOptions({
    queryKey: [...cardKey(name), filter],
    queryFn: ({ signal }) => call("ListFlowRuns", { filter, sort: CARDS[name].sort, page_size: MOST }, signal),
    placeholderData: keepPreviousData,
  });
}

function RunCard({ name, title, filter, more, none, isNarrow = false, row }: RunCardProps) {
  const { data, error, refetch } = useQuery(cardQuery(name, filter));
  return (
    <section className={`tile ${isNarrow ? "dash-third" : ""}`} aria-labelledby={`dash-${name}`}>
      <div className="tile-head">
        <h2 id={`dash-${name}`}>{title}</h2>
        <Link to="/runs" search={more} className="tile-note" aria-label={`All of: ${title}`}>
          All
        </Link>
      </div>
      {error !== null && <Fault error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <Loading what={title} />}
      {data?.flow_runs.length === 0 && <p className="quiet">{none}</p>}
      {data !== undefined && data.flow_runs.length > 0 && (
        <ul className="tile-rows">
          {data.flow_runs.map((run) => (
            <li key={run.flow_run_id}>{row(run)}</li>
          ))}
        </ul>
      )}
    </section>
  );
}

/** A run by its name, with its flow. */
export function RunLink({ run }: { run: FlowRun }) {
  return (
    <span className="row-name">
      <Link to="/runs/$flowRunId" params={{ flowRunId: run.flow_run_id }}>
        {run.name}
      </Link>
      <span className="quiet"> {run.deployment_name === "" ? run.flow_name : `${run.flow_name} / ${run.deployment_name}`}</span>
    </span>
  );
}

function Failure({ run }: { run: FlowRun }) {
  const line = run.state?.message.split("\n", 1)[0] ?? "";
  return (
    <>
      <RunLink run={run} />
      <StateBadge state={run.state} />
      <span className="quiet row-end">
        <Moment at={run.ended_at} />
      </span>
      {line !== "" && <span className="error-line row-line">{line}</span>}
    </>
  );
}

const EXAMPLE = `from headrace import flow, task

@task
def measure(day: int) -> int:
    return day * day

@flow(log_prints=True)
def hello():
    print(sum(measure.map(range(10)).result()))

hello()`;

function Welcome() {
  return (
    <Empty title="Welcome to Headrace" code={EXAMPLE}>
      <p>Save this as hello.py and start it with python hello.py. Its run shows up here by itself, with its tasks and its log.</p>
    </Empty>
  );
}
