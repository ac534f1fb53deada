import { describe, expect, test, vi } from "vitest";
import type { LogRecord } from "../../src/api/contract.gen.ts";
import { MOST_RECORDS, NOTHING, OLDER, TAIL, reduce, type LogState } from "../../src/run/records.ts";
import { aLogRecord } from "../builders.ts";

vi.stubGlobal("window", { location: { pathname: "/" } });
const { CallError } = await import("../../src/api/client.ts");

const some = (count: number, first = 0): LogRecord[] => Array.from({ length: count }, (_, index) => aLogRecord(String(first + index)));
const ids = ({ records }: LogState) => records.map((record) => record.log_id);
const after = (...adds: { add: LogRecord[]; isCaughtUp: boolean }[]) => adds.reduce<LogState>(reduce, NOTHING);

describe("records as they come", () => {
  test("are appended", () => {
    const state = after({ add: some(2), isCaughtUp: false }, { add: some(1, 2), isCaughtUp: true });
    expect(ids(state)).toEqual(["0", "1", "2"]);
    expect(state).toMatchObject({ isCaughtUp: true, isCut: false });
  });

  test("are caught up once and for all", () => {
    expect(after({ add: [], isCaughtUp: true }, { add: some(1), isCaughtUp: false }).isCaughtUp).toBe(true);
  });

  test("may have older ones before them where as many came at the start as were asked for", () => {
    expect(after({ add: some(TAIL - 1), isCaughtUp: true }).isCut).toBe(false);
    expect(after({ add: some(TAIL), isCaughtUp: true }).isCut).toBe(true);
    expect(after({ add: some(1), isCaughtUp: true }, { add: some(TAIL, 1), isCaughtUp: false }).isCut).toBe(false);
  });

  test("push the oldest out where there are too many", () => {
    const state = after({ add: some(10), isCaughtUp: true }, { add: some(MOST_RECORDS - 5, 10), isCaughtUp: true });
    expect(state.records).toHaveLength(MOST_RECORDS);
    expect(state.records[0]?.log_id).toBe("5");
    expect(state.isCut).toBe(true);
  });

  test("leave the list as it is where none came, so that nothing is drawn anew", () => {
    const state = after({ add: some(1), isCaughtUp: true });
    expect(reduce(state, { add: [], isCaughtUp: true }).records).toBe(state.records);
  });
});

describe("older records", () => {
  test("come before those that are there, each once", () => {
    const state = after({ add: some(3, 5), isCaughtUp: true });
    const longer = reduce(state, { older: some(4, 2), isCut: true });
    expect(ids(longer)).toEqual(["2", "3", "4", "5", "6", "7"]);
    expect(longer.isCut).toBe(true);
  });

  test("end where the server has no more", () => {
    const state = after({ add: some(TAIL, OLDER), isCaughtUp: true });
    expect(reduce(state, { older: some(3), isCut: false })).toMatchObject({ isCut: false });
  });
});

test("what was refused is not waited for any longer", () => {
  const refused = new CallError("No.", 403, "");
  expect(reduce(NOTHING, { refused })).toEqual({ ...NOTHING, refused, isCaughtUp: true });
});

test("another filter begins with nothing", () => {
  expect(reduce(after({ add: some(2), isCaughtUp: true }), "reset")).toEqual(NOTHING);
});
