// The newest log records of a flow run, live.

import { useEffect, useMemo, useReducer, useRef } from "react";
import type { CallError } from "../api/client.ts";
import type { LogRecord } from "../api/contract.gen.ts";
import { useStream } from "../api/live.ts";

/** So many records are shown at the start; further ones as they come. */
export const TAIL = 2_000;
const MOST_RECORDS = 20_000;

interface LogState {
  records: LogRecord[];
  /** Everything that was there at the start has come. */
  isCaughtUp: boolean;
  /** Older records were left out. */
  isCut: boolean;
  refused: CallError | undefined;
}

type Change = { add: LogRecord[]; isCaughtUp: boolean } | { refused: CallError } | "reset";

const NOTHING: LogState = { records: [], isCaughtUp: false, isCut: false, refused: undefined };

function reduce(state: LogState, change: Change): LogState {
  if (change === "reset") return NOTHING;
  if ("refused" in change) return { ...state, refused: change.refused, isCaughtUp: true };
  const all = change.add.length > 0 ? [...state.records, ...change.add] : state.records;
  const records = all.length > MOST_RECORDS ? all.slice(all.length - MOST_RECORDS) : all;
  return {
    ...state,
    records,
    isCaughtUp: state.isCaughtUp || change.isCaughtUp,
    isCut: state.isCut || records !== all || (!state.isCaughtUp && records.length >= TAIL),
  };
}

/** Returns the log records of a flow run at a level or above, as they are written. */
export function useLogs(flowRunId: string, level: number): LogState {
  const [state, dispatch] = useReducer(reduce, NOTHING);
  const request = useMemo(
    () => ({ filter: { flow_run_ids: [flowRunId], level_at_least: level }, tail: TAIL }),
    [flowRunId, level],
  );
  const pending = useRef({ records: [] as LogRecord[], isCaughtUp: false, token: "", frame: 0 });
  useEffect(() => {
    const waiting = pending.current;
    return () => {
      // Another level is another list.
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
  return state;
}
