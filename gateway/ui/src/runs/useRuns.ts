// The list of flow runs, kept current by a stream.

import { useInfiniteQuery, useQueryClient, type InfiniteData } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useRef } from "react";
import { call } from "../api/client.ts";
import type { FlowRun, FlowRunFilter, FlowRunSort, Input, ListFlowRunsResponse } from "../api/contract.gen.ts";
import { useStream } from "../api/live.ts";
import { useOpened } from "../api/watch.ts";
import { merge } from "./merge.ts";

const PAGE_SIZE = 100;
const GATHER_MILLISECONDS = 1_000;

interface Pages {
  runs: FlowRun[];
  isLoading: boolean;
  error: Error | null;
  hasMore: boolean;
  isLoadingMore: boolean;
  loadMore: () => void;
  refetch: () => void;
}

type Data = InfiniteData<ListFlowRunsResponse, string>;

/**
 * Returns the flow runs that match, as they are now.
 *
 * The stream is asked for all states: a run that leaves the wanted ones has to leave the list.
 *
 * @param filter Which ones; has to be stable.
 * @param sort Without one the newest come first.
 * @param onChange Called some time after runs changed, once for all of a second.
 */
export function useRuns(filter: Input<FlowRunFilter>, sort?: FlowRunSort, onChange?: () => void): Pages {
  const queries = useQueryClient();
  const queryKey = useMemo(() => ["flow-runs", filter, sort], [filter, sort]);
  const query = useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam, signal }) =>
      call("ListFlowRuns", { filter, sort, page_size: PAGE_SIZE, page_token: pageParam }, signal),
    initialPageParam: "",
    getNextPageParam: (page) => (page.next_page_token === "" ? undefined : page.next_page_token),
  });

  const gathering = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const notify = useRef(onChange);
  useEffect(() => {
    notify.current = onChange;
  });
  const apply = useCallback((runs: FlowRun[]) => {
    const batch = new Map(runs.map((run) => [run.flow_run_id, run]));
    const types = filter.state_types ?? [];
    const names = filter.state_names ?? [];
    const belongs = ({ state }: FlowRun) =>
      (types.length === 0 || (state !== undefined && types.includes(state.type))) &&
      (names.length === 0 || (state !== undefined && names.includes(state.name)));
    queries.setQueryData<Data>(queryKey, (data) => data && merge(data, batch, belongs, sort === undefined));
    gathering.current ??= setTimeout(() => {
      gathering.current = undefined;
      notify.current?.();
    }, GATHER_MILLISECONDS);
  }, [queries, queryKey, filter, sort]);
  useEffect(
    () => () => {
      clearTimeout(gathering.current);
      gathering.current = undefined;
    },
    [],
  );

  const followed = useMemo(() => ({ filter: { ...filter, state_types: undefined, state_names: undefined } }), [filter]);
  // What changed between the list and the stream, or while the connection was lost.
  const hasOpened = useRef(false);
  const onOpen = useOpened(() => {
    void queries.invalidateQueries({ queryKey: ["flow-runs"] });
    if (hasOpened.current) notify.current?.();
    hasOpened.current = true;
  });
  useStream("FollowFlowRuns", followed, {
    onOpen,
    // The server gathers changes: there are a few answers in a second at most.
    onAnswer: ({ flow_runs: runs }) => {
      if (runs.length > 0) apply(runs);
    },
  });

  return {
    runs: useMemo(() => query.data?.pages.flatMap((page) => page.flow_runs) ?? [], [query.data]),
    isLoading: query.isPending,
    error: query.error,
    hasMore: query.hasNextPage,
    isLoadingMore: query.isFetchingNextPage,
    loadMore: () => void query.fetchNextPage(),
    refetch: () => void query.refetch(),
  };
}
