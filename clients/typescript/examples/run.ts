// Runs a deployment, shows its log while it runs, and exits with 0 if it has completed.
//
//   HEADRACE_GRPC_URL=http://localhost:4201 node dist/examples/run.js hello/nightly
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { StateType, connect, fromEnvironment } from "../src/node.js";

const [flowName = "", deploymentName = ""] = (process.argv[2] ?? "").split("/");
if (!flowName || !deploymentName) {
  console.error("usage: run FLOW/DEPLOYMENT");
  process.exit(2);
}

const client = connect(fromEnvironment());
const { deployment } = await client.deployments.getDeploymentByName({ flowName, deploymentName });
const { flowRun } = await client.deployments.runDeployment({ deploymentId: deployment?.deploymentId ?? "" });
const flowRunId = flowRun?.flowRunId ?? "";

for await (const { logs } of client.logs.followLogs({ filter: { flowRunIds: [flowRunId] }, untilFinal: true })) {
  for (const record of logs) {
    const at = record.occurredAt ? timestampDate(record.occurredAt).toISOString().slice(11, 23) : "";
    console.log(at, record.message);
  }
}

const { flowRun: over } = await client.flowRuns.getFlowRun({ flowRunId });
console.log(over?.state?.name);
process.exit(over?.state?.type === StateType.COMPLETED ? 0 : 1);
