import { useCallback, useState } from "react";

export type Theme = "system" | "light" | "dark";

const KEY = "headrace-theme";
const NEXT: Record<Theme, Theme> = { system: "light", light: "dark", dark: "system" };

function stored(): Theme {
  const value = localStorage.getItem(KEY);
  return value === "light" || value === "dark" ? value : "system";
}

/** Returns the chosen theme and what goes on to the next one: system, light, dark. */
export function useTheme(): [Theme, () => void] {
  const [theme, setTheme] = useState(stored);
  const advance = useCallback(() => {
    const next = NEXT[stored()];
    if (next === "system") {
      localStorage.removeItem(KEY);
      delete document.documentElement.dataset.theme;
    } else {
      localStorage.setItem(KEY, next);
      document.documentElement.dataset.theme = next;
    }
    setTheme(next);
  }, []);
  return [theme, advance];
}
