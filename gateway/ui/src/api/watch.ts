// Lists that are asked for again when an event says that they changed.

import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import type { EventFilter, Input } from "./contract.gen.ts";
import { useStream } from "./live.ts";

const GATHER_MILLISECONDS = 200;

/**
 * Follows events and asks again for what they make outdated.
 *
 * @param names Names of events; "*" at the end matches any rest.
 * @param queryKeys First parts of the keys of queries.
 * @param among Only these events.
 */
export function useInvalidation(names: string[], queryKeys: string[], among: Input<EventFilter> = {}): void {
  const queries = useQueryClient();
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const token = useRef("");
  useEffect(
    () => () => {
      clearTimeout(timer.current);
      timer.current = undefined;
    },
    [],
  );
  const invalidate = () => {
    // Events come in groups, and may come without an end: what is asked for covers all until then.
    if (timer.current !== undefined) return;
    timer.current = setTimeout(() => {
      timer.current = undefined;
      for (const key of queryKeys) void queries.invalidateQueries({ queryKey: [key] });
    }, GATHER_MILLISECONDS);
  };
  useStream(
    "FollowEvents",
    { filter: { ...among, names } },
    {
      onOpen: invalidate,
      onAnswer: ({ events, follow_token: next }) => {
        if (next !== "") token.current = next;
        if (events.length > 0) invalidate();
      },
    },
    { renew: (asked) => ({ ...asked, follow_token: token.current }) },
  );
}
