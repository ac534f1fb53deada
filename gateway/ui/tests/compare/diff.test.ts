import { describe, expect, test } from "vitest";
import { diffLines } from "../../src/compare/diff.ts";

/** Returns the differences of two texts, a letter a line: "-a +b  c". */
function shown(before: string, after: string): string {
  const sign = { same: " ", removed: "-", added: "+" };
  return diffLines(Array.from(before), Array.from(after))
    .map(({ kind, text }) => sign[kind] + text)
    .join("");
}

/** Returns how many lines two lists have in common at most. */
function commonOf(before: string[], after: string[]): number {
  const row = new Array<number>(after.length + 1).fill(0);
  for (const a of before) {
    let diagonal = 0;
    after.forEach((b, index) => {
      const above = row[index + 1] ?? 0;
      row[index + 1] = a === b ? diagonal + 1 : Math.max(above, row[index] ?? 0);
      diagonal = above;
    });
  }
  return row.at(-1) ?? 0;
}

test.each([
  ["", "", ""],
  ["abc", "abc", " a b c"],
  ["", "ab", "+a+b"],
  ["ab", "", "-a-b"],
  ["abc", "axc", " a-b+x c"],
  ["abc", "ac", " a-b c"],
  ["ac", "abc", " a+b c"],
  ["aa", "aaa", " a a+a"],
  ["ab", "cd", "-a-b+c+d"],
])("from %j to %j: %j", (before, after, text) => {
  expect(shown(before, after)).toBe(text);
});

describe("whatever two logs say", () => {
  // Lists that look like chance, and are the same each time.
  const cases = Array.from({ length: 60 }, (_, seed) => {
    let state = seed * 2_654_435_761 + 1;
    const next = (most: number) => {
      state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
      return Math.floor((state / 2_147_483_648) * most);
    };
    const line = () => String.fromCharCode(97 + next(4));
    return [Array.from({ length: next(30) }, line), Array.from({ length: next(30) }, line)] as const;
  });

  test("both can be read from the differences", () => {
    for (const [before, after] of cases) {
      const lines = diffLines([...before], [...after]);
      expect(lines.filter(({ kind }) => kind !== "added").map(({ text }) => text)).toEqual(before);
      expect(lines.filter(({ kind }) => kind !== "removed").map(({ text }) => text)).toEqual(after);
    }
  });

  test("the differences are as few as can be", () => {
    for (const [before, after] of cases)
      expect(diffLines([...before], [...after]).filter(({ kind }) => kind === "same")).toHaveLength(commonOf([...before], [...after]));
  });
});

test("logs that have nothing in common are told as two blocks", () => {
  const before = Array.from({ length: 1_500 }, (_, index) => `before ${index}`);
  const after = Array.from({ length: 1_500 }, (_, index) => `after ${index}`);
  const lines = diffLines(["first", ...before, "last"], ["first", ...after, "last"]);
  expect(lines.map(({ text }) => text)).toEqual(["first", ...before, ...after, "last"]);
});
