// The last runs of flows and deployments.

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { call } from "../api/client.ts";
import type { LastFlowRuns } from "../api/contract.gen.ts";

const RUNS = 16;
/** As many as one call takes. */
const MOST = 200;

interface Owners {
  flowIds?: string[];
  deploymentIds?: string[];
}

/** Returns the last runs by the id of the flow or deployment. */
export function useActivity({ flowIds = [], deploymentIds = [] }: Owners): Map<string, LastFlowRuns> {
  const request = { flow_ids: flowIds.slice(0, MOST), deployment_ids: deploymentIds.slice(0, MOST), run_count: RUNS };
  const { data } = useQuery({
    queryKey: ["activity", request],
    queryFn: ({ signal }) => call("GetLastFlowRuns", request, signal),
    enabled: flowIds.length + deploymentIds.length > 0,
    placeholderData: keepPreviousData,
    select: ({ owners }) =>
      new Map(owners.map((owner) => [owner.deployment_id === "" ? owner.flow_id : owner.deployment_id, owner])),
  });
  return data ?? NONE;
}

const NONE = new Map<string, LastFlowRuns>();
