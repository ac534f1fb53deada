// What a search over everything finds, and where it leads.

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { CallError, call } from "../api/client.ts";
import { lookOf } from "../api/states.ts";
import type { IconName } from "../parts/Icon.tsx";
import { PLACES } from "../shell/places.ts";

export interface Finding {
  to: string;
  label: string;
  /** What tells it from others of the same name. */
  note: string;
  icon: IconName;
}

export interface Group {
  label: string;
  findings: Finding[];
}

const MOST_OF_A_KIND = 6;
const PAUSE_MILLISECONDS = 120;
const MOST_RECENT = 5;
const ID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;

/** What was gone to last, as long as the tab is open. */
export const RECENT: Finding[] = [];

export function remember(finding: Finding): void {
  const known = RECENT.findIndex(({ to }) => to === finding.to);
  if (known >= 0) RECENT.splice(known, 1);
  RECENT.unshift(finding);
  RECENT.length = Math.min(RECENT.length, MOST_RECENT);
}

const path = (...parts: string[]) => `/${parts.map((part) => encodeURIComponent(part)).join("/")}`;

type Finder = (text: string, signal: AbortSignal) => Promise<Group>;

const FINDERS: Finder[] = [
  async (text, signal) => {
    const { flow_runs: runs } = await call("ListFlowRuns", { filter: { text }, page_size: MOST_OF_A_KIND }, signal);
    return {
      label: "Flow runs",
      findings: runs.map((run) => ({
        to: path("runs", run.flow_run_id),
        label: run.name,
        note: `${run.flow_name} · ${run.state?.name ?? lookOf(undefined).label}`,
        icon: "runs" as const,
      })),
    };
  },
  async (text, signal) => {
    const { flows } = await call("ListFlows", { filter: { text }, page_size: MOST_OF_A_KIND }, signal);
    return {
      label: "Flows",
      findings: flows.map((flow) => ({ to: path("flows", flow.flow_id), label: flow.name, note: "", icon: "flows" as const })),
    };
  },
  async (text, signal) => {
    const request = { filter: { name_contains: text }, page_size: MOST_OF_A_KIND };
    const { deployments } = await call("ListDeployments", request, signal);
    return {
      label: "Deployments",
      findings: deployments.map((one) => ({
        to: path("deployments", one.deployment_id),
        label: one.name,
        note: one.flow_name,
        icon: "deployments" as const,
      })),
    };
  },
  async (text, signal) => {
    const { work_pools: pools } = await call("ListWorkPools", { page_size: 200 }, signal);
    const findings = pools
      .filter(({ name }) => name.toLowerCase().includes(text.toLowerCase()))
      .map(({ name, type }) => ({ to: path("work-pools", name), label: name, note: type, icon: "pools" as const }));
    return { label: "Work pools", findings };
  },
  async (text, signal) => {
    const { variables } = await call("ListVariables", { name_contains: text, page_size: MOST_OF_A_KIND }, signal);
    return {
      label: "Variables",
      findings: variables.map(({ name }) => ({
        to: `/variables?text=${encodeURIComponent(name)}`,
        label: name,
        note: "",
        icon: "variables" as const,
      })),
    };
  },
  async (text, signal) => {
    const { blocks } = await call("ListBlocks", { name_contains: text, page_size: MOST_OF_A_KIND }, signal);
    return {
      label: "Blocks",
      findings: blocks.map((block) => ({
        to: path("blocks", block.type_slug, block.name),
        label: block.name,
        note: block.type_slug,
        icon: "blocks" as const,
      })),
    };
  },
  async (text, signal) => {
    const request = { filter: { text, latest_only: true, has_key: true }, page_size: MOST_OF_A_KIND };
    const { artifacts } = await call("ListArtifacts", request, signal);
    return {
      label: "Artifacts",
      findings: artifacts.map((one) => ({
        to: path("artifacts", one.artifact_id),
        label: one.key,
        note: "",
        icon: "artifacts" as const,
      })),
    };
  },
  async (text, signal) => {
    const { automations } = await call("ListAutomations", { page_size: 200 }, signal);
    const findings = automations
      .filter(({ name }) => name.toLowerCase().includes(text.toLowerCase()))
      .map((one) => ({ to: path("automations", one.automation_id), label: one.name, note: "", icon: "automations" as const }));
    return { label: "Automations", findings };
  },
];

async function byId(id: string, signal: AbortSignal): Promise<Group> {
  const findings: Finding[] = [];
  const gone = (error: unknown) => {
    if (error instanceof CallError && error.status === 404) return undefined;
    throw error;
  };
  const run = await call("BatchGetFlowRuns", { flow_run_ids: [id] }, signal).catch(gone);
  for (const one of run?.flow_runs ?? [])
    findings.push({ to: path("runs", id), label: one.name, note: `run of ${one.flow_name}`, icon: "runs" });
  const tasks = await call("ListTaskRuns", { filter: { task_run_ids: [id] } }, signal).catch(gone);
  for (const one of tasks?.task_runs ?? [])
    findings.push({ to: path("task-runs", id), label: one.name, note: "task run", icon: "child" });
  return { label: "With this id", findings };
}

async function find(text: string, signal: AbortSignal): Promise<Group[]> {
  const finders = ID.test(text) ? [() => byId(text, signal)] : FINDERS.map((finder) => () => finder(text, signal));
  // What may not be seen, or does not answer, hides nothing else.
  const found = await Promise.allSettled(finders.map((finder) => finder()));
  return found.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
}

/** Returns what fits a text, by kind. */
export function useFindings(text: string): { groups: Group[]; isSearching: boolean } {
  const [asked, setAsked] = useState("");
  const wanted = text.trim();
  useEffect(() => {
    const timer = setTimeout(() => setAsked(wanted), PAUSE_MILLISECONDS);
    return () => clearTimeout(timer);
  }, [wanted]);
  const { data, isFetching } = useQuery({
    queryKey: ["search", asked],
    queryFn: ({ signal }) => find(asked, signal),
    enabled: asked !== "",
    gcTime: 0,
    placeholderData: keepPreviousData,
  });
  const places = PLACES.filter(({ label }) => label.toLowerCase().includes(wanted.toLowerCase())).map(
    ({ to, label, keys, icon }): Finding => ({ to, label, note: keys, icon }),
  );
  const pages: Group = { label: "Pages", findings: wanted === "" ? places : places.slice(0, MOST_OF_A_KIND) };
  const rest: Group[] = wanted === "" ? [{ label: "Recent", findings: [...RECENT] }] : (data ?? []);
  const all = wanted === "" ? [...rest, pages] : [pages, ...rest];
  return {
    groups: all.filter(({ findings }) => findings.length > 0),
    isSearching: wanted !== "" && (isFetching || asked !== wanted),
  };
}
