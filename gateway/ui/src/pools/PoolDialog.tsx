import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { call } from "../api/client.ts";
import type { JsonObject, QueuePolicy, WorkPool } from "../api/contract.gen.ts";
import { CheckField, SelectField, TextField } from "../parts/Fields.tsx";
import { FormDialog } from "../parts/FormDialog.tsx";
import { Fault, Loading } from "../parts/Notice.tsx";
import { useChange } from "../parts/useChange.ts";
import { secondsOfText, textOfSpan } from "../deployments/schedules.ts";
import { SchemaForm } from "../schema/SchemaForm.tsx";
import { asSchema, initialObject, violationsOf } from "../schema/schema.ts";

const FIRST_TYPE = "process";
const TYPES = ["process", "docker", "kubernetes"];

/** A base job template: what workers start, and the schema of the values for it. */
interface Template {
  variables: JsonObject;
  job_configuration: JsonObject;
}

function templateOf(object: JsonObject | undefined): Template {
  return {
    variables: (object?.variables ?? {}) as JsonObject,
    job_configuration: (object?.job_configuration ?? {}) as JsonObject,
  };
}

/** Writes values as the defaults of a template's variables. */
function withDefaults(template: Template, values: JsonObject): JsonObject {
  const properties = { ...(template.variables.properties as Record<string, JsonObject> | undefined) };
  for (const [name, part] of Object.entries(properties)) {
    const { default: _former, ...rest } = part;
    properties[name] = values[name] === undefined ? rest : { ...rest, default: values[name] };
  }
  return { ...template, variables: { ...template.variables, properties } };
}

/** Makes or changes a work pool, with the values that its runs start with. */
export function PoolDialog({ pool, onClose }: { pool: WorkPool | undefined; onClose: () => void }) {
  const navigate = useNavigate();
  const [type, setType] = useState(pool?.type ?? FIRST_TYPE);
  const standard = useQuery({
    queryKey: ["base-job-template", type],
    queryFn: ({ signal }) => call("GetDefaultBaseJobTemplate", { type }, signal),
    enabled: pool === undefined,
  });
  const found = pool?.base_job_template ?? standard.data?.base_job_template;
  const template = useMemo(() => templateOf(found), [found]);
  const schema = useMemo(() => asSchema(template.variables), [template]);
  const [name, setName] = useState("");
  const [description, setDescription] = useState(pool?.description ?? "");
  const [limit, setLimit] = useState(pool?.concurrency_limit?.toString() ?? "");
  const [policy, setPolicy] = useState<QueuePolicy>(
    pool === undefined || pool.queue_policy === "QUEUE_POLICY_UNSPECIFIED" ? "QUEUE_POLICY_WEIGHTED" : pool.queue_policy,
  );
  const [timeout, setTimeoutText] = useState(textOfSpan(pool?.start_timeout));
  // Values belong to the template that they were typed for.
  const [typed, setTyped] = useState<JsonObject>();
  const values = useMemo(() => typed ?? initialObject(schema, schema), [typed, schema]);
  const [broken, setBroken] = useState<Record<string, string>>({});
  const [isRaw, setRaw] = useState(false);
  const [raw, setRawText] = useState("");
  const violations = violationsOf(values, { ...schema, required: [] }, schema);
  const changeType = (next: string) => {
    setType(next);
    setTyped(undefined);
    setBroken({});
    setRaw(false);
  };

  const save = useChange({
    run: async () => {
      if (!isRaw && (violations.length > 0 || Object.keys(broken).length > 0))
        throw new Error("Some values do not fit: see beside the fields.");
      const seconds = timeout.trim() === "" ? undefined : secondsOfText(timeout);
      if (timeout.trim() !== "" && seconds === undefined) throw new Error("The time to start is a span such as 90s or 5m.");
      const fields = {
        description: description.trim(),
        base_job_template: isRaw ? (JSON.parse(raw) as JsonObject) : withDefaults(template, values),
        concurrency_limit: limit.trim() === "" ? undefined : Number(limit),
        queue_policy: policy,
        start_timeout: seconds === undefined ? undefined : `${seconds}s`,
      };
      return pool === undefined
        ? call("CreateWorkPool", { work_pool: { ...fields, name: name.trim(), type } })
        : call("UpdateWorkPool", {
            work_pool: { ...fields, name: pool.name },
            update_mask: "description,base_job_template,concurrency_limit,queue_policy,start_timeout",
          });
    },
    changes: ["work-pools"],
    done: pool === undefined ? "The pool was made" : "The pool was changed",
    onDone: ({ work_pool: made }) => {
      onClose();
      if (pool === undefined && made !== undefined)
        void navigate({ to: "/work-pools/$workPoolName", params: { workPoolName: made.name } });
    },
  });
  return (
    <FormDialog
      title={pool === undefined ? "New work pool" : `Change ${pool.name}`}
      action={pool === undefined ? "Make the pool" : "Save"}
      isWide
      isReady={found !== undefined}
      save={save}
      onClose={onClose}
    >
      {pool === undefined && (
        <div className="field-pair">
          <TextField label="Name" isRequired autoFocus value={name} onChange={setName} />
          <SelectField
            label="Type"
            hint="The kind of its workers"
            value={type}
            options={[...new Set([...(standard.data?.known_types ?? TYPES), type])].map((item) => ({ value: item, label: item }))}
            onChange={changeType}
          />
        </div>
      )}
      <div className="field-pair">
        <TextField label="Description" value={description} onChange={setDescription} />
        <TextField label="Runs at once" hint="Empty: any number." type="number" value={limit} onChange={setLimit} />
        <SelectField
          label="Queues share its workers"
          value={policy}
          options={[
            { value: "QUEUE_POLICY_WEIGHTED", label: "By weight: each gets a share" },
            { value: "QUEUE_POLICY_STRICT", label: "Strictly: the first one first" },
          ]}
          onChange={(next) => setPolicy(next as QueuePolicy)}
        />
        <TextField label="Most time to start" hint="Such as 90s or 5m; empty: as long as it takes." value={timeout} onChange={setTimeoutText} />
      </div>
      <h3 className="form-title">What its runs start with</h3>
      {found === undefined ? (
        standard.error === null ? (
          <Loading what="the template" />
        ) : (
          <Fault error={standard.error} onRetry={() => void standard.refetch()} />
        )
      ) : (
        <>
          <CheckField
            label="Edit the whole base job template as JSON"
            isChecked={isRaw}
            onChange={(next) => {
              setRaw(next);
              if (next) setRawText(JSON.stringify(withDefaults(template, values), null, 2));
            }}
          />
          {isRaw ? (
            <TextField label="Base job template" isCode lines={16} value={raw} onChange={setRawText} />
          ) : (
            <SchemaForm
              schema={schema}
              value={values}
              violations={[...violations, ...Object.entries(broken).map(([path, message]) => ({ path: [path], message }))]}
              onChange={setTyped}
              onBroken={(path, message) =>
                setBroken(({ [path]: _former, ...others }) => (message === undefined ? others : { ...others, [path]: message }))
              }
            />
          )}
        </>
      )}
    </FormDialog>
  );
}
