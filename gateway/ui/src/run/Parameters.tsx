import type { FlowRun, JsonObject } from "../api/contract.gen.ts";
import { Code } from "../parts/CopyButton.tsx";
import { Empty } from "../parts/Notice.tsx";
import { Result } from "./Result.tsx";

/** What the run was started with, and where its result is. */
export function Parameters({ run }: { run: FlowRun }) {
  const parts: [string, JsonObject | undefined][] = [
    ["Parameters", run.parameters],
    ["Job variables", run.job_variables],
    ["Labels", run.labels],
    ["Context", run.context],
  ];
  const given = parts.filter(([, value]) => value !== undefined && Object.keys(value).length > 0);
  const result = run.state?.result;
  if (given.length === 0 && result === undefined) return <Empty title="This run was started without parameters" />;
  return (
    <>
      {given.map(([name, value]) => (
        <section key={name} className="json">
          <h2>{name}</h2>
          <Code text={JSON.stringify(value, null, 2)} />
        </section>
      ))}
      {result !== undefined && <Result result={result} />}
    </>
  );
}
