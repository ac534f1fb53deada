// Whether the server answers, for all parts of the page alike.

import { useSyncExternalStore } from "react";

/** `partial`: streams fail although the server answers; `back`: for a moment after it was lost. */
export type Connection = "connected" | "lost" | "partial" | "back";

const BACK_MILLISECONDS = 4_000;
/** A stream that fails for a shorter time, as in a restart, is not worth a word. */
const PARTIAL_MILLISECONDS = 3_000;

let state: Connection = "connected";
let failing = 0;
let timer: number | undefined;
const listeners = new Set<() => void>();

function become(next: Connection): void {
  window.clearTimeout(timer);
  if (next === "back") timer = window.setTimeout(settle, BACK_MILLISECONDS);
  if (state === next) return;
  state = next;
  for (const listener of listeners) listener();
}

function settle(): void {
  become(failing > 0 ? "partial" : "connected");
}

/** The server did not answer. */
export function reportLoss(): void {
  become("lost");
}

/** The server answered. */
export function reportAnswer(): void {
  if (state === "lost") become("back");
}

/** A stream fails; returns what to call when it stands again or is not wanted any more. */
export function reportFailingStream(): () => void {
  failing += 1;
  if (state === "connected") {
    window.clearTimeout(timer);
    timer = window.setTimeout(settle, PARTIAL_MILLISECONDS);
  }
  let isOver = false;
  return () => {
    if (isOver) return;
    isOver = true;
    failing -= 1;
    if (state === "partial") settle();
  };
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Returns how things stand with the server. */
export function useConnection(): Connection {
  return useSyncExternalStore(subscribe, () => state);
}
