import type { FlowRun, JsonObject } from "../api/contract.gen.ts";
import { Empty } from "../parts/Notice.tsx";

/** What the run was started with. */
export function Parameters({ run }: { run: FlowRun }) {
  const parts: [string, JsonObject | undefined][] = [
    ["Parameters", run.parameters],
    ["Job variables", run.job_variables],
    ["Labels", run.labels],
    ["Context", run.context],
  ];
  const given = parts.filter(([, value]) => value !== undefined && Object.keys(value).length > 0);
  if (given.length === 0) return <Empty title="This run was started without parameters" />;
  return given.map(([name, value]) => (
    <section key={name} className="json">
      <h2>{name}</h2>
      <pre className="code">{JSON.stringify(value, null, 2)}</pre>
    </section>
  ));
}
