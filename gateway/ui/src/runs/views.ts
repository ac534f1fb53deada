// Views of the list of runs: filters under a name. They are kept with the workspace for everybody who sees it, or in this browser.

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { Search } from "../api/address.ts";
import { call } from "../api/client.ts";
import type { JsonObject, JsonValue, Variable } from "../api/contract.gen.ts";

const LOCAL = "headrace-run-views";
// A view is a saved search, as clients of Prefect keep them: a variable with this tag.
const TAG = "saved-search";
const PREFIX = "saved-search-";
const OBJECT = "runs-page";
const MOST = 200;

export interface View {
  name: string;
  search: Search;
  /** The variable that keeps it; undefined is this browser. */
  variable?: string;
}

/** Views that are there from the start. */
export const OURS: readonly View[] = [
  { name: "Failed today", search: { state: "failed,crashed", ended: "24h" } },
  { name: "Running now", search: { state: "running,pending,cancelling,paused" } },
  { name: "Late", search: { state_name: "Late" } },
  { name: "Longer than an hour", search: { longer: "3600" } },
];

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Returns the view that a variable keeps, or undefined if it keeps something else. */
export function viewOf(variable: Variable): View | undefined {
  const { value, name: key, tags } = variable;
  if (!tags.includes(TAG) || !isObject(value) || typeof value.name !== "string" || !Array.isArray(value.filters)) return undefined;
  const search: Search = {};
  for (const filter of value.filters) {
    if (!isObject(filter) || filter.object !== OBJECT) return undefined;
    if (typeof filter.property !== "string" || typeof filter.value !== "string") return undefined;
    search[filter.property] = filter.value;
  }
  return { name: value.name, search, variable: key };
}

function valueOf({ name, search }: View): JsonObject {
  const filters = Object.entries(search).flatMap(([property, value]) =>
    value === undefined ? [] : [{ object: OBJECT, property, type: "string", operation: "equals", value }],
  );
  return { name, filters };
}

/** Returns a random UUID, also where pages come without TLS. */
function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
}

function stored(): View[] {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(LOCAL) ?? "[]");
    return Array.isArray(value) ? (value as View[]) : [];
  } catch {
    return [];
  }
}

interface Views {
  /** Those that everybody in the workspace sees. */
  shared: View[];
  /** Those of this browser. */
  own: View[];
  /** Whether one may keep views for everybody. */
  canShare: boolean;
  /** Keeps a view where it belongs, in place of one with its name. */
  keep: (view: View, isShared: boolean) => Promise<void>;
  forget: (view: View) => Promise<void>;
}

/**
 * Returns the views that were saved.
 *
 * @param isReady Whether the page has what is more urgent.
 */
export function useViews(isReady: boolean): Views {
  const queries = useQueryClient();
  const [own, setOwn] = useState(stored);
  const caller = useQuery({ queryKey: ["caller"], queryFn: ({ signal }) => call("GetCaller", {}, signal), enabled: isReady });
  const permissions = caller.data?.permissions ?? [];
  const { data: shared = [] } = useQuery({
    queryKey: ["variables", "views"],
    queryFn: async ({ signal }) => {
      const { variables } = await call("ListVariables", { tags_all: [TAG], page_size: MOST }, signal);
      const views = variables.flatMap((variable) => viewOf(variable) ?? []);
      return views.sort((a, b) => a.name.localeCompare(b.name));
    },
    enabled: isReady && permissions.includes("PERMISSION_VARIABLES_VIEW"),
  });
  const put = (next: View[]) => {
    localStorage.setItem(LOCAL, JSON.stringify(next));
    setOwn(next);
  };
  return {
    shared,
    own,
    canShare: permissions.includes("PERMISSION_VARIABLES_EDIT"),
    keep: async (view, isShared) => {
      if (!isShared) {
        put([...stored().filter(({ name }) => name !== view.name), { name: view.name, search: view.search }]);
        return;
      }
      const former = shared.find(({ name }) => name === view.name)?.variable;
      const name = view.variable ?? former ?? PREFIX + newId();
      await call("SetVariable", { name, value: valueOf(view), tags: [TAG], overwrite: true });
      await queries.invalidateQueries({ queryKey: ["variables"] });
    },
    forget: async (view) => {
      if (view.variable === undefined) {
        put(stored().filter(({ name }) => name !== view.name));
        return;
      }
      await call("DeleteVariable", { name: view.variable });
      await queries.invalidateQueries({ queryKey: ["variables"] });
    },
  };
}
