import { describe, expect, test } from "vitest";
import type { StateType } from "../../src/api/contract.gen.ts";
import { STATE_TYPES, isFinal, isRunning, lookOf, stateText, typeOfKey } from "../../src/api/states.ts";
import { aState } from "../builders.ts";

describe("types of states", () => {
  test("people filter by all but the unspecified one, in the order of a run's life", () => {
    expect(STATE_TYPES.map((type) => lookOf(type).key)).toEqual([
      "scheduled",
      "pending",
      "running",
      "paused",
      "cancelling",
      "cancelled",
      "completed",
      "failed",
      "crashed",
    ]);
  });

  test.each(STATE_TYPES)("the word of %s in an address leads back to it", (type) => {
    expect(typeOfKey(lookOf(type).key)).toBe(type);
  });

  test("a word that is no state means none", () => {
    expect(typeOfKey("unknown")).toBeUndefined();
    expect(typeOfKey("Failed")).toBeUndefined();
    expect(typeOfKey("")).toBeUndefined();
  });

  test("a type of a newer server looks unknown", () => {
    expect(lookOf("STATE_TYPE_FROZEN" as StateType)).toEqual({ key: "unknown", label: "Unknown" });
    expect(lookOf(undefined).label).toBe("Unknown");
  });
});

describe("what a state is called", () => {
  test.each([
    ["Late", "Late"],
    ["AwaitingRetry", "Awaiting retry"],
    ["AwaitingConcurrencySlot", "Awaiting a slot"],
    ["My own", "My own"],
    ["constructor", "constructor"],
  ])("%s reads %s", (name, text) => {
    expect(stateText(aState("scheduled", { name }))).toBe(text);
  });

  test("one without a name is called after its type", () => {
    expect(stateText(aState("crashed", { name: "" }))).toBe("Crashed");
    expect(stateText(undefined)).toBe("Unknown");
  });
});

test("what completed, failed, crashed or was cancelled is over; nothing else is", () => {
  const over = STATE_TYPES.filter((type) => isFinal(aState("", { type })));
  expect(over.map((type) => lookOf(type).key)).toEqual(["cancelled", "completed", "failed", "crashed"]);
  expect(isFinal(undefined)).toBe(false);
});

test("a run that is being cancelled still runs", () => {
  expect(isRunning(aState("running"))).toBe(true);
  expect(isRunning(aState("cancelling"))).toBe(true);
  expect(isRunning(aState("paused"))).toBe(false);
  expect(isRunning(undefined)).toBe(false);
});
