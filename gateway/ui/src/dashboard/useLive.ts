// The dashboard is asked for again when runs change: at once, and then at most once a second.

import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { useStream } from "../api/live.ts";

const REST_MILLISECONDS = 1_000;
const EVERYTHING = { filter: {} };

/** Follows all flow runs and asks again for what is shown of them. */
export function useLive(): void {
  const queries = useQueryClient();
  const resting = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const isOutdated = useRef(false);
  const settling = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(
    () => () => {
      clearTimeout(resting.current);
      resting.current = undefined;
      clearTimeout(settling.current);
    },
    [],
  );
  const refresh = () => {
    if (resting.current !== undefined) {
      isOutdated.current = true;
      return;
    }
    void queries.invalidateQueries({ queryKey: ["dashboard"] });
    void queries.invalidateQueries({ queryKey: ["flow-run-insight"] });
    resting.current = setTimeout(() => {
      resting.current = undefined;
      if (!isOutdated.current) return;
      isOutdated.current = false;
      refresh();
    }, REST_MILLISECONDS);
  };
  const hasOpened = useRef(false);
  useStream("FollowFlowRuns", EVERYTHING, {
    onOpen: () => {
      // What changed between the page and its stream is next to nothing: it is drawn before that is asked for.
      clearTimeout(settling.current);
      if (hasOpened.current) refresh();
      else settling.current = setTimeout(refresh, REST_MILLISECONDS);
      hasOpened.current = true;
    },
    onAnswer: ({ flow_runs: runs }) => {
      if (runs.length > 0) refresh();
    },
  });
}
