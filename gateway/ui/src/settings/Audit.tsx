import { useMutation } from "@tanstack/react-query";
import { useMemo, useRef, useState } from "react";
import { useAddress, type Search } from "../api/address.ts";
import { call } from "../api/client.ts";
import type { AuditEntry, AuditOutcome } from "../api/contract.gen.ts";
import { useStream } from "../api/live.ts";
import { usePaged } from "../api/paged.ts";
import { rangeOf } from "../api/spans.ts";
import { DataTable, type Column } from "../parts/DataTable.tsx";
import { Dotted } from "../parts/Dotted.tsx";
import { FilterBar } from "../parts/FilterBar.tsx";
import { Icon } from "../parts/Icon.tsx";
import { Modal } from "../parts/Modal.tsx";
import { Moment } from "../parts/Moment.tsx";
import { More } from "../parts/More.tsx";
import { Empty, Fault, Loading } from "../parts/Notice.tsx";
import { Facts, Mark } from "../parts/PageHead.tsx";

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
  { key: "object_id", label: "Which object", kind: "text", placeholder: "region" },
  { key: "principal", label: "Who (id)", kind: "text" },
  { key: "unproven", label: "Only what nobody proved to do", kind: "flag" },
  { key: "span", label: "Time", kind: "span" },
] as const;

const columnsWith = (onOpen: (entry: AuditEntry) => void): Column<AuditEntry>[] => [
  {
    id: "name",
    header: "What",
    cell: ({ row: { original: entry } }) => (
      <span className="run-link">
        <button type="button" className="link" onClick={() => onOpen(entry)}>
          <Dotted name={entry.action} />
        </button>
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
  const [{ text = "", outcome, object = "", object_id: objectId = "", principal = "", unproven, span, entry: opened }, change] = useAddress();
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
      object_id: objectId,
      without_workspace: unproven === "true",
      principal_id: principal,
      since: since ?? (range?.from === undefined ? undefined : roundedToMinute(range.from)),
      until: range?.until,
    },
    (page) => page.entries,
  );
  const columns = useMemo(() => columnsWith((entry) => change({ entry: entry.sequence })), [change]);
  const shown = list.rows.find((entry) => entry.sequence === opened);
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
        <DataTable label="Audit log" columns={columns} rows={list.rows} rowKey={(entry) => entry.audit_entry_id} />
      )}
      <More list={list} />
      {!list.isPending && list.rows.length === 0 && list.error === null && <Empty title="Nothing was changed that fits" />}
      {shown !== undefined && <EntryDialog entry={shown} onClose={() => change({ entry: undefined })} onOnly={change} />}
    </>
  );
}

interface EntryProps {
  entry: AuditEntry;
  onClose: () => void;
  /** Narrows the list down. */
  onOnly: (change: Search) => void;
}

/** All that an entry tells. */
function EntryDialog({ entry, onClose, onOnly }: EntryProps) {
  const only = (label: string, change: Search) => (
    <button type="button" className="button" onClick={() => onOnly({ ...change, entry: undefined })}>
      {label}
    </button>
  );
  return (
    <Modal title={`Entry ${entry.sequence}: ${entry.action}`} isOpen onClose={onClose}>
      <div className="wide">
        <Facts
          facts={{
            Outcome: <Mark {...LOOKS[entry.outcome]} />,
            Reason: entry.reason,
            Who: `${entry.principal_name === "" ? entry.principal_id : entry.principal_name} (${entry.principal_kind.replaceAll("_", " ")})`,
            When: <Moment at={entry.occurred_at} />,
            "What about": entry.object_kind === "" ? undefined : <code>{`${entry.object_kind} ${entry.object_id}`}</code>,
            "What it takes": entry.permission.replace("PERMISSION_", "").toLowerCase().replaceAll("_", " "),
            From: entry.address,
            With: entry.user_agent,
            "Name in logs and traces": entry.correlation_id === "" ? undefined : <code>{entry.correlation_id}</code>,
          }}
        />
        <details>
          <summary>Its place in the chain</summary>
          <dl className="hashes">
            {(["before_digest", "after_digest", "previous_hash", "hash"] as const).map((name) => (
              <div key={name}>
                <dt className="quiet">{name.replaceAll("_", " ")}</dt>
                <dd>
                  <code>{entry[name] === "" ? "–" : entry[name]}</code>
                </dd>
              </div>
            ))}
          </dl>
        </details>
        <div className="modal-foot wrapping">
          {entry.object_id !== "" && only("All about this object", { object: entry.object_kind, object_id: entry.object_id })}
          {only("All by who did this", { principal: entry.principal_id })}
        </div>
      </div>
    </Modal>
  );
}

function roundedToMinute(at: string): string {
  return `${at.slice(0, 17)}00Z`;
}
