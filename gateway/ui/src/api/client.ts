// Calls of the HTTP API, typed by the contract.

import { routes, type Calls, type Input, type JsonValue, type Route, type Streams } from "./contract.gen.ts";
import { reportAnswer, reportLoss } from "./connection.ts";
import { workspace } from "./workspace.ts";

/** What the server answered instead of a result, or that it did not answer. */
export class CallError extends Error {
  /** HTTP status; 0 if there was no answer. */
  readonly status: number;
  /** Stable word of the error, "" if the server gave none. */
  readonly reason: string;

  constructor(message: string, status: number, reason: string) {
    super(message);
    this.name = "CallError";
    this.status = status;
    this.reason = reason;
  }

  /** Whether the same call can succeed by itself later. */
  get isPassing(): boolean {
    return this.status === 0 || this.status === 429 || this.status === 503 || this.status === 504;
  }
}

type Fields = Record<string, JsonValue | undefined>;

function take(request: Fields, path: string): string {
  let value: JsonValue | undefined = request;
  for (const name of path.split(".")) value = (value as Fields | undefined)?.[name];
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}

function addQuery(query: URLSearchParams, prefix: string, value: JsonValue | undefined): void {
  if (value === undefined || value === null) return;
  if (Array.isArray(value)) for (const item of value) addQuery(query, prefix, item);
  else if (typeof value === "object")
    for (const [name, part] of Object.entries(value)) addQuery(query, prefix === "" ? name : `${prefix}.${name}`, part);
  else query.append(prefix, String(value));
}

/** Returns where a request goes: its path, and its query where it has no body. */
export function address(route: Route, request: Fields): string {
  const inPath = new Set<string>();
  const path = route.path.replace(/\{([^}]+)\}/g, (_, name: string) => {
    inPath.add(name);
    return encodeURIComponent(take(request, name));
  });
  if (route.body) return path;
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(request)) if (!inPath.has(name)) addQuery(query, name, value);
  return query.size > 0 ? `${path}?${query.toString()}` : path;
}

const UNKNOWN = new Set(["CREDENTIAL_MISSING", "CREDENTIAL_REFUSED", "SESSION_ENDED"]);

/** Sends whoever is not signed in, or not any more, to where they can; they come back here afterwards. */
function askWho(reason: string): void {
  const { pathname, search } = window.location;
  const isAsking = pathname === "/sign-in" || pathname === "/sign-in/callback";
  if (UNKNOWN.has(reason) && !isAsking)
    window.location.assign(`/sign-in?next=${encodeURIComponent(pathname + search)}`);
}

interface StatusBody {
  message?: string;
  details?: { "@type"?: string; reason?: string }[];
}

/** Returns the error in the JSON of a google.rpc.Status. */
export function errorOf(body: unknown, status: number): CallError {
  const told = (typeof body === "object" && body !== null ? body : {}) as StatusBody;
  const reason = told.details?.find((detail) => detail["@type"]?.endsWith("ErrorInfo"))?.reason ?? "";
  return new CallError(told.message ?? `The server answered with status ${status}.`, status, reason);
}

/** Sends a request and returns the answer once its status is known to be good. */
export async function send(route: Route, request: Fields, accept: string, signal?: AbortSignal): Promise<Response> {
  const headers: Record<string, string> = { accept };
  if (route.body) headers["content-type"] = "application/json";
  if (workspace !== undefined) headers["headrace-workspace"] = workspace;
  let answer: Response;
  try {
    answer = await fetch(address(route, request), {
      method: route.verb,
      headers,
      body: route.body ? JSON.stringify(request) : undefined,
      signal,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    reportLoss();
    throw new CallError("The server does not answer.", 0, "NO_ANSWER");
  }
  if (!answer.ok) {
    const error = errorOf(await answer.json().catch(() => undefined), answer.status);
    if (!error.isPassing) reportAnswer();
    if (answer.status === 401) askWho(error.reason);
    throw error;
  }
  reportAnswer();
  return answer;
}

/** Makes a call that is answered once. Throws `CallError`. */
export async function call<Name extends keyof Calls>(
  name: Name,
  request: Input<Calls[Name]["request"]>,
  signal?: AbortSignal,
): Promise<Calls[Name]["response"]> {
  const answer = await send(routes[name], request, "application/json", signal);
  return (await answer.json()) as Calls[Name]["response"];
}

export type StreamRequest<Name extends keyof Streams> = Input<Streams[Name]["request"]>;
