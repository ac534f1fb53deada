import { useMemo, useState } from "react";
import { call } from "../api/client.ts";
import type { Deployment } from "../api/contract.gen.ts";
import { FormDialog } from "../parts/FormDialog.tsx";
import { Icon } from "../parts/Icon.tsx";
import { Empty } from "../parts/Notice.tsx";
import { useChange } from "../parts/useChange.ts";
import { SchemaForm } from "../schema/SchemaForm.tsx";
import { asSchema, filled, initialObject, kindOf, propertiesOf, resolve, type Schema } from "../schema/schema.ts";
import { useSchemaForm } from "../schema/useSchemaForm.ts";

const HIDDEN = "••••••";

function typeText(part: Schema, root: Schema): string {
  const { schema, isNullable } = resolve(part, root);
  const kind = kindOf(schema);
  const name =
    kind === "choice"
      ? (schema.enum ?? [schema.const]).map((value) => JSON.stringify(value)).join(" or ")
      : kind === "array"
        ? `list of ${typeText(schema.items ?? {}, root)}`
        : kind === "union"
          ? (schema.anyOf ?? schema.oneOf ?? []).map((item) => typeText(item, root)).join(" or ")
          : kind === "text" || kind === "number"
            ? [schema.format ?? schema.type ?? "any"].flat().join(" or ")
            : kind === "json"
              ? [schema.type ?? "anything"].flat().join(" or ")
              : kind;
  return isNullable ? `${name} or nothing` : name;
}

/** The parameters that a deployment takes, and those that it gives by itself. */
export function ParametersTab({ deployment }: { deployment: Deployment }) {
  const schema = useMemo(() => asSchema(deployment.content?.parameter_schema), [deployment]);
  const [isEditing, setEditing] = useState(false);
  const own = deployment.content?.parameters ?? {};
  const properties = propertiesOf(schema);
  if (properties.length === 0 && Object.keys(own).length === 0)
    return <Empty title="It takes no parameters" code={'@flow\ndef hello(name: str = "world") -> None: ...'}><p>Those of the flow&rsquo;s function show up here:</p></Empty>;
  return (
    <>
      <div className="panel-head">
        <button type="button" className="button" onClick={() => setEditing(true)}>
          <Icon name="edit" />
          Change what it gives
        </button>
        {deployment.content?.enforce_parameter_schema === false && (
          <span className="quiet">Parameters that do not fit are taken all the same.</span>
        )}
      </div>
      <div className="scroll-x" role="region" tabIndex={0} aria-label="Parameters">
        <table className="grid">
          <thead>
            <tr>
              <th scope="col">Parameter</th>
              <th scope="col">Type</th>
              <th scope="col">Given by the deployment</th>
              <th scope="col">Default of the flow</th>
            </tr>
          </thead>
          <tbody>
            {properties.map(([name, part]) => (
              <tr key={name}>
                <th scope="row">
                  <code>{name}</code>
                  {schema.required?.includes(name) === true && <span className="required" title="needed">*</span>}
                  {part.description !== undefined && <p className="quiet parameter-note">{part.description}</p>}
                </th>
                <td>{typeText(part, schema)}</td>
                <td>{valueText(own[name], part, schema)}</td>
                <td>{valueText(part.default, part, schema)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {isEditing && <Editor deployment={deployment} schema={schema} onClose={() => setEditing(false)} />}
    </>
  );
}

function valueText(value: unknown, part: Schema, root: Schema) {
  if (value === undefined) return <span className="quiet">–</span>;
  const isSecret = kindOf(resolve(part, root).schema) === "secret" && value !== null;
  return <code>{isSecret ? HIDDEN : JSON.stringify(value)}</code>;
}

function Editor({ deployment, schema, onClose }: { deployment: Deployment; schema: Schema; onClose: () => void }) {
  const own = deployment.content?.parameters ?? {};
  // A deployment may leave needed parameters to its runs.
  const lenient = useMemo(() => ({ ...schema, required: [] }), [schema]);
  const defaults = useMemo(() => initialObject(schema, schema), [schema]);
  const form = useSchemaForm(lenient, () => filled(own, schema, schema));
  const save = useChange({
    run: () => {
      const given = Object.entries(form.value).filter(
        ([name, value]) => name in own || JSON.stringify(value) !== JSON.stringify(defaults[name]),
      );
      return call("UpdateDeployment", {
        deployment: { deployment_id: deployment.deployment_id, content: { parameters: Object.fromEntries(given) } },
        update_mask: "content.parameters",
      });
    },
    changes: ["deployments"],
    done: "A new version gives these parameters",
    onDone: onClose,
  });
  return (
    <FormDialog title="Parameters that the deployment gives" isWide save={save} check={() => form.check()} onClose={onClose}>
      <SchemaForm schema={lenient} value={form.value} violations={form.shown} onChange={form.setValue} onBroken={form.onBroken} />
    </FormDialog>
  );
}
