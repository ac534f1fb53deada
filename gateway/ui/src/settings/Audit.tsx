import { useMutation } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { useAddress } from "../api/address.ts";
import { call } from "../api/client.ts";
import type { AuditEntry, AuditOutcome } from "../api/contract.gen.ts";
import { useStream } from "../api/live.ts";
import { usePaged } from "../api/paged.ts";
import { rangeOf } from "../api/spans.ts";
import { DataTable, type Column } from "../parts/DataTable.tsx";
import { FilterBar } from "../parts/FilterBar.tsx";
import { Icon } from "../parts/Icon.tsx";
import { Moment } from "../parts/Moment.tsx";
import { More } from "../parts/More.tsx";
import { Empty, Fault, Loading } from "../parts/Notice.tsx";
import { Mark } from "../parts/PageHead.tsx";

const LOOKS: Record<AuditOutcome, { look: string; label: string }> = {
  AUDIT_OUTCOME_UNSPECIFIED: { look: "unknown", label: "Unknown" },
  AUDIT_OUTCOME_DONE: { look: "completed", label: "Done" },
  AUDIT_OUTCOME_DENIED: { look: "failed", label: "Denied" },
  AUDIT_OUTCOME_FAILED: { look: "crashed", label: "Failed" },
};
const FIELDS = [
  {
    key: "outcome",
    label: "Outcome",
    kind: "choice",
    options: [
      { value: "DONE", label: "Done" },
      { value: "DENIED", label: "Denied" },
      { value: "FAILED", label: "Failed" },
    ],
  },
  { key: "object", label: "Kind of object", kind: "text", placeholder: "variables" },
  { key: "principal", label: "Who (id)", kind: "text" },
  { key: "span", label: "Time", kind: "span" },
] as const;

const COLUMNS: Column<AuditEntry>[] = [
  {
    id: "name",
    header: "What",
    cell: ({ row: { original: entry } }) => (
      <span className="run-link">
        <span className="run-name">{entry.action}</span>
        <span className="quiet clipped">{`${entry.object_kind} ${entry.object_id}`.trim()}</span>
      </span>
    ),
  },
  {
    id: "outcome",
    header: "Outcome",
    cell: ({ row: { original: entry } }) => <Mark {...LOOKS[entry.outcome]} title={entry.reason} />,
  },
  {
    id: "who",
    header: "Who",
    cell: ({ row: { original: entry } }) => (
      <span className="run-link">
        <span>{entry.principal_name === "" ? entry.principal_id : entry.principal_name}</span>
        <span className="quiet">{entry.address}</span>
      </span>
    ),
  },
  { id: "at", header: "When", cell: ({ row: { original: entry } }) => <Moment at={entry.occurred_at} /> },
  { id: "number", header: "Number", cell: ({ row: { original: entry } }) => <span className="number">{entry.sequence}</span> },
];

/** Who changed what, or tried to; the entries are chained, so that nobody takes one out unseen. */
export function Audit() {
  const [{ text = "", outcome, object = "", principal = "", span }] = useAddress();
  const range = rangeOf(span);
  // Spans that are counted from now hold still while the page is open.
  const since = span?.includes("..") === true ? range?.from : undefined;
  const list = usePaged(
    "ListAuditEntries",
    "audit",
    {
      action_contains: text,
      outcome: outcome === undefined ? undefined : (`AUDIT_OUTCOME_${outcome}` as AuditOutcome),
      object_kind: object,
      principal_id: principal,
      since: since ?? (range?.from === undefined ? undefined : roundedToMinute(range.from)),
      until: range?.until,
    },
    (page) => page.entries,
  );
  const [begin, setBegin] = useState<string>();
  if (begin === undefined && !list.isPending) setBegin(list.rows[0]?.sequence ?? "0");
  const latest = useRef("");
  useStream(
    "FollowAuditEntries",
    begin === undefined ? undefined : { after_sequence: begin, follow: true },
    {
      onAnswer: ({ entries }) => {
        latest.current = entries.at(-1)?.sequence ?? latest.current;
        if (entries.length > 0) list.refetch();
      },
    },
    { renew: (asked) => (latest.current === "" ? asked : { ...asked, after_sequence: latest.current }) },
  );
  const check = useMutation({ mutationFn: () => call("GetAuditVerification", {}) });
  return (
    <>
      <div className="panel-head">
        <FilterBar fields={FIELDS} searchLabel="Search what was done" />
        <button type="button" className="button" disabled={check.isPending} onClick={() => check.mutate()}>
          <Icon name="check" />
          Check that it is whole
        </button>
        {check.data !== undefined && (
          <span role="status">
            {check.data.whole ? (
              <Mark look="completed" label={`Whole: ${Number(check.data.checked).toLocaleString()} entries`} />
            ) : (
              <Mark look="failed" label={`Broken at number ${check.data.first_broken_sequence}`} />
            )}
          </span>
        )}
      </div>
      {check.error !== null && <Fault error={check.error} />}
      {list.error !== null && <Fault error={list.error} onRetry={list.refetch} />}
      {list.isPending && list.error === null && <Loading what="the audit log" />}
      {list.rows.length > 0 && (
        <DataTable label="Audit log" columns={COLUMNS} rows={list.rows} rowKey={(entry) => entry.audit_entry_id} />
      )}
      <More list={list} />
      {!list.isPending && list.rows.length === 0 && list.error === null && <Empty title="Nothing was changed that fits" />}
    </>
  );
}

function roundedToMinute(at: string): string {
  return `${at.slice(0, 17)}00Z`;
}
