import { Link } from "@tanstack/react-router";
import type { EventResource } from "../api/contract.gen.ts";
import { idOfResource, kindOfResource, resourceLabel } from "./resources.ts";

/** What an event is about, with the way to its page. */
export function ResourceLink({ resource }: { resource: EventResource | undefined }) {
  if (resource === undefined) return <span className="quiet none">–</span>;
  const kind = kindOfResource(resource.resource_id);
  const id = idOfResource(resource.resource_id);
  const label = resourceLabel(resource);
  const target = targetOf(kind, id, resource);
  return (
    <span className="resource">
      {target === undefined ? label : <Link {...target}>{label}</Link>} <span className="quiet">{kind.replaceAll("-", " ")}</span>
    </span>
  );
}

function targetOf(kind: string, id: string, resource: EventResource) {
  switch (kind) {
    case "flow-run":
      return { to: "/runs/$flowRunId", params: { flowRunId: id } } as const;
    case "task-run":
      return { to: "/task-runs/$taskRunId", params: { taskRunId: id } } as const;
    case "flow":
      return { to: "/flows/$flowId", params: { flowId: id } } as const;
    case "deployment":
      return { to: "/deployments/$deploymentId", params: { deploymentId: id } } as const;
    case "work-pool":
      return resource.name === "" ? undefined : ({ to: "/work-pools/$workPoolName", params: { workPoolName: resource.name } } as const);
    case "worker":
      return { to: "/workers/$workerId", params: { workerId: id } } as const;
    case "backfill":
      return { to: "/backfills/$backfillId", params: { backfillId: id } } as const;
    case "automation":
      return { to: "/automations/$automationId", params: { automationId: id } } as const;
    default:
      return undefined;
  }
}
