import { useCallback, useSyncExternalStore } from "react";

export type Theme = "system" | "light" | "dark";

export const THEMES: Theme[] = ["system", "light", "dark"];

const KEY = "headrace-theme";
const listeners = new Set<() => void>();

function stored(): Theme {
  const value = localStorage.getItem(KEY);
  return value === "light" || value === "dark" ? value : "system";
}

/** Chooses the theme, for this browser. */
export function chooseTheme(theme: Theme): void {
  if (theme === "system") {
    localStorage.removeItem(KEY);
    delete document.documentElement.dataset.theme;
  } else {
    localStorage.setItem(KEY, theme);
    document.documentElement.dataset.theme = theme;
  }
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Returns the chosen theme and what goes on to the next one: system, light, dark. */
export function useTheme(): [Theme, () => void] {
  const theme = useSyncExternalStore(subscribe, stored);
  const advance = useCallback(() => {
    const next = THEMES[(THEMES.indexOf(stored()) + 1) % THEMES.length] ?? "system";
    chooseTheme(next);
  }, []);
  return [theme, advance];
}
