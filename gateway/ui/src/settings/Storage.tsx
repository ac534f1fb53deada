import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../api/client.ts";
import type { RetentionKind, RetentionRule, TableSize } from "../api/contract.gen.ts";
import { useName } from "../api/names.ts";
import { DataTable, type Column } from "../parts/DataTable.tsx";
import { DeploymentField } from "../parts/DeploymentField.tsx";
import { SelectField, TextField } from "../parts/Fields.tsx";
import { FormDialog } from "../parts/FormDialog.tsx";
import { Icon } from "../parts/Icon.tsx";
import { Fault, Loading } from "../parts/Notice.tsx";
import { Facts } from "../parts/PageHead.tsx";
import { tell, tellFault } from "../parts/toasts.ts";
import { useChange } from "../parts/useChange.ts";
import { bytesText } from "./sizes.ts";

const KINDS: Record<RetentionKind, string> = {
  RETENTION_KIND_UNSPECIFIED: "",
  RETENTION_KIND_FLOW_RUN: "Flow runs",
  RETENTION_KIND_BACKGROUND_TASK_RUN: "Background tasks",
  RETENTION_KIND_ARTIFACT: "Artifacts",
  RETENTION_KIND_TRANSITION: "Histories of states",
  RETENTION_KIND_LOG_RECORD: "Logs",
  RETENTION_KIND_EVENT: "Events",
  RETENTION_KIND_OUTBOX: "Notes between services",
};
/** Those that a workspace decides on. */
const OWN: RetentionKind[] = ["RETENTION_KIND_FLOW_RUN", "RETENTION_KIND_BACKGROUND_TASK_RUN", "RETENTION_KIND_ARTIFACT"];
const COLUMNS: Column<TableSize>[] = [
  {
    id: "name",
    header: "Table",
    cell: ({ row: { original: table } }) => (
      <span className="run-link">
        <span className="run-name">{table.table}</span>
        <span className="quiet">{table.service}</span>
      </span>
    ),
  },
  { id: "kind", header: "Goes with", cell: ({ row: { original: table } }) => KINDS[table.kind] },
  {
    id: "rows",
    header: "Rows",
    cell: ({ row: { original: table } }) => <span className="number">{Number(table.row_count).toLocaleString()}</span>,
  },
  { id: "size", header: "Rows take", cell: ({ row: { original: table } }) => <span className="number">{bytesText(table.data_bytes)}</span> },
  { id: "indexes", header: "Indexes take", cell: ({ row: { original: table } }) => <span className="number">{bytesText(table.index_bytes)}</span> },
  {
    id: "parts",
    header: "Parts by day",
    cell: ({ row: { original: table } }) => <span className="number">{table.partition_count === 0 ? "–" : table.partition_count}</span>,
  },
];

const SORTERS = {
  rows: (table: TableSize) => Number(table.row_count),
  size: (table: TableSize) => Number(table.data_bytes),
  indexes: (table: TableSize) => Number(table.index_bytes),
};

/** For how long things are kept, and how much room they take. */
export function Storage() {
  const [asked, setAsked] = useState<RetentionRule | null>();
  const rules = useQuery({
    queryKey: ["retention-rules"],
    queryFn: ({ signal }) => call("GetRetentionRules", {}, signal),
  });
  const sizes = useQuery({ queryKey: ["table-sizes"], queryFn: ({ signal }) => call("GetTableSizes", {}, signal) });
  return (
    <div className="sections">
      <section>
        <div className="panel-head">
          <h2>Kept for</h2>
          <button type="button" className="button" onClick={() => setAsked(null)}>
            <Icon name="plus" />
            New rule
          </button>
        </div>
        {rules.error !== null && <Fault error={rules.error} onRetry={() => void rules.refetch()} />}
        {rules.isPending && <Loading what="the rules" />}
        {rules.data !== undefined && (
          <ul className="rows" aria-label="Rules">
            {rules.data.rules.map((rule) => (
              <li key={`${rule.kind} ${rule.deployment_id ?? ""} ${rule.tag ?? ""}`}>
                <Rule rule={rule} onEdit={() => setAsked(rule)} />
              </li>
            ))}
          </ul>
        )}
      </section>
      <section>
        <h2>Room</h2>
        {sizes.error !== null && <Fault error={sizes.error} onRetry={() => void sizes.refetch()} />}
        {sizes.isPending && <Loading what="sizes" />}
        {sizes.data !== undefined && (
          <>
            <Facts facts={{ "The whole database": bytesText(sizes.data.database_bytes) }} />
            <DataTable
              label="Tables"
              columns={COLUMNS}
              rows={sizes.data.tables}
              rowKey={(table) => `${table.service}.${table.table}`}
              sorters={SORTERS}
            />
          </>
        )}
      </section>
      {asked !== undefined && <RuleDialog rule={asked ?? undefined} onClose={() => setAsked(undefined)} />}
    </div>
  );
}

function daysText(rule: RetentionRule): string {
  if (rule.keep_days === undefined) return "for ever";
  const days = Number(rule.keep_days);
  return `${days} ${days === 1 ? "day" : "days"}`;
}

function Rule({ rule, onEdit }: { rule: RetentionRule; onEdit: () => void }) {
  const queries = useQueryClient();
  const deployment = useName("deployment", rule.deployment_id ?? "");
  const of = [
    rule.tag === undefined ? "" : ` with the tag ${rule.tag}`,
    rule.deployment_id === undefined ? "" : ` of the deployment ${deployment?.name ?? rule.deployment_id}`,
  ].join("");
  const isOwn = rule.setting === "";
  const remove = useMutation({
    mutationFn: () => call("DeleteRetentionRule", { kind: rule.kind, deployment_id: rule.deployment_id, tag: rule.tag }),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ["retention-rules"] });
      tell("The rule was removed", async () => {
        await call("SetRetentionRule", { rule });
        await queries.invalidateQueries({ queryKey: ["retention-rules"] });
      });
    },
    onError: (error) => tellFault("The rule could not be removed", error),
  });
  return (
    <>
      <span className="version-text">
        <strong>{`${KINDS[rule.kind]}${of}`}</strong>
        {!isOwn && (
          <span className="quiet">
            by the server&rsquo;s setting <code>{rule.setting}</code>
          </span>
        )}
      </span>
      <span>{daysText(rule)}</span>
      {(isOwn || OWN.includes(rule.kind)) && (
        <span className="actions">
          <button type="button" className="button" aria-label={`Change the rule for ${KINDS[rule.kind]}${of}`} onClick={onEdit}>
            <Icon name="edit" />
          </button>
          {isOwn && (
            <button type="button" className="button" aria-label={`Remove the rule for ${KINDS[rule.kind]}${of}`} disabled={remove.isPending} onClick={() => remove.mutate()}>
              <Icon name="trash" />
            </button>
          )}
        </span>
      )}
    </>
  );
}

function RuleDialog({ rule, onClose }: { rule: RetentionRule | undefined; onClose: () => void }) {
  const [kind, setKind] = useState<RetentionKind>(rule?.kind ?? "RETENTION_KIND_FLOW_RUN");
  const [days, setDays] = useState(rule?.keep_days === undefined ? "" : String(rule.keep_days));
  const [tag, setTag] = useState(rule?.tag ?? "");
  const [deployment, setDeployment] = useState(rule?.deployment_id ?? "");
  const canChoose = rule === undefined && kind === "RETENTION_KIND_FLOW_RUN";
  const save = useChange({
    run: () =>
      call("SetRetentionRule", {
        rule: {
          kind,
          tag: deployment !== "" || tag.trim() === "" ? undefined : tag.trim(),
          deployment_id: deployment === "" ? undefined : deployment,
          keep_days: days.trim() === "" ? undefined : Number(days),
        },
      }),
    changes: ["retention-rules"],
    done: "The rule was set",
    onDone: onClose,
  });
  return (
    <FormDialog title={rule === undefined ? "New rule" : "Change the rule"} save={save} onClose={onClose}>
      <SelectField
        label="What"
        value={kind}
        isDisabled={rule !== undefined}
        options={OWN.map((value) => ({ value, label: KINDS[value] }))}
        onChange={(next) => {
          setKind(next as RetentionKind);
          setTag("");
          setDeployment("");
        }}
      />
      {canChoose && <DeploymentField label="Only of the deployment" none="of all" value={deployment} onChange={setDeployment} />}
      {(canChoose ? deployment === "" : rule?.tag !== undefined) && (
        <TextField label="Only with the tag" hint="Empty: all." value={tag} onChange={setTag} isDisabled={rule !== undefined} />
      )}
      <TextField label="Days" hint="Empty: for ever." type="number" value={days} onChange={setDays} />
    </FormDialog>
  );
}
