import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { CallError, call } from "../api/client.ts";
import type { FlowRun, JsonObject, JsonValue } from "../api/contract.gen.ts";
import { FormDialog } from "../parts/FormDialog.tsx";
import { Modal } from "../parts/Modal.tsx";
import { Fault, Loading } from "../parts/Notice.tsx";
import { useChange } from "../parts/useChange.ts";
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
  const form = { run, title: `Resume ${run.name}`, onClose, onChange };
  if (data !== undefined) return <Form {...form} object={data.schema} description={data.description} />;
  return (
    <Modal title={form.title} isOpen onClose={onClose}>
      {error === null ? <Loading what="what the run asks for" /> : <Fault error={error} />}
    </Modal>
  );
}

interface FormProps extends ResumeDialogProps {
  title: string;
  object: JsonObject | undefined;
  description: string;
}

function Form({ run, title, object, description, onClose, onChange }: FormProps) {
  const schema = useMemo(() => asSchema(object), [object]);
  const form = useSchemaForm(schema, () => filled({}, schema, schema));
  const save = useChange({
    run: async () => {
      const answer = await call("ResumeFlowRun", {
        flow_run_id: run.flow_run_id,
        run_input: object === undefined ? undefined : form.value,
        reason: "Resumed in the web interface",
      });
      const why = refusal(answer.verdict);
      if (why !== undefined) throw new Error(why);
      return answer.flow_run;
    },
    changes: [],
    done: "The run goes on",
    onDone: (changed) => {
      if (changed !== undefined) onChange(changed);
      onClose();
    },
  });
  return (
    <FormDialog
      title={title}
      action="Resume"
      leave="Keep it paused"
      isWide={object !== undefined}
      check={() => object === undefined || form.check()}
      save={save}
      onClose={onClose}
    >
      {description !== "" && <p className="confirm-text">{description}</p>}
      {object === undefined ? (
        <p>The run asks for nothing: it goes on where it stopped.</p>
      ) : (
        <SchemaForm schema={schema} value={form.value} violations={form.shown} onChange={form.setValue} onBroken={form.onBroken} />
      )}
    </FormDialog>
  );
}
