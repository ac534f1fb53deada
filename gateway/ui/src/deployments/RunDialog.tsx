import { useNavigate } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { call } from "../api/client.ts";
import type { Deployment, JsonObject } from "../api/contract.gen.ts";
import { TextField } from "../parts/Fields.tsx";
import { FormDialog } from "../parts/FormDialog.tsx";
import { useChange } from "../parts/useChange.ts";
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
  const [wrong, setWrong] = useState<string>();

  const shownText = text === "" && !hasFields ? JSON.stringify(deployment.content?.parameters ?? {}, null, 2) : text;

  const save = useChange({
    run: async () =>
      call("RunDeployment", {
        deployment_id: deployment.deployment_id,
        parameters: isJson ? parse(shownText) : form.value,
        name: name.trim(),
        tags: tags.split(",").map((tag) => tag.trim()).filter((tag) => tag !== ""),
        scheduled_at: at === "" ? undefined : new Date(at).toISOString(),
      }),
    changes: [],
    onDone: ({ flow_run: started }) => {
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
        setWrong((error as Error).message);
        return;
      }
    setJson(next);
  };
  const others = form.shown.filter(({ path }) => path.length === 0).map(({ message }) => message);
  const places = form.shown.map(({ path }) => pathText(path)).filter(Boolean);

  return (
    <FormDialog
      title={`Run ${deployment.name}`}
      action="Run"
      isWide
      check={() => isJson || form.check()}
      save={save}
      onClose={onClose}
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
          error={wrong}
          onChange={setText}
        />
      ) : (
        <SchemaForm schema={schema} value={form.value} violations={form.shown} onChange={form.setValue} onBroken={form.onBroken} />
      )}
      <details className="more-fields">
        <summary>Name, time and tags</summary>
        <TextField label="Name of the run" hint="Empty: the server makes one." value={name} onChange={setName} />
        <TextField label="Start at" hint="Empty: at once." type="datetime-local" value={at} onChange={setAt} />
        <TextField label="Tags" hint="Joined by commas, beside those of the deployment." value={tags} onChange={setTags} />
      </details>
      {!isJson && others.length > 0 && <p className="field-error">{others.join(" ")}</p>}
      {!isJson && places.length > 0 && (
        <p className="field-error" role="alert">{`Some parameters do not fit: ${places.join(", ")}`}</p>
      )}
    </FormDialog>
  );
}
