// Server streams as async iterators, over Server-Sent Events.

import { errorOf, send, type StreamRequest } from "./client.ts";
import { routes, type JsonValue, type Streams } from "./contract.gen.ts";

interface ServerEvent {
  name: string;
  data: string;
}

/** Cuts the text of an event stream into events; comments are signs of life and are left out. */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  let rest = "";
  for await (const part of body.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>)) {
    rest += part;
    let end = rest.indexOf("\n\n");
    while (end >= 0) {
      const event: ServerEvent = { name: "", data: "" };
      for (const line of rest.slice(0, end).split("\n")) {
        if (line.startsWith("data: ")) event.data += line.slice(6);
        else if (line.startsWith("event: ")) event.name = line.slice(7);
      }
      rest = rest.slice(end + 2);
      end = rest.indexOf("\n\n");
      if (event.data !== "") yield event;
    }
  }
}

/**
 * Opens a stream and yields its answers until the server ends it.
 *
 * Throws `CallError` where the server ends it with an error or the connection breaks.
 */
export async function* follow<Name extends keyof Streams>(
  name: Name,
  request: StreamRequest<Name>,
  signal: AbortSignal,
): AsyncGenerator<Streams[Name]["response"]> {
  const fields = request as Record<string, JsonValue | undefined>;
  const answer = await send(routes[name], fields, "text/event-stream", signal);
  if (answer.body === null) throw errorOf({ message: "The server sent nothing." }, 0);
  for await (const event of readEvents(answer.body)) {
    if (event.name === "end") return;
    if (event.name === "status") throw errorOf(JSON.parse(event.data), 503);
    yield JSON.parse(event.data) as Streams[Name]["response"];
  }
  // A stream that ends without saying so was cut.
  throw errorOf({ message: "The connection broke." }, 0);
}
