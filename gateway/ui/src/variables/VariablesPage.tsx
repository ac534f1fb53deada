import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { useAddress } from "../api/address.ts";
import { call } from "../api/client.ts";
import type { JsonValue, Variable } from "../api/contract.gen.ts";
import { usePaged } from "../api/paged.ts";
import { DataTable, type Column } from "../parts/DataTable.tsx";
import { CheckField, TextField } from "../parts/Fields.tsx";
import { FormDialog } from "../parts/FormDialog.tsx";
import { Icon } from "../parts/Icon.tsx";
import { Moment } from "../parts/Moment.tsx";
import { More } from "../parts/More.tsx";
import { Empty, Fault, Loading } from "../parts/Notice.tsx";
import { Tags } from "../parts/PageHead.tsx";
import { SearchField } from "../parts/SearchField.tsx";
import { tell, tellFault } from "../parts/toasts.ts";
import { useChange } from "../parts/useChange.ts";
import { viewOf } from "../runs/views.ts";

const EXAMPLE = `from headrace.variables import Variable

Variable.set("region", "eu-west-1")
Variable.get("region")`;

/** Named values that flows read. */
export function VariablesPage() {
  const queries = useQueryClient();
  const [{ text = "" }, change] = useAddress();
  const [asked, setAsked] = useState<{ variable: Variable | undefined }>();
  // Saved views are kept as variables, and shown where they belong.
  const list = usePaged("ListVariables", "variables", { name_contains: text }, (page) =>
    page.variables.filter((variable) => viewOf(variable) === undefined),
  );
  const { mutate: remove } = useMutation({
    mutationFn: async (variable: Variable) => {
      await call("DeleteVariable", { name: variable.name });
      await queries.invalidateQueries({ queryKey: ["variables"] });
      tell(`${variable.name} was deleted`, async () => {
        await call("SetVariable", { name: variable.name, value: variable.value, tags: variable.tags });
        await queries.invalidateQueries({ queryKey: ["variables"] });
      });
    },
    onError: (error) => tellFault("The variable could not be deleted", error),
  });
  const columns = useMemo(() => makeColumns((variable) => setAsked({ variable }), remove), [remove]);
  return (
    <>
      <div className="page-head">
        <h1>Variables</h1>
        <SearchField label="Search variables" value={text} onChange={(next) => change({ text: next })} />
        <button type="button" className="button button-main" onClick={() => setAsked({ variable: undefined })}>
          <Icon name="plus" />
          New variable
        </button>
      </div>
      {list.isPending && list.error === null && <Loading what="variables" />}
      {list.error !== null && <Fault error={list.error} onRetry={list.refetch} />}
      {list.rows.length > 0 && (
        <DataTable label="Variables" columns={columns} rows={list.rows} rowKey={(variable) => variable.variable_id} />
      )}
      <More list={list} />
      {!list.isPending && list.rows.length === 0 && list.error === null && (
        text === "" ? (
          <Empty title="No variables yet" code={EXAMPLE}>
            <p>A variable is a named JSON value for all flows to read, and for templates as {"{{ headrace.variables.NAME }}"}. Secrets belong into blocks.</p>
          </Empty>
        ) : (
          <Empty title="No variable is called so">
            <p>
              <Link to="/variables">Show all variables</Link>
            </p>
          </Empty>
        )
      )}
      {asked !== undefined && <VariableDialog variable={asked.variable} onClose={() => setAsked(undefined)} />}
    </>
  );
}

function makeColumns(onEdit: (variable: Variable) => void, onDelete: (variable: Variable) => void): Column<Variable>[] {
  return [
    {
      id: "name",
      header: "Variable",
      cell: ({ row: { original: variable } }) => (
        <button type="button" className="link run-name" onClick={() => onEdit(variable)}>
          {variable.name}
        </button>
      ),
    },
    {
      id: "value",
      header: "Value",
      cell: ({ row: { original: variable } }) => <code className="clipped">{JSON.stringify(variable.value ?? null)}</code>,
    },
    { id: "tags", header: "Tags", cell: ({ row: { original: variable } }) => <Tags tags={variable.tags} /> },
    { id: "changed", header: "Changed", cell: ({ row: { original: variable } }) => <Moment at={variable.updated_at} /> },
    {
      id: "actions",
      header: () => <span className="hidden">What to do</span>,
      cell: ({ row: { original: variable } }) => (
        <span className="actions">
          <button type="button" className="button" aria-label={`Change ${variable.name}`} onClick={() => onEdit(variable)}>
            <Icon name="edit" />
          </button>
          <button type="button" className="button" aria-label={`Delete ${variable.name}`} onClick={() => onDelete(variable)}>
            <Icon name="trash" />
          </button>
        </span>
      ),
    },
  ];
}

function VariableDialog({ variable, onClose }: { variable: Variable | undefined; onClose: () => void }) {
  const isText = variable === undefined || typeof variable.value === "string";
  const [name, setName] = useState("");
  const [isPlain, setPlain] = useState(isText);
  const [text, setText] = useState(() =>
    typeof variable?.value === "string" ? variable.value : variable === undefined ? "" : JSON.stringify(variable.value ?? null, null, 2),
  );
  const [tags, setTags] = useState(variable?.tags.join(", ") ?? "");
  const save = useChange({
    run: async () => {
      let value: JsonValue = text;
      if (!isPlain)
        try {
          value = JSON.parse(text) as JsonValue;
        } catch (error) {
          throw new Error(`The value is no JSON: ${(error as Error).message}`, { cause: error });
        }
      return call("SetVariable", {
        name: variable?.name ?? name.trim(),
        value,
        tags: tags.split(",").map((tag) => tag.trim()).filter((tag) => tag !== ""),
        overwrite: variable !== undefined,
      });
    },
    changes: ["variables"],
    done: variable === undefined ? "The variable was made" : "The variable was changed",
    onDone: onClose,
  });
  return (
    <FormDialog title={variable === undefined ? "New variable" : `Change ${variable.name}`} save={save} onClose={onClose}>
      {variable === undefined && (
        <TextField label="Name" hint={'Lower case letters, digits, "_" and "-".'} isRequired autoFocus value={name} onChange={setName} />
      )}
      <TextField
        label={isPlain ? "Value as text" : "Value as JSON"}
        isCode
        lines={Math.min(14, Math.max(3, text.split("\n").length + 1))}
        value={text}
        onChange={setText}
      />
      <CheckField
        label="It is JSON: a number, a list, an object …"
        isChecked={!isPlain}
        onChange={(isJson) => {
          if (isJson) setText(JSON.stringify(text, null, 2));
          else
            try {
              const value: unknown = JSON.parse(text);
              if (typeof value === "string") setText(value);
            } catch {
              // What is no JSON stays as it was typed.
            }
          setPlain(!isJson);
        }}
      />
      <TextField label="Tags" hint="Joined by commas." value={tags} onChange={setTags} />
    </FormDialog>
  );
}
