import type { Deployment } from "../api/contract.gen.ts";
import { Mark } from "../parts/PageHead.tsx";

/** Whether somebody is there to run a deployment. */
export function Status({ deployment }: { deployment: Deployment }) {
  return deployment.status === "DEPLOYMENT_STATUS_READY" ? (
    <Mark look="completed" label="Ready" title="A worker is online for it" />
  ) : (
    <Mark look="scheduled" label="No worker" title="Runs wait until a worker or serving process comes online" />
  );
}
