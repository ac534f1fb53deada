// The newest log records of a flow run, live, and older ones on demand.

import { useCallback, useEffect, useMemo, useReducer, useRef, useState } from "react";
import { call } from "../api/client.ts";
import type { Input, LogFilter, LogRecord } from "../api/contract.gen.ts";
import { useStream } from "../api/live.ts";
import { NOTHING, OLDER, TAIL, reduce, type LogState } from "./records.ts";

interface Logs extends LogState {
  isLoadingOlder: boolean;
  /** Asks for the records before the first; resolves to how many came. */
  loadOlder: () => Promise<number>;
}

/**
 * Returns log records, as they are written.
 *
 * @param filter Which ones; has to be stable.
 */
export function useLogs(filter: Input<LogFilter>): Logs {
  const [state, dispatch] = useReducer(reduce, NOTHING);
  const [isLoadingOlder, setLoadingOlder] = useState(false);
  const request = useMemo(() => ({ filter, tail: TAIL }), [filter]);
  const pending = useRef({ records: [] as LogRecord[], isCaughtUp: false, token: "", frame: 0 });
  useEffect(() => {
    const waiting = pending.current;
    return () => {
      // Another filter is another list.
      cancelAnimationFrame(waiting.frame);
      Object.assign(waiting, { records: [], isCaughtUp: false, token: "", frame: 0 });
      dispatch("reset");
    };
  }, [request]);
  useStream(
    "FollowLogs",
    request,
    {
      onAnswer: ({ logs, follow_token: token, caught_up: isCaughtUp }) => {
        const waiting = pending.current;
        for (const record of logs) waiting.records.push(record);
        waiting.isCaughtUp ||= isCaughtUp;
        if (token !== "") waiting.token = token;
        if (waiting.frame !== 0) return;
        waiting.frame = requestAnimationFrame(() => {
          dispatch({ add: waiting.records, isCaughtUp: waiting.isCaughtUp });
          waiting.records = [];
          waiting.frame = 0;
        });
      },
      onRefused: (refused) => dispatch({ refused }),
    },
    // After a loss the stream goes on behind the last record that came: nothing is lost and nothing comes twice.
    { renew: (asked) => (pending.current.token === "" ? asked : { filter: asked.filter, follow_token: pending.current.token }) },
  );
  const first = state.records[0]?.occurred_at;
  const loadOlder = useCallback(async () => {
    if (first === undefined) return 0;
    setLoadingOlder(true);
    try {
      const until = new Date(Date.parse(first) + 1).toISOString();
      const { logs } = await call("ListLogs", {
        filter: { ...filter, occurred: { until } },
        sort: "LOG_SORT_OCCURRED_DESC",
        page_size: OLDER,
      });
      dispatch({ older: logs.reverse(), isCut: logs.length >= OLDER });
      return logs.length;
    } finally {
      setLoadingOlder(false);
    }
  }, [filter, first]);
  return { ...state, isLoadingOlder, loadOlder };
}
