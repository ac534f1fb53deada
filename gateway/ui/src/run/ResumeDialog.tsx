import { useMutation, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { CallError, call } from "../api/client.ts";
import type { FlowRun, JsonObject, JsonValue } from "../api/contract.gen.ts";
import { Modal } from "../parts/Modal.tsx";
import { Fault, Loading } from "../parts/Notice.tsx";
import { tell } from "../parts/toasts.ts";
import { SchemaForm } from "../schema/SchemaForm.tsx";
import { asSchema, filled } from "../schema/schema.ts";
import { useSchemaForm } from "../schema/useSchemaForm.ts";
import { refusal } from "./verdicts.ts";

interface ResumeDialogProps {
  run: FlowRun;
  onClose: () => void;
  onChange: (run: FlowRun) => void;
}

async function inputOf(run: FlowRun, role: string, signal: AbortSignal): Promise<JsonValue | undefined> {
  const key = run.state?.details?.run_input_keyset[role];
  if (key === undefined || key === "") return undefined;
  try {
    const { run_input: input } = await call("GetRunInput", { flow_run_id: run.flow_run_id, key }, signal);
    return input?.value;
  } catch (error) {
    if (error instanceof CallError && error.status === 404) return undefined;
    throw error;
  }
}

/** Lets a paused run go on, with what it asks for. */
export function ResumeDialog({ run, onClose, onChange }: ResumeDialogProps) {
  const { data, error } = useQuery({
    queryKey: ["resume-form", run.flow_run_id, run.state?.state_id],
    queryFn: async ({ signal }) => {
      const [schema, description] = await Promise.all([inputOf(run, "schema", signal), inputOf(run, "description", signal)]);
      const isObject = typeof schema === "object" && schema !== null && !Array.isArray(schema);
      return { schema: isObject ? schema : undefined, description: typeof description === "string" ? description : "" };
    },
  });
  return (
    <Modal title={`Resume ${run.name}`} isOpen onClose={onClose}>
      {error !== null && <Fault error={error} />}
      {data === undefined && error === null && <Loading what="what the run asks for" />}
      {data !== undefined && (
        <Form run={run} object={data.schema} description={data.description} onClose={onClose} onChange={onChange} />
      )}
    </Modal>
  );
}

interface FormProps extends ResumeDialogProps {
  object: JsonObject | undefined;
  description: string;
}

function Form({ run, object, description, onClose, onChange }: FormProps) {
  const schema = useMemo(() => asSchema(object), [object]);
  const form = useSchemaForm(schema, () => filled({}, schema, schema));
  const resume = useMutation({
    mutationFn: async () => {
      const answer = await call("ResumeFlowRun", {
        flow_run_id: run.flow_run_id,
        run_input: object === undefined ? undefined : form.value,
        reason: "Resumed in the web interface",
      });
      const why = refusal(answer.verdict);
      if (why !== undefined) throw new Error(why);
      return answer.flow_run;
    },
    onSuccess: (changed) => {
      if (changed !== undefined) onChange(changed);
      tell("The run goes on");
      onClose();
    },
  });
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        if (object === undefined || form.check()) resume.mutate();
      }}
    >
      {description !== "" && <p className="confirm-text">{description}</p>}
      {object === undefined ? (
        <p>The run asks for nothing: it goes on where it stopped.</p>
      ) : (
        <SchemaForm schema={schema} value={form.value} violations={form.shown} onChange={form.setValue} onBroken={form.onBroken} />
      )}
      {resume.error !== null && <Fault error={resume.error} />}
      <div className="modal-foot">
        <button type="button" className="button" onClick={onClose}>
          Keep it paused
        </button>
        <button type="submit" className="button button-main" disabled={resume.isPending}>
          Resume
        </button>
      </div>
    </form>
  );
}
