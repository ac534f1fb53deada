// The log records that a page has, and what becomes of them as more come.

import type { CallError } from "../api/client.ts";
import type { LogRecord } from "../api/contract.gen.ts";

/** So many records are shown at the start; further ones as they come. */
export const TAIL = 1_000;
/** Beyond, the oldest go. */
export const MOST_RECORDS = 50_000;
/** So many come at once when older ones are asked for. */
export const OLDER = 1_000;

export interface LogState {
  records: LogRecord[];
  /** Everything that was there at the start has come. */
  isCaughtUp: boolean;
  /** There may be older records. */
  isCut: boolean;
  refused: CallError | undefined;
}

export type LogChange =
  | { add: LogRecord[]; isCaughtUp: boolean }
  | { older: LogRecord[]; isCut: boolean }
  | { refused: CallError }
  | "reset";

export const NOTHING: LogState = { records: [], isCaughtUp: false, isCut: false, refused: undefined };

/** Returns the records after a change. */
export function reduce(state: LogState, change: LogChange): LogState {
  if (change === "reset") return NOTHING;
  if ("refused" in change) return { ...state, refused: change.refused, isCaughtUp: true };
  if ("older" in change) {
    const known = new Set(state.records.slice(0, OLDER).map((record) => record.log_id));
    const older = change.older.filter((record) => !known.has(record.log_id));
    return { ...state, records: [...older, ...state.records], isCut: change.isCut };
  }
  const all = change.add.length > 0 ? [...state.records, ...change.add] : state.records;
  const records = all.length > MOST_RECORDS ? all.slice(all.length - MOST_RECORDS) : all;
  return {
    ...state,
    records,
    isCaughtUp: state.isCaughtUp || change.isCaughtUp,
    isCut: state.isCut || records !== all || (!state.isCaughtUp && records.length >= TAIL),
  };
}
