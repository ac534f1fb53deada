import { useEffect, useRef } from "react";

export interface Shortcut {
  /** One key, two pressed one after the other ("g r"), or one with control ("Ctrl+k", the command key of a Mac). */
  keys: string;
  what: string;
  run: () => void;
}

/** Whether the keyboard has a command key in place of control. */
export const isApple = /Mac|iPhone|iPad/.test(navigator.userAgent);

const PAIR_MILLISECONDS = 1_200;

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

/** Runs shortcuts, except while somebody types or a dialog is open. */
export function useShortcuts(shortcuts: Shortcut[]): void {
  const current = useRef(shortcuts);
  useEffect(() => {
    current.current = shortcuts;
  });
  useEffect(() => {
    let first = "";
    let firstAt = 0;
    const onKey = (event: KeyboardEvent) => {
      if (document.querySelector("[role=dialog]") !== null) return;
      if (event.ctrlKey || event.metaKey) {
        const found = current.current.find(({ keys }) => keys === `Ctrl+${event.key.toLowerCase()}`);
        if (found === undefined || event.altKey || event.shiftKey) return;
        event.preventDefault();
        found.run();
        return;
      }
      if (event.altKey || isTyping(event.target)) return;
      const pair = event.timeStamp - firstAt < PAIR_MILLISECONDS ? `${first} ${event.key}` : "";
      const found = current.current.find(({ keys }) => keys === pair || keys === event.key);
      first = event.key;
      firstAt = event.timeStamp;
      if (found === undefined) return;
      event.preventDefault();
      first = "";
      found.run();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, []);
}
