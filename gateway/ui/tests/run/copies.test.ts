import { expect, test, vi } from "vitest";
import { aFlowRun } from "../builders.ts";

vi.stubGlobal("window", { location: { pathname: "/w/research/runs/1", origin: "https://headrace.example" } });
const { asCurl, asPython } = await import("../../src/run/copies.ts");
const { addressIn, base, workspace } = await import("../../src/api/workspace.ts");

const parameters = { name: "it's", dry: true, at: null, sizes: [1, 2.5], nested: { "a b": false } };

test("a run of a flow is repeated by its name, in the workspace of the page", () => {
  expect(asCurl(aFlowRun("1", "failed", { parameters: { name: "it's" }, tags: ["a"] }))).toBe(
    `curl -X POST -H 'content-type: application/json' -d '{"flow_name":"etl","parameters":{"name":"it'\\''s"},"tags":["a"]}' ` +
      "https://headrace.example/v1/workspaces/research/flow-runs",
  );
});

test("a run of a deployment is repeated by the deployment", () => {
  expect(asCurl(aFlowRun("1", "failed", { deployment_id: "d-1" }))).toBe(
    `curl -X POST -H 'content-type: application/json' -d '{"parameters":{}}' https://headrace.example/v1/workspaces/research/deployments/d-1:run`,
  );
});

test("parameters are told as Python writes them", () => {
  const code = asPython(aFlowRun("1", "failed", { deployment_name: "nightly", parameters }));
  expect(code).toBe(`from headrace import run_deployment

run_deployment("etl/nightly", parameters={
    "name": "it's",
    "dry": True,
    "at": None,
    "sizes": [1, 2.5],
    "nested": {"a b": False},
})
`);
});

test("a flow without a deployment is called", () => {
  expect(asPython(aFlowRun("1", "failed", { flow_name: "my-flow", parameters: { days: 3 } }))).toBe(
    'parameters = {\n    "days": 3,\n}\nmy_flow(**parameters)\n',
  );
});

test("the workspace of a page is the one in its address", () => {
  expect([workspace, base]).toEqual(["research", "/w/research"]);
  expect(addressIn("a b/c", "/runs")).toBe("/w/a%20b%2Fc/runs");
});
