import { describe, expect, test } from "vitest";
import { parseSearch, stringifySearch, validateSearch } from "../../src/api/address.ts";

describe("the query of an address", () => {
  test.each([
    {},
    { text: "a b" },
    { text: "a+b & c=d?#/ü 100%" },
    { state: "failed,crashed", ended: "2026-01-01T00:00:00.000Z..", longer: "3600" },
    { text: "%2C is a comma, %3A is not" },
    { text: "0" },
  ])("%j is the same after it was written and read", (search) => {
    expect(parseSearch(stringifySearch(search))).toEqual(search);
  });

  test("commas and colons can be read by people", () => {
    expect(stringifySearch({ state: "failed,crashed", ended: "2026-01-01T00:00:00Z..", text: "a b" })).toBe(
      "?state=failed,crashed&ended=2026-01-01T00:00:00Z..&text=a+b",
    );
  });

  test("what is empty is left out", () => {
    expect(stringifySearch({ text: "", state: undefined, more: null })).toBe("");
    expect(stringifySearch({ text: "", page: 2, open: false })).toBe("?page=2&open=false");
  });

  test("a number in it stays a text", () => {
    expect(parseSearch("?run=007&flag=true")).toEqual({ run: "007", flag: "true" });
  });
});

test("only words with something in them are taken over", () => {
  expect(validateSearch({ text: "a", empty: "", gone: undefined, count: 3, more: { a: 1 }, list: ["a"] })).toEqual({ text: "a", count: "3" });
});
