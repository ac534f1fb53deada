// Whether the server answers, for all parts of the page alike.

import { useSyncExternalStore } from "react";

export type Connection = "connected" | "lost" | "back";

const BACK_MILLISECONDS = 4_000;

let state: Connection = "connected";
let timer: number | undefined;
const listeners = new Set<() => void>();

function become(next: Connection): void {
  if (state === next) return;
  state = next;
  window.clearTimeout(timer);
  if (next === "back") timer = window.setTimeout(() => become("connected"), BACK_MILLISECONDS);
  for (const listener of listeners) listener();
}

/** The server did not answer, or a stream broke. */
export function reportLoss(): void {
  become("lost");
}

/** The server answered. */
export function reportAnswer(): void {
  if (state === "lost") become("back");
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Returns how things stand with the server: `back` for a moment after it was lost. */
export function useConnection(): Connection {
  return useSyncExternalStore(subscribe, () => state);
}
