// The dashboard follows runs: they are put in as they come and asked for again behind that; sums, less often.

import { useQueryClient } from "@tanstack/react-query";
import type { FlowRun, ListFlowRunsResponse } from "../api/contract.gen.ts";
import { useStream } from "../api/live.ts";
import { useRested } from "../api/rested.ts";
import { useOpened } from "../api/watch.ts";
import { CARD_NAMES, cardKey, withChanges } from "./cards.ts";

const RUNS_REST_MILLISECONDS = 500;
const SUMS_REST_MILLISECONDS = 1_000;
/** What came is drawn before anything is asked for. */
const DRAWN_MILLISECONDS = 100;
const EVERYTHING = { filter: {} };

const drawn = () => new Promise((resolve) => setTimeout(resolve, DRAWN_MILLISECONDS));

/** Follows all flow runs, and keeps what is shown of them current. */
export function useLive(): void {
  const queries = useQueryClient();
  const isOfRuns = ({ queryKey: [page, part] }: { queryKey: readonly unknown[] }) =>
    page === "dashboard" && CARD_NAMES.some((name) => name === part);
  const refreshRuns = useRested(async () => {
    await drawn();
    await queries.invalidateQueries({ predicate: isOfRuns });
  }, RUNS_REST_MILLISECONDS);
  const refreshSums = useRested(async () => {
    await drawn();
    await Promise.all([
      queries.invalidateQueries({ queryKey: ["dashboard"], predicate: (query) => !isOfRuns(query) }),
      queries.invalidateQueries({ queryKey: ["flow-run-insight"] }),
    ]);
  }, SUMS_REST_MILLISECONDS);
  const refresh = () => {
    refreshRuns();
    refreshSums();
  };
  const putIn = (runs: FlowRun[]) => {
    for (const name of CARD_NAMES)
      queries.setQueriesData<ListFlowRunsResponse>({ queryKey: cardKey(name) }, (list) => list && withChanges(name, list, runs));
  };
  const onOpen = useOpened(refresh);
  useStream("FollowFlowRuns", EVERYTHING, {
    onOpen,
    onAnswer: ({ flow_runs: runs }) => {
      if (runs.length === 0) return;
      putIn(runs);
      refresh();
    },
  });
}
