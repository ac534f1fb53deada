import { describe, expect, test } from "vitest";
import { layout, type LayoutRequest } from "../../../src/run/graph/layout.ts";

const NOT_YET = Number.NaN;

/** A flow run whose task runs have parents by their places. */
function aRequest(parents: number[][], times: [number, number][] = parents.map((_, index) => [index, index + 1]), now = 1_000): LayoutRequest {
  const offsets = new Int32Array(parents.length + 1);
  parents.forEach((own, index) => (offsets[index + 1] = (offsets[index] ?? 0) + own.length));
  return {
    round: 7,
    starts: Float64Array.from(times, ([start]) => start),
    ends: Float64Array.from(times, ([, end]) => end),
    offsets,
    parents: Int32Array.from(parents.flat()),
    now,
  };
}

describe("the timeline", () => {
  test("has a row for each of a few, in the order in which they began", () => {
    const request = aRequest([[], [], []], [[30, 40], [10, 50], [20, 25]]);
    expect([...layout(request).rows]).toEqual([2, 0, 1]);
    expect(layout(request).rowCount).toBe(3);
  });

  test("has those that have not begun last", () => {
    expect([...layout(aRequest([[], [], []], [[NOT_YET, NOT_YET], [10, NOT_YET], [20, 25]])).rows]).toEqual([2, 0, 1]);
  });

  test("shares rows among many that do not overlap", () => {
    const count = 1_000;
    const oneByOne = Array.from({ length: count }, (_, index): [number, number] => [index * 10, index * 10 + 10]);
    const { rowCount } = layout(aRequest(Array.from({ length: count }, () => []), oneByOne, 10_000));
    expect(rowCount).toBeLessThan(10);
  });

  test("never has two in a row that run at the same time", () => {
    const count = 900;
    // Numbers that look like chance, and are the same each time.
    const times = Array.from({ length: count }, (_, index): [number, number] => {
      const start = (index * 7_919) % 5_000;
      const end = start + 1 + ((index * 104_729) % 700);
      return [start, index % 50 === 0 ? NOT_YET : end];
    });
    const { rows, rowCount } = layout(aRequest(times.map(() => []), times, 6_000));
    const byRow = Array.from({ length: rowCount }, (): [number, number][] => []);
    times.forEach(([start, end], index) => byRow[rows[index] ?? 0]?.push([start, Number.isNaN(end) ? 6_000 : end]));
    for (const row of byRow) {
      expect(row.length).toBeGreaterThan(0);
      row.sort(([a], [b]) => a - b);
      row.forEach(([start], index) => expect(start).toBeGreaterThanOrEqual(row[index - 1]?.[1] ?? 0));
    }
  });
});

describe("the graph", () => {
  test("has each one behind the last of its parents", () => {
    const answer = layout(aRequest([[], [0], [0], [1, 2], [0, 3]]));
    expect([...answer.columns]).toEqual([0, 1, 1, 2, 3]);
    expect(answer).toMatchObject({ columnCount: 4, tallest: 2, round: 7 });
  });

  test("does not need parents to come first", () => {
    expect([...layout(aRequest([[1], [2], []])).columns]).toEqual([2, 1, 0]);
  });

  test("is laid out also where things wait for each other, or for themselves", () => {
    const { columns, columnCount } = layout(aRequest([[1], [0], [2], [1]]));
    expect([...columns].every((column) => column >= 0 && column < columnCount)).toBe(true);
    expect(columns[2]).toBe(0);
    expect(columns[0]).not.toBe(columns[1]);
  });

  test("is laid out for a chain that is long", () => {
    const chain = Array.from({ length: 20_000 }, (_, index) => (index === 19_999 ? [] : [index + 1]));
    expect(layout(aRequest(chain)).columnCount).toBe(20_000);
  });

  test("has the places of a column around its middle, none twice", () => {
    const { places } = layout(aRequest([[], [0], [0], [0], [0]]));
    expect(places[0]).toBe(0);
    expect([...places.slice(1)].sort((a, b) => a - b)).toEqual([-1.5, -0.5, 0.5, 1.5]);
  });

  test("has no crossing lines where children come in another order than their parents", () => {
    const { places } = layout(aRequest([[], [], [], [2], [1], [0]]));
    const above = (a: number, b: number) => (places[a] ?? 0) < (places[b] ?? 0);
    expect([above(0, 1), above(1, 2)]).toEqual([above(5, 4), above(4, 3)]);
  });
});

test("a run without tasks has nothing to lay out", () => {
  expect(layout(aRequest([]))).toMatchObject({ rowCount: 0, columnCount: 0, tallest: 0 });
});
