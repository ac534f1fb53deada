// What things are called of which only the id is known.

import { useQuery } from "@tanstack/react-query";
import { call } from "./client.ts";

export type NamedKind = "flow-run" | "task-run" | "flow" | "deployment" | "work-pool" | "work-queue" | "automation" | "channel";

export interface Name {
  id: string;
  name: string;
  /** What it is part of, where that tells it from others of its name. */
  of: string;
}

/** As many as one call takes. */
const MOST = 200;
const GATHER_MILLISECONDS = 5;

const FINDERS: Record<NamedKind, (ids: string[]) => Promise<Name[]>> = {
  "flow-run": async (ids) =>
    (await call("ListFlowRuns", { filter: { flow_run_ids: ids }, page_size: MOST })).flow_runs.map((run) => ({
      id: run.flow_run_id,
      name: run.name,
      of: run.flow_name,
    })),
  "task-run": async (ids) =>
    (await call("ListTaskRuns", { filter: { task_run_ids: ids }, page_size: MOST })).task_runs.map((task) => ({
      id: task.task_run_id,
      name: task.name,
      of: "",
    })),
  flow: async (ids) =>
    (await call("ListFlows", { filter: { flow_ids: ids }, page_size: MOST })).flows.map((flow) => ({ id: flow.flow_id, name: flow.name, of: "" })),
  deployment: async (ids) =>
    (await call("ListDeployments", { filter: { deployment_ids: ids }, page_size: MOST })).deployments.map((one) => ({
      id: one.deployment_id,
      name: one.name,
      of: one.flow_name,
    })),
  "work-pool": async () =>
    (await call("ListWorkPools", { page_size: MOST })).work_pools.map((pool) => ({ id: pool.work_pool_id, name: pool.name, of: "" })),
  "work-queue": async (ids) => {
    // One that is gone hides no other.
    const found = await Promise.allSettled(ids.map((id) => call("GetWorkQueue", { work_queue_id: id })));
    return found.flatMap((one) =>
      one.status === "fulfilled" && one.value.work_queue !== undefined
        ? [{ id: one.value.work_queue.work_queue_id, name: one.value.work_queue.name, of: one.value.work_queue.work_pool_name }]
        : [],
    );
  },
  automation: async () =>
    (await call("ListAutomations", { page_size: MOST })).automations.map((one) => ({ id: one.automation_id, name: one.name, of: "" })),
  channel: async () => (await call("ListChannels", { page_size: MOST })).channels.map((one) => ({ id: one.channel_id, name: one.name, of: "" })),
};

type Answer = (found: Promise<Name[]>) => void;

/** What is asked for in the same moment goes in one call. */
const waiting = new Map<NamedKind, Map<string, Answer[]>>();

function send(kind: NamedKind): void {
  const asked = [...(waiting.get(kind) ?? [])];
  waiting.delete(kind);
  for (let start = 0; start < asked.length; start += MOST) {
    const part = asked.slice(start, start + MOST);
    const found = FINDERS[kind](part.map(([id]) => id));
    for (const [, answers] of part) for (const answer of answers) answer(found);
  }
}

/** Returns what something is called, null if there is none that may be seen. */
export async function findName(kind: NamedKind, id: string): Promise<Name | null> {
  const found = await new Promise<Name[]>((resolve) => {
    let asked = waiting.get(kind);
    if (asked === undefined) {
      asked = new Map();
      waiting.set(kind, asked);
      setTimeout(() => send(kind), GATHER_MILLISECONDS);
    }
    asked.set(id, [...(asked.get(id) ?? []), resolve]);
  });
  return found.find((one) => one.id === id) ?? null;
}

/** Returns what something is called: undefined while it is asked for, null if there is none or it may not be seen. */
export function useName(kind: NamedKind, id: string): Name | null | undefined {
  const { data, isError } = useQuery({
    queryKey: ["names", kind, id],
    queryFn: () => findName(kind, id),
    enabled: id !== "",
    // What was not there may come.
    staleTime: (query) => (query.state.data === null ? 0 : Infinity),
  });
  return isError ? null : data;
}
