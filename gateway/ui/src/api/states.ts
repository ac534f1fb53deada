// What the interface knows of states.

import type { State, StateType } from "./contract.gen.ts";

export interface StateLook {
  /** Word in the address and in class names. */
  key: string;
  label: string;
}

const UNKNOWN: StateLook = { key: "unknown", label: "Unknown" };
const LOOKS: Record<StateType, StateLook> = {
  STATE_TYPE_UNSPECIFIED: UNKNOWN,
  STATE_TYPE_SCHEDULED: { key: "scheduled", label: "Scheduled" },
  STATE_TYPE_PENDING: { key: "pending", label: "Pending" },
  STATE_TYPE_RUNNING: { key: "running", label: "Running" },
  STATE_TYPE_PAUSED: { key: "paused", label: "Paused" },
  STATE_TYPE_CANCELLING: { key: "cancelling", label: "Cancelling" },
  STATE_TYPE_CANCELLED: { key: "cancelled", label: "Cancelled" },
  STATE_TYPE_COMPLETED: { key: "completed", label: "Completed" },
  STATE_TYPE_FAILED: { key: "failed", label: "Failed" },
  STATE_TYPE_CRASHED: { key: "crashed", label: "Crashed" },
};

const FINAL: ReadonlySet<StateType> = new Set<StateType>([
  "STATE_TYPE_CANCELLED",
  "STATE_TYPE_COMPLETED",
  "STATE_TYPE_FAILED",
  "STATE_TYPE_CRASHED",
]);

/** The types that people filter by, in the order of a run's life. */
export const STATE_TYPES = (Object.keys(LOOKS) as StateType[]).filter((type) => type !== "STATE_TYPE_UNSPECIFIED");

export function lookOf(type: StateType | undefined): StateLook {
  // A newer server may know more types.
  return (LOOKS as Partial<Record<string, StateLook>>)[type ?? "STATE_TYPE_UNSPECIFIED"] ?? UNKNOWN;
}

/** Returns the type with a key of the address, undefined if there is none. */
export function typeOfKey(key: string): StateType | undefined {
  return STATE_TYPES.find((type) => LOOKS[type].key === key);
}

/** States whose names are several words. */
const NAMES: ReadonlyMap<string, string> = new Map([
  ["AwaitingRetry", "Awaiting retry"],
  ["AwaitingConcurrencySlot", "Awaiting a slot"],
  ["TimedOut", "Timed out"],
  ["RolledBack", "Rolled back"],
]);

/** Returns what a state is called. */
export function stateText(state: State | undefined): string {
  const name = state?.name ?? "";
  return name === "" ? lookOf(state?.type).label : (NAMES.get(name) ?? name);
}

export function isFinal(state: State | undefined): boolean {
  return state !== undefined && FINAL.has(state.type);
}

export function isRunning(state: State | undefined): boolean {
  return state?.type === "STATE_TYPE_RUNNING" || state?.type === "STATE_TYPE_CANCELLING";
}
