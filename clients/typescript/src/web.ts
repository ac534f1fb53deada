/** The client for browsers: gRPC-Web, which the front door understands. */
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import { type Client, type Options, caller, check, over } from "./index.js";

export * from "./index.js";

/** Returns a client; calls go out with the browser's fetch. */
export function connect(options: Options): Client {
  check(options);
  return over(createGrpcWebTransport({ baseUrl: options.url, interceptors: [caller(options)] }));
}
