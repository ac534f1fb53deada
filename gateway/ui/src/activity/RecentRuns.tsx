import { keepPreviousData, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { call } from "../api/client.ts";
import type { FlowRun, FlowRunFilter, Input } from "../api/contract.gen.ts";
import { useStream } from "../api/live.ts";
import { useRested } from "../api/rested.ts";
import { useOpened } from "../api/watch.ts";
import { DataTable, type Column } from "../parts/DataTable.tsx";
import { Elapsed, Moment } from "../parts/Moment.tsx";
import { Fault, Loading } from "../parts/Notice.tsx";
import { StateBadge } from "../parts/StateBadge.tsx";

const REST_MILLISECONDS = 250;
const RUNS = 25;

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
    id: "started",
    header: "Started",
    cell: ({ row: { original: run } }) => <Moment at={run.started_at ?? run.next_scheduled_start_at} />,
  },
  {
    id: "took",
    header: "Took",
    cell: ({ row: { original: run } }) => <Elapsed from={run.started_at} until={run.ended_at} />,
  },
];

interface RecentRunsProps {
  label: string;
  filter: Input<FlowRunFilter>;
  /** Which changes may change the list, where that is more than the filter: runs that leave a state have to leave, too. */
  follow?: Input<FlowRunFilter>;
  /** What to say where there are none. */
  none: string;
}

/** The newest runs that match, as they are now. */
export function RecentRuns({ label, filter, follow = filter, none }: RecentRunsProps) {
  const queries = useQueryClient();
  const queryKey = ["recent-runs", filter];
  const { data, error, isPending, refetch } = useQuery({
    queryKey,
    queryFn: ({ signal }) => call("ListFlowRuns", { filter, page_size: RUNS }, signal),
    placeholderData: keepPreviousData,
  });
  const refresh = useRested(() => queries.invalidateQueries({ queryKey }), REST_MILLISECONDS);
  const onOpen = useOpened(refresh);
  useStream("FollowFlowRuns", { filter: follow }, {
    onOpen,
    onAnswer: ({ flow_runs: runs }) => {
      if (runs.length > 0) refresh();
    },
  });
  if (error !== null) return <Fault error={error} onRetry={() => void refetch()} />;
  if (isPending) return <Loading what="runs" />;
  if (data.flow_runs.length === 0) return <p className="quiet">{none}</p>;
  return <DataTable label={label} columns={COLUMNS} rows={data.flow_runs} rowKey={(run) => run.flow_run_id} />;
}
