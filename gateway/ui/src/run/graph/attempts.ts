// The tries of a task run, as its history tells them.

import type { State } from "../../api/contract.gen.ts";
import { lookOf } from "../../api/states.ts";

/** A try of a task run, in milliseconds. */
export interface Attempt {
  from: number;
  until: number;
  key: string;
}

/** Returns the tries in the history of a task run: from each RUNNING to the state behind it. */
export function attemptsOf(states: State[]): Attempt[] {
  return states.flatMap((state, index) => {
    if (state.type !== "STATE_TYPE_RUNNING") return [];
    const next = states[index + 1];
    const from = Date.parse(state.occurred_at ?? "");
    const until = next?.occurred_at === undefined ? Date.now() : Date.parse(next.occurred_at);
    // A try that is followed by another one failed, whatever the state in between is called.
    const key = next === undefined ? "running" : next.type === "STATE_TYPE_SCHEDULED" ? "failed" : lookOf(next.type).key;
    return [{ from, until, key }];
  });
}
