/**
 * Client of Headrace. `connect` of `@headrace/client/node` or `@headrace/client/web` makes one.
 *
 * Messages and services are generated from the server's contract, and are all here.
 */
import { type Client as ServiceClient, type Interceptor, type Transport, createClient } from "@connectrpc/connect";
import { ArtifactService } from "./gen/headrace/api/v1/artifact_pb.js";
import { DeploymentService } from "./gen/headrace/api/v1/deployment_pb.js";
import { EventService } from "./gen/headrace/api/v1/event_pb.js";
import { FlowRunService } from "./gen/headrace/api/v1/flow_run_pb.js";
import { LogService } from "./gen/headrace/api/v1/log_pb.js";
import { TaskRunService } from "./gen/headrace/api/v1/task_run_pb.js";
import { VariableService } from "./gen/headrace/api/v1/variable_pb.js";
import { WorkPoolService } from "./gen/headrace/api/v1/work_pool_pb.js";

export * from "./gen/headrace/api/v1/artifact_pb.js";
export * from "./gen/headrace/api/v1/deployment_pb.js";
export * from "./gen/headrace/api/v1/event_pb.js";
export * from "./gen/headrace/api/v1/flow_run_pb.js";
export * from "./gen/headrace/api/v1/log_pb.js";
export * from "./gen/headrace/api/v1/state_pb.js";
export * from "./gen/headrace/api/v1/task_run_pb.js";
export * from "./gen/headrace/api/v1/variable_pb.js";
export * from "./gen/headrace/api/v1/work_pool_pb.js";

/** Which server, and who calls. */
export interface Options {
  /** Where the front door is, for example `https://headrace.example.org`. */
  url: string;
  /** Signs the calls in; not needed where the server asks for no sign-in. */
  apiKey?: string;
  /** Id of the workspace; by default the key's own. */
  workspace?: string;
}

/** The services that programs use most. Others: `createClient(AnyService, client.transport)`. */
export interface Client {
  transport: Transport;
  artifacts: ServiceClient<typeof ArtifactService>;
  deployments: ServiceClient<typeof DeploymentService>;
  events: ServiceClient<typeof EventService>;
  flowRuns: ServiceClient<typeof FlowRunService>;
  logs: ServiceClient<typeof LogService>;
  taskRuns: ServiceClient<typeof TaskRunService>;
  variables: ServiceClient<typeof VariableService>;
  workPools: ServiceClient<typeof WorkPoolService>;
}

/** Returns clients of all services on one transport. */
export function over(transport: Transport): Client {
  return {
    transport,
    artifacts: createClient(ArtifactService, transport),
    deployments: createClient(DeploymentService, transport),
    events: createClient(EventService, transport),
    flowRuns: createClient(FlowRunService, transport),
    logs: createClient(LogService, transport),
    taskRuns: createClient(TaskRunService, transport),
    variables: createClient(VariableService, transport),
    workPools: createClient(WorkPoolService, transport),
  };
}

/** Returns what signs each call in. */
export function caller(options: Options): Interceptor {
  return (next) => (request) => {
    if (options.apiKey) request.header.set("authorization", `Bearer ${options.apiKey}`);
    if (options.workspace) request.header.set("headrace-workspace", options.workspace);
    return next(request);
  };
}

/**
 * Checks options.
 *
 * @throws Error if a key would travel in the clear.
 */
export function check(options: Options): void {
  const { protocol, hostname } = new URL(options.url);
  const isLoopback = hostname === "localhost" || hostname === "[::1]" || hostname.startsWith("127.");
  if (options.apiKey && protocol !== "https:" && !isLoopback) {
    throw new Error("an API key must not travel without TLS: use an https:// address");
  }
}
