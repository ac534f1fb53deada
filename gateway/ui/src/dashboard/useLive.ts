// The dashboard is asked for again when runs change: what they are at once, what they sum up to less often.

import { useQueryClient } from "@tanstack/react-query";
import { useStream } from "../api/live.ts";
import { useRested } from "../api/rested.ts";
import { useOpened } from "../api/watch.ts";

const RUNS_REST_MILLISECONDS = 200;
const SUMS_REST_MILLISECONDS = 1_000;
const EVERYTHING = { filter: {} };
/** Second parts of the keys of lists of runs. */
const RUNS = ["failures", "running", "coming"];

/** Follows all flow runs and asks again for what is shown of them. */
export function useLive(): void {
  const queries = useQueryClient();
  const isOfRuns = ({ queryKey: [page, part] }: { queryKey: readonly unknown[] }) =>
    page === "dashboard" && typeof part === "string" && RUNS.includes(part);
  const refreshRuns = useRested(() => queries.invalidateQueries({ predicate: isOfRuns }), RUNS_REST_MILLISECONDS);
  const refreshSums = useRested(
    () =>
      Promise.all([
        queries.invalidateQueries({ queryKey: ["dashboard"], predicate: (query) => !isOfRuns(query) }),
        queries.invalidateQueries({ queryKey: ["flow-run-insight"] }),
      ]),
    SUMS_REST_MILLISECONDS,
  );
  const refresh = () => {
    refreshRuns();
    refreshSums();
  };
  const onOpen = useOpened(refresh);
  useStream("FollowFlowRuns", EVERYTHING, {
    onOpen,
    onAnswer: ({ flow_runs: runs }) => {
      if (runs.length > 0) refresh();
    },
  });
}
