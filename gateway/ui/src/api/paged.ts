// Lists that the server gives page by page.

import { useInfiniteQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { call } from "./client.ts";
import type { Calls, Input } from "./contract.gen.ts";

type Paged = { [Name in keyof Calls]: Calls[Name]["response"] extends { next_page_token: string } ? Name : never }[keyof Calls];

/** A list as far as it was asked for. */
export interface List<Row> {
  rows: Row[];
  isPending: boolean;
  error: Error | null;
  hasMore: boolean;
  isLoadingMore: boolean;
  loadMore: () => void;
  refetch: () => void;
}

const PAGE_SIZE = 100;

/**
 * Returns the rows of a list, as far as they were asked for.
 *
 * @param name The call.
 * @param key First part of the key of the query, by which it is invalidated.
 * @param request Which rows; undefined asks for nothing yet.
 * @param rowsOf Takes the rows out of an answer.
 */
export function usePaged<Name extends Paged, Row>(
  name: Name,
  key: string,
  request: Input<Calls[Name]["request"]> | undefined,
  rowsOf: (answer: Calls[Name]["response"]) => Row[],
): List<Row> {
  const query = useInfiniteQuery({
    queryKey: [key, name, request],
    queryFn: ({ pageParam, signal }) =>
      call(name, { page_size: PAGE_SIZE, ...request, page_token: pageParam } as unknown as Input<Calls[Name]["request"]>, signal),
    initialPageParam: "",
    getNextPageParam: (page) => (page.next_page_token === "" ? undefined : page.next_page_token),
    enabled: request !== undefined,
  });
  const pages = query.data?.pages;
  // Callers pass functions that only pick a field.
  // eslint-disable-next-line react-hooks/exhaustive-deps
  const rows = useMemo(() => pages?.flatMap((page) => rowsOf(page)) ?? [], [pages]);
  return {
    rows,
    isPending: query.isPending,
    error: query.error,
    hasMore: query.hasNextPage,
    isLoadingMore: query.isFetchingNextPage,
    loadMore: () => void query.fetchNextPage(),
    refetch: () => void query.refetch(),
  };
}
