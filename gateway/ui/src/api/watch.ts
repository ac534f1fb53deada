// Lists that are asked for again when an event says that they changed.

import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import type { EventFilter, Input } from "./contract.gen.ts";
import { useStream } from "./live.ts";
import { useRested } from "./rested.ts";

/** Events come in groups, and may come without an end. */
const REST_MILLISECONDS = 250;
/** What changed between the page and its stream is next to nothing: the page is drawn before that is asked for. */
const SETTLE_MILLISECONDS = 1_000;

/** Returns what is called whenever a stream stands: lists are asked for again, the first time when the page is drawn. */
export function useOpened(refresh: () => void): () => void {
  const hasOpened = useRef(false);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  return () => {
    clearTimeout(timer.current);
    if (hasOpened.current) refresh();
    else timer.current = setTimeout(refresh, SETTLE_MILLISECONDS);
    hasOpened.current = true;
  };
}

/**
 * Follows events and asks again for what they make outdated.
 *
 * @param names Names of events; "*" at the end matches any rest.
 * @param queryKeys First parts of the keys of queries.
 * @param among Only these events.
 */
export function useInvalidation(names: string[], queryKeys: string[], among: Input<EventFilter> = {}): void {
  const queries = useQueryClient();
  const token = useRef("");
  const refresh = useRested(
    () => Promise.all(queryKeys.map((key) => queries.invalidateQueries({ queryKey: [key] }))),
    REST_MILLISECONDS,
  );
  const onOpen = useOpened(refresh);
  useStream(
    "FollowEvents",
    { filter: { ...among, names } },
    {
      onOpen,
      onAnswer: ({ events, follow_token: next }) => {
        if (next !== "") token.current = next;
        if (events.length > 0) refresh();
      },
    },
    { renew: (asked) => ({ ...asked, follow_token: token.current }) },
  );
}
