import { expect, test, vi } from "vitest";

vi.stubGlobal("window", { location: { pathname: "/runs", origin: "https://headrace.example" } });
const { readEvents } = await import("../../src/api/stream.ts");
const { address, errorOf } = await import("../../src/api/client.ts");

/** Returns the events of a text that comes in parts of so many bytes. */
async function eventsOf(text: string, bytes: number) {
  const whole = new TextEncoder().encode(text);
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (let at = 0; at < whole.length; at += bytes) controller.enqueue(whole.slice(at, at + bytes));
      controller.close();
    },
  });
  const events = [];
  for await (const event of readEvents(body)) events.push(event);
  return events;
}

test.each([1, 3, 7, 1_000])("events are the same in parts of %i bytes", async (bytes) => {
  const text = ': alive\n\nevent: answer\ndata: {"name":"Zürich 🚆"}\n\n: alive\n\nevent: end\ndata: {}\n\n';
  expect(await eventsOf(text, bytes)).toEqual([
    { name: "answer", data: '{"name":"Zürich 🚆"}' },
    { name: "end", data: "{}" },
  ]);
});

test("an event that was cut is none", async () => {
  expect(await eventsOf("data: 1\n\ndata: 2", 100)).toEqual([{ name: "", data: "1" }]);
});

test("what stands in the path of a call does not stand in its query", () => {
  const route = { verb: "GET", path: "/v1/work-pools/{name}/queues/{queue.name}", body: false } as const;
  expect(address(route, { name: "a/b c", queue: { name: "q" }, page_size: 5 })).toMatch(/^\/v1\/work-pools\/a%2Fb%20c\/queues\/q\?/);
  expect(address({ verb: "GET", path: "/v1/flows/{flow_id}", body: false }, { flow_id: "f" })).toBe("/v1/flows/f");
});

test("lists and objects stand in the query by their names, and what is not there does not", () => {
  const request = { filter: { tags_all: ["a", "b&c"], text: undefined, untagged: false }, page_token: null };
  expect(address({ verb: "GET", path: "/v1/flow-runs", body: false }, request)).toBe(
    "/v1/flow-runs?filter.tags_all=a&filter.tags_all=b%26c&filter.untagged=false",
  );
});

test("an error says what the server said, and why", () => {
  const body = { message: "No such flow.", details: [{ "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason: "FLOW_NOT_FOUND" }] };
  expect(errorOf(body, 404)).toMatchObject({ message: "No such flow.", status: 404, reason: "FLOW_NOT_FOUND", isPassing: false });
});

test("an answer that is no error of ours has its status told", () => {
  expect(errorOf("<html>", 502)).toMatchObject({ message: "The server answered with status 502.", reason: "" });
  expect(errorOf(undefined, 500).message).toBe("The server answered with status 500.");
});

test.each([
  [0, true],
  [400, false],
  [401, false],
  [404, false],
  [429, true],
  [500, false],
  [503, true],
  [504, true],
])("after status %i the same call can succeed later: %s", (status, isPassing) => {
  expect(errorOf({}, status).isPassing).toBe(isPassing);
});
