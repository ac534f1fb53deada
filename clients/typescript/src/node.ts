/** The client for Node: gRPC over HTTP/2. */
import { readFileSync } from "node:fs";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { type Client, type Options, caller, check, over } from "./index.js";

export * from "./index.js";

/** What Node's client takes beside the rest. */
export interface NodeOptions extends Options {
  /** File with the certificates to trust, PEM; by default Node's own. */
  caFile?: string;
}

/** Returns a client; the connection is made with the first call, and again when it breaks. */
export function connect(options: NodeOptions): Client {
  check(options);
  const nodeOptions = options.caFile ? { ca: readFileSync(options.caFile) } : {};
  return over(createGrpcTransport({ baseUrl: options.url, interceptors: [caller(options)], nodeOptions }));
}

/** Returns options of HEADRACE_GRPC_URL, HEADRACE_API_KEY, HEADRACE_WORKSPACE and HEADRACE_API_CA_FILE. */
export function fromEnvironment(): NodeOptions {
  const { HEADRACE_GRPC_URL, HEADRACE_API_KEY, HEADRACE_WORKSPACE, HEADRACE_API_CA_FILE } = process.env;
  if (!HEADRACE_GRPC_URL) throw new Error("HEADRACE_GRPC_URL is missing, for example http://localhost:4201");
  return {
    url: HEADRACE_GRPC_URL,
    ...(HEADRACE_API_KEY ? { apiKey: HEADRACE_API_KEY } : {}),
    ...(HEADRACE_WORKSPACE ? { workspace: HEADRACE_WORKSPACE } : {}),
    ...(HEADRACE_API_CA_FILE ? { caFile: HEADRACE_API_CA_FILE } : {}),
  };
}
