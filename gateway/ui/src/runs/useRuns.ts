// The list of flow runs, kept current by a stream.

import { useInfiniteQuery, useQueryClient, type InfiniteData } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useRef } from "react";
import { call } from "../api/client.ts";
import type { FlowRun, FlowRunFilter, Input, ListFlowRunsResponse, StateType } from "../api/contract.gen.ts";
import { useStream } from "../api/live.ts";

const PAGE_SIZE = 100;

interface Pages {
  runs: FlowRun[];
  isLoading: boolean;
  error: Error | null;
  hasMore: boolean;
  isLoadingMore: boolean;
  loadMore: () => void;
  retry: () => void;
}

function merge(
  data: InfiniteData<ListFlowRunsResponse, string>,
  changed: Map<string, FlowRun>,
  belongs: (run: FlowRun) => boolean,
): InfiniteData<ListFlowRunsResponse, string> {
  const known = new Set(data.pages.flatMap((page) => page.flow_runs.map((run) => run.flow_run_id)));
  const pages = data.pages.map((page) => ({
    ...page,
    flow_runs: page.flow_runs.map((run) => changed.get(run.flow_run_id) ?? run).filter(belongs),
  }));
  const fresh = [...changed.values()].filter((run) => !known.has(run.flow_run_id) && belongs(run));
  const [first, ...rest] = pages;
  if (first === undefined || fresh.length === 0) return { ...data, pages };
  // Ids are in the order of time, newest first in the list.
  const runs = [...fresh, ...first.flow_runs].sort((a, b) => (a.flow_run_id < b.flow_run_id ? 1 : -1));
  return { ...data, pages: [{ ...first, flow_runs: runs }, ...rest] };
}

/**
 * Returns the flow runs that match, newest first, as they are now.
 *
 * The stream is asked for all states: a run that leaves the wanted ones has to leave the list.
 */
export function useRuns(filter: Input<FlowRunFilter>, stateTypes: StateType[]): Pages {
  const queries = useQueryClient();
  const listed = useMemo(() => ({ ...filter, state_types: stateTypes }), [filter, stateTypes]);
  const queryKey = useMemo(() => ["flow-runs", listed], [listed]);
  const query = useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam, signal }) =>
      call("ListFlowRuns", { filter: listed, page_size: PAGE_SIZE, page_token: pageParam }, signal),
    initialPageParam: "",
    getNextPageParam: (page) => (page.next_page_token === "" ? undefined : page.next_page_token),
  });

  const changed = useRef(new Map<string, FlowRun>());
  const frame = useRef(0);
  const apply = useCallback(() => {
    frame.current = 0;
    const batch = changed.current;
    changed.current = new Map();
    const belongs = (run: FlowRun) =>
      stateTypes.length === 0 || (run.state !== undefined && stateTypes.includes(run.state.type));
    queries.setQueryData<InfiniteData<ListFlowRunsResponse, string>>(
      queryKey,
      (data) => data && merge(data, batch, belongs),
    );
  }, [queries, queryKey, stateTypes]);
  useEffect(() => () => cancelAnimationFrame(frame.current), [apply]);

  useStream("FollowFlowRuns", { filter }, {
    // What changed between the list and the stream, or while the connection was lost.
    onOpen: () => void queries.invalidateQueries({ queryKey: ["flow-runs"] }),
    onAnswer: ({ flow_runs: runs }) => {
      for (const run of runs) changed.current.set(run.flow_run_id, run);
      if (runs.length > 0 && frame.current === 0) frame.current = requestAnimationFrame(apply);
    },
  });

  return {
    runs: useMemo(() => query.data?.pages.flatMap((page) => page.flow_runs) ?? [], [query.data]),
    isLoading: query.isPending,
    error: query.error,
    hasMore: query.hasNextPage,
    isLoadingMore: query.isFetchingNextPage,
    loadMore: () => void query.fetchNextPage(),
    retry: () => void query.refetch(),
  };
}
