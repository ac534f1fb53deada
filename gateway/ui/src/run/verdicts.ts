import type { Verdict } from "../api/contract.gen.ts";

/** Returns why a change was refused; undefined if it was not. */
export function refusal(verdict: Verdict | undefined): string | undefined {
  return verdict?.rejected?.reason ?? verdict?.aborted?.reason ?? verdict?.wait?.reason;
}
