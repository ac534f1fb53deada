import { afterEach, beforeEach, expect, test, vi } from "vitest";

const call = vi.hoisted(() => vi.fn<(name: string, request: { filter?: Record<string, string[]> }) => Promise<unknown>>());
vi.mock("../../src/api/client.ts", () => ({ call }));

const { findName } = await import("../../src/api/names.ts");

beforeEach(() => vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  call.mockReset();
});

const flow = (id: string) => ({ flow_id: id, name: `flow ${id}` });
const answerFlows = () => call.mockImplementation((_, { filter }) => Promise.resolve({ flows: filter?.flow_ids?.map(flow) }));

test("names that are asked for in the same moment come with one call", async () => {
  answerFlows();
  const found = Promise.all([findName("flow", "a"), findName("flow", "b"), findName("flow", "a")]);
  await vi.runAllTimersAsync();
  expect(await found).toEqual([
    { id: "a", name: "flow a", of: "" },
    { id: "b", name: "flow b", of: "" },
    { id: "a", name: "flow a", of: "" },
  ]);
  expect(call.mock.calls).toEqual([["ListFlows", { filter: { flow_ids: ["a", "b"] }, page_size: 200 }]]);
});

test("what is asked for later is another call", async () => {
  answerFlows();
  const first = findName("flow", "a");
  await vi.runAllTimersAsync();
  const second = findName("flow", "b");
  await vi.runAllTimersAsync();
  expect((await first)?.name).toBe("flow a");
  expect((await second)?.name).toBe("flow b");
  expect(call).toHaveBeenCalledTimes(2);
});

test("no call asks for more than the server gives", async () => {
  answerFlows();
  const ids = Array.from({ length: 450 }, (_, index) => `id-${index}`);
  const found = Promise.all(ids.map((id) => findName("flow", id)));
  await vi.runAllTimersAsync();
  expect((await found).map((name) => name?.id)).toEqual(ids);
  expect(call.mock.calls.map(([, { filter }]) => filter?.flow_ids?.length)).toEqual([200, 200, 50]);
});

test("a deployment is told with its flow", async () => {
  call.mockResolvedValue({ deployments: [{ deployment_id: "d", name: "nightly", flow_name: "etl" }] });
  const found = findName("deployment", "d");
  await vi.runAllTimersAsync();
  expect(await found).toEqual({ id: "d", name: "nightly", of: "etl" });
});

test("what is not there has no name", async () => {
  call.mockResolvedValue({ flows: [flow("other")] });
  const found = findName("flow", "a");
  await vi.runAllTimersAsync();
  expect(await found).toBeNull();
});

test("kinds are asked for apart, and the fault of one is not the other's", async () => {
  call.mockImplementation((name) =>
    name === "ListFlows" ? Promise.reject(new Error("refused")) : Promise.resolve({ automations: [{ automation_id: "a", name: "tell" }] }),
  );
  const refused = expect(findName("flow", "a")).rejects.toThrow("refused");
  const found = findName("automation", "a");
  await vi.runAllTimersAsync();
  await refused;
  expect((await found)?.name).toBe("tell");
});

test("a work queue that is gone hides no other", async () => {
  call.mockImplementation((_, request) =>
    (request as { work_queue_id: string }).work_queue_id === "gone"
      ? Promise.reject(new Error("gone"))
      : Promise.resolve({ work_queue: { work_queue_id: "q", name: "urgent", work_pool_name: "gpus" } }),
  );
  const found = Promise.all([findName("work-queue", "gone"), findName("work-queue", "q")]);
  await vi.runAllTimersAsync();
  expect(await found).toEqual([null, { id: "q", name: "urgent", of: "gpus" }]);
});
