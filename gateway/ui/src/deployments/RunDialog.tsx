import { useMutation } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { call } from "../api/client.ts";
import type { Deployment, JsonObject } from "../api/contract.gen.ts";
import { Field, TextField } from "../parts/Fields.tsx";
import { Modal } from "../parts/Modal.tsx";
import { Fault } from "../parts/Notice.tsx";
import { SchemaForm } from "../schema/SchemaForm.tsx";
import { asSchema, filled, pathText, propertiesOf } from "../schema/schema.ts";
import { useSchemaForm } from "../schema/useSchemaForm.ts";

interface RunDialogProps {
  deployment: Deployment;
  /** Parameters to begin with, on top of the deployment's. */
  parameters?: JsonObject;
  onClose: () => void;
}

function parse(text: string): JsonObject {
  const value: unknown = JSON.parse(text.trim() === "" ? "{}" : text);
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Error("Parameters are an object: a name and a value for each.");
  return value as JsonObject;
}

/** Starts a run of a deployment with the parameters that one gives. */
export function RunDialog({ deployment, parameters, onClose }: RunDialogProps) {
  const navigate = useNavigate();
  const schema = useMemo(() => asSchema(deployment.content?.parameter_schema), [deployment]);
  const base = useMemo(
    () => filled({ ...deployment.content?.parameters, ...parameters }, schema, schema),
    [schema, deployment, parameters],
  );
  const form = useSchemaForm(schema, () => base);
  const hasFields = propertiesOf(schema).length > 0;
  const [isJson, setJson] = useState(!hasFields);
  const [text, setText] = useState("");
  const [name, setName] = useState("");
  const [at, setAt] = useState("");
  const [tags, setTags] = useState("");
  const [wrong, setWrong] = useState<Error>();

  const run = useMutation({
    mutationFn: (chosen: JsonObject) =>
      call("RunDeployment", {
        deployment_id: deployment.deployment_id,
        parameters: chosen,
        name: name.trim(),
        tags: tags.split(",").map((tag) => tag.trim()).filter((tag) => tag !== ""),
        scheduled_at: at === "" ? undefined : new Date(at).toISOString(),
      }),
    onSuccess: ({ flow_run: started }) => {
      onClose();
      if (started !== undefined)
        void navigate({ to: "/runs/$flowRunId", params: { flowRunId: started.flow_run_id } });
    },
  });

  const showJson = (next: boolean) => {
    setWrong(undefined);
    if (next) setText(JSON.stringify(form.value, null, 2));
    else
      try {
        form.setValue(parse(text));
      } catch (error) {
        setWrong(error as Error);
        return;
      }
    setJson(next);
  };
  const submit = () => {
    setWrong(undefined);
    if (!isJson) {
      if (form.check()) run.mutate(form.value);
      else setWrong(new Error("Some parameters do not fit: see beside the fields."));
      return;
    }
    try {
      run.mutate(parse(shownText));
    } catch (error) {
      setWrong(error as Error);
    }
  };
  const shownText = text === "" && !hasFields ? JSON.stringify(deployment.content?.parameters ?? {}, null, 2) : text;
  const error = wrong ?? run.error;
  const others = form.shown.filter(({ path }) => path.length === 0).map(({ message }) => message);

  return (
    <Modal title={`Run ${deployment.name}`} isOpen onClose={onClose}>
      <form
        className="wide"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        {hasFields && (
          <div className="switch" role="group" aria-label="Parameters as">
            <button type="button" aria-pressed={!isJson} onClick={() => showJson(false)}>
              Form
            </button>
            <button type="button" aria-pressed={isJson} onClick={() => showJson(true)}>
              JSON
            </button>
          </div>
        )}
        {isJson ? (
          <TextField
            label="Parameters as JSON"
            isCode
            lines={Math.min(16, Math.max(5, shownText.split("\n").length + 1))}
            value={shownText}
            onChange={setText}
          />
        ) : (
          <SchemaForm
            schema={schema}
            value={form.value}
            violations={form.shown}
            onChange={form.setValue}
            onBroken={form.onBroken}
          />
        )}
        <details className="more-fields">
          <summary>Name, time and tags</summary>
          <TextField label="Name of the run" hint="Empty: the server makes one." value={name} onChange={setName} />
          <Field label="Start at" hint="Empty: at once.">
            {(ids) => (
              <input {...ids} type="datetime-local" className="field" value={at} onChange={(event) => setAt(event.target.value)} />
            )}
          </Field>
          <TextField label="Tags" hint="Joined by commas, beside those of the deployment." value={tags} onChange={setTags} />
        </details>
        {others.length > 0 && <p className="field-error">{others.join(" ")}</p>}
        {error !== null && <Fault error={error} />}
        {form.shown.length > 0 && !isJson && (
          <p className="quiet">{`To look at: ${form.shown.map(({ path }) => pathText(path)).filter(Boolean).join(", ")}`}</p>
        )}
        <div className="modal-foot">
          <button type="button" className="button" onClick={onClose}>
            Close
          </button>
          <button type="submit" className="button button-main" disabled={run.isPending}>
            Run
          </button>
        </div>
      </form>
    </Modal>
  );
}
