// What a page shows stands in its address: filters, tabs and orders are words in the query, and nothing else is.

import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback } from "react";

/** The words of an address's query. */
export type Search = Record<string, string | undefined>;

/** Reads a query; every value is a text. */
export function parseSearch(query: string): Search {
  return Object.fromEntries(new URLSearchParams(query));
}

/** Writes a query; what is empty is left out. */
export function stringifySearch(search: Record<string, unknown>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(search))
    if (typeof value === "string" && value !== "") query.set(name, value);
    else if (typeof value === "number" || typeof value === "boolean") query.set(name, String(value));
  const text = query.toString().replaceAll("%2C", ",").replaceAll("%3A", ":");
  return text === "" ? "" : `?${text}`;
}

/** Takes over the words of a query that are texts. */
export function validateSearch(search: Record<string, unknown>): Search {
  return Object.fromEntries(
    Object.entries(search).flatMap(([name, value]) =>
      typeof value === "string" && value !== "" ? [[name, value]] : typeof value === "number" ? [[name, String(value)]] : [],
    ),
  );
}

/** Changes words of the address. A step is one that the browser's way back undoes by itself. */
export type Change = (change: Search, isStep?: boolean) => void;

/**
 * Returns the words of the page's address, and what changes some of them.
 *
 * An empty or undefined word is taken out. Unless it is a step, the change replaces the entry in the browser's history.
 */
export function useAddress(): [Search, Change] {
  const search: Search = useSearch({ strict: false });
  const navigate = useNavigate();
  const change = useCallback(
    (next: Search, isStep = false) =>
      void navigate({
        to: ".",
        search: (old: Search) => validateSearch({ ...old, ...next }),
        replace: !isStep,
        resetScroll: false,
      }),
    [navigate],
  );
  return [search, change];
}
