// A run as something to paste elsewhere.

import type { FlowRun, JsonObject } from "../api/contract.gen.ts";
import { apiAddress } from "../api/workspace.ts";

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Returns a command that makes such a run once more. */
export function asCurl(run: FlowRun): string {
  const json = "-H 'content-type: application/json'";
  const api = apiAddress();
  const parameters = run.parameters ?? {};
  if (run.deployment_id !== "")
    return `curl -X POST ${json} -d ${quoted(JSON.stringify({ parameters }))} ${api}/deployments/${run.deployment_id}:run`;
  const body = { flow_name: run.flow_name, parameters, tags: run.tags };
  return `curl -X POST ${json} -d ${quoted(JSON.stringify(body))} ${api}/flow-runs`;
}

function python(value: unknown): string {
  if (value === null || value === undefined) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  if (Array.isArray(value)) return `[${value.map(python).join(", ")}]`;
  if (typeof value === "object")
    return `{${Object.entries(value).map(([name, part]) => `${JSON.stringify(name)}: ${python(part)}`).join(", ")}}`;
  return JSON.stringify(value);
}

const parameterLines = (parameters: JsonObject) =>
  Object.entries(parameters)
    .map(([name, value]) => `    ${JSON.stringify(name)}: ${python(value)},\n`)
    .join("");

/** Returns Python that makes such a run once more. */
export function asPython(run: FlowRun): string {
  const parameters = `{\n${parameterLines(run.parameters ?? {})}}`;
  if (run.deployment_name !== "")
    return `from headrace import run_deployment\n\nrun_deployment(${JSON.stringify(`${run.flow_name}/${run.deployment_name}`)}, parameters=${parameters})\n`;
  const name = run.flow_name.replaceAll(/\W/g, "_");
  return `parameters = ${parameters}\n${name}(**parameters)\n`;
}
