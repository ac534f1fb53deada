// What deployments and backfills say of themselves, in words.

import type { BackfillStatus, ConcurrencyStrategy, DeploymentConcurrency, JsonObject } from "../api/contract.gen.ts";

const STRATEGIES: Record<ConcurrencyStrategy, string> = {
  CONCURRENCY_STRATEGY_UNSPECIFIED: "more wait",
  CONCURRENCY_STRATEGY_ENQUEUE: "more wait",
  CONCURRENCY_STRATEGY_CANCEL_NEW: "more are cancelled",
  CONCURRENCY_STRATEGY_CANCEL_RUNNING: "a new one cancels the oldest",
};

/** Returns how many runs at once, in words. */
export function concurrencyText(concurrency: DeploymentConcurrency | undefined): string {
  if (concurrency === undefined) return "any number";
  if (concurrency.shared_limit_name !== "") return `as many as the limit ${concurrency.shared_limit_name} has slots`;
  const limit = concurrency.limit === undefined ? "any number" : `${concurrency.limit}, ${STRATEGIES[concurrency.strategy]}`;
  return concurrency.key === "" ? limit : `${limit}; ${concurrency.key_limit ?? 1} for each ${concurrency.key}`;
}

/** How a backfill that stands somewhere looks. */
export const BACKFILL_LOOKS: Record<BackfillStatus, { look: string; label: string }> = {
  BACKFILL_STATUS_UNSPECIFIED: { look: "unknown", label: "Unknown" },
  BACKFILL_STATUS_RUNNING: { look: "running", label: "Running" },
  BACKFILL_STATUS_PAUSED: { look: "paused", label: "Paused" },
  BACKFILL_STATUS_CANCELLING: { look: "cancelling", label: "Cancelling" },
  BACKFILL_STATUS_CANCELLED: { look: "cancelled", label: "Cancelled" },
  BACKFILL_STATUS_COMPLETED: { look: "completed", label: "Completed" },
  BACKFILL_STATUS_FAILED: { look: "failed", label: "Failed" },
};

/** Returns the parameters of a run in a line: their names and values. */
export function parametersText(parameters: JsonObject | undefined): string {
  return Object.entries(parameters ?? {})
    .map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(", ");
}
