// The pages of a list of flow runs, and what changes make of them.

import type { FlowRun, ListFlowRunsResponse } from "../api/contract.gen.ts";

/** The pages that were asked for, in their order. */
interface Pages {
  pages: ListFlowRunsResponse[];
}

/** Returns the pages after some runs changed: runs that do not belong any more leave, new ones come in. */
export function merge<Data extends Pages>(
  data: Data,
  changed: Map<string, FlowRun>,
  belongs: (run: FlowRun) => boolean,
  isNewestFirst: boolean,
): Data {
  const known = new Set(data.pages.flatMap((page) => page.flow_runs.map((run) => run.flow_run_id)));
  const pages = data.pages.map((page) => ({
    ...page,
    flow_runs: page.flow_runs.map((run) => changed.get(run.flow_run_id) ?? run).filter(belongs),
  }));
  // In another order only the server knows where a new one stands.
  const fresh = isNewestFirst ? [...changed.values()].filter((run) => !known.has(run.flow_run_id) && belongs(run)) : [];
  // Ids are in the order of time, newest first in the list. One that is behind the last page comes with its own page.
  const lasts = data.pages.map((page) => page.flow_runs.at(-1)?.flow_run_id ?? "");
  const changedPages = new Set<ListFlowRunsResponse>();
  for (const run of fresh) {
    const page = pages.find(({ next_page_token: next }, index) => next === "" || (lasts[index] ?? "") < run.flow_run_id);
    if (page === undefined) continue;
    page.flow_runs.push(run);
    changedPages.add(page);
  }
  for (const page of changedPages) page.flow_runs.sort((a, b) => (a.flow_run_id < b.flow_run_id ? 1 : -1));
  return { ...data, pages };
}
