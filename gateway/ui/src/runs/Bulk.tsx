import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call, type CallError } from "../api/client.ts";
import type { BulkAction, BulkOperation, FlowRunFilter, Input } from "../api/contract.gen.ts";
import { useStream } from "../api/live.ts";
import { ConfirmDialog } from "../parts/ConfirmDialog.tsx";
import { Icon } from "../parts/Icon.tsx";
import { Menu } from "../parts/Menu.tsx";
import { Modal } from "../parts/Modal.tsx";
import { Fault, Loading } from "../parts/Notice.tsx";
import { tell, tellFault } from "../parts/toasts.ts";

interface Deed {
  action: Input<BulkAction>;
  /** What the button says. */
  label: string;
  /** What becomes of the runs. */
  what: string;
  /** What has to be typed, for what cannot be undone. */
  typed?: string;
}

const DEEDS = {
  cancel: {
    action: { cancel: { reason: "Cancelled in the web interface" } },
    label: "Cancel the runs",
    what: "They are asked to stop, with their subflows. Runs that are over stay as they are.",
  },
  retryUnfinished: {
    action: { retry: { scope: "RETRY_SCOPE_UNFINISHED" } },
    label: "Retry the runs",
    what: "Those that are over are scheduled again. Tasks that completed are not run again where their results were kept.",
  },
  retryAll: {
    action: { retry: { scope: "RETRY_SCOPE_ALL" } },
    label: "Run all again",
    what: "Those that are over are scheduled again, and every task of them is run anew.",
  },
  delete: {
    action: { delete: {} },
    label: "Delete the runs",
    what: "They are deleted with their task runs and logs. Runs that have not ended stay. This cannot be undone.",
    typed: "delete",
  },
} as const satisfies Record<string, Deed>;

interface BulkProps {
  /** Which runs. */
  filter: Input<FlowRunFilter>;
  /** How people call them: "3 selected", "all that match". */
  label: string;
  /** True if the filter leaves nothing out. */
  isAll: boolean;
  /** False while there is nothing to change; what was begun before is shown to its end. */
  isOffered: boolean;
  onDone: () => void;
}

/** Changes many flow runs: asks with their count before, and shows how far it has come. */
export function Bulk({ filter, label, isAll, isOffered, onDone }: BulkProps) {
  // What is asked about stays what it was, whatever the list does behind the dialog.
  const [asked, setAsked] = useState<{ deed: Deed; filter: Input<FlowRunFilter>; isAll: boolean }>();
  const [running, setRunning] = useState<BulkOperation>();
  const start = async () => {
    if (asked === undefined) return;
    const { bulk_operation: operation } = await call("CreateBulkOperation", {
      filter: asked.filter,
      action: asked.deed.action,
      all_runs: asked.isAll,
    });
    setRunning(operation);
  };
  const item = (name: keyof typeof DEEDS) => ({ label: DEEDS[name].label, onSelect: () => setAsked({ deed: DEEDS[name], filter, isAll }) });
  const deed = asked?.deed;
  return (
    <>
      {isOffered && (
        <Menu
          label={
            <>
              {label}
              <Icon name="more" />
            </>
          }
          name={`Change ${label}`}
          groups={[
            [
              { ...item("retryUnfinished"), icon: "retry" },
              { ...item("retryAll"), icon: "retry" },
              { ...item("cancel"), icon: "stop" },
            ],
            [{ ...item("delete"), icon: "trash", isDanger: true }],
          ]}
        />
      )}
      {asked !== undefined && deed !== undefined && running === undefined && (
        <ConfirmDialog
          title={`${deed.label}?`}
          action={deed.label}
          isDanger={deed.typed !== undefined || deed === DEEDS.cancel}
          typedName={deed.typed}
          isOpen
          onClose={() => setAsked(undefined)}
          onConfirm={start}
        >
          <Matching filter={asked.filter} action={deed.action} isAll={asked.isAll} />
          <p>{deed.what}</p>
        </ConfirmDialog>
      )}
      {running !== undefined && (
        <Progress
          started={running}
          onClose={() => {
            setRunning(undefined);
            setAsked(undefined);
            onDone();
          }}
        />
      )}
    </>
  );
}

function Matching({ filter, action, isAll }: { filter: Input<FlowRunFilter>; action: Input<BulkAction>; isAll: boolean }) {
  const { data, error } = useQuery({
    queryKey: ["bulk-count", filter, action],
    queryFn: ({ signal }) => call("CreateBulkOperation", { filter, action, dry_run: true, all_runs: isAll }, signal),
    gcTime: 0,
    staleTime: 0,
  });
  if (error !== null) return <Fault error={error} />;
  const operation = data?.bulk_operation;
  if (operation === undefined) return <Loading what="how many runs that are" />;
  const count = Number(operation.run_count);
  return (
    <p>
      <strong>{`${operation.run_count_capped ? "At least " : ""}${count.toLocaleString()} ${count === 1 ? "run" : "runs"}`}</strong>{" "}
      {isAll ? "of the workspace: no filter is on." : "match."}
    </p>
  );
}

const isOver = ({ status }: BulkOperation) =>
  status === "BULK_OPERATION_STATUS_COMPLETED" || status === "BULK_OPERATION_STATUS_CANCELLED";

function Progress({ started, onClose }: { started: BulkOperation; onClose: () => void }) {
  const id = started.bulk_operation_id;
  const [operation, setOperation] = useState(started);
  const [refused, setRefused] = useState<CallError>();
  useStream(
    "WatchBulkOperation",
    { bulk_operation_id: id },
    {
      onAnswer: ({ bulk_operation: newer }) => {
        if (newer !== undefined) setOperation(newer);
      },
      onRefused: setRefused,
    },
  );
  const hasEnded = isOver(operation);
  const cancel = useMutation({
    mutationFn: () => call("CancelBulkOperation", { bulk_operation_id: id }),
    onSuccess: () => tell("The rest is left as it is"),
    onError: (fault) => tellFault("It could not be stopped", fault),
  });
  const total = Math.max(Number(operation.run_count), Number(operation.looked_at_count), 1);
  return (
    <Modal title={hasEnded ? "Done" : "Changing runs"} isOpen onClose={onClose}>
      {refused !== undefined && <Fault error={refused} />}
      <progress className="bulk-progress" max={total} value={hasEnded ? total : Number(operation.looked_at_count)} aria-label="How far it has come" />
      <p role="status" className="number">
        {`${Number(operation.looked_at_count).toLocaleString()} looked at, ${Number(operation.changed_count).toLocaleString()} changed, ${Number(operation.refused_count).toLocaleString()} left as they were`}
      </p>
      {operation.refusals.length > 0 && (
        <ul className="refusals">
          {operation.refusals.slice(0, 5).map((refusal) => (
            <li key={refusal.flow_run_id} className="quiet">
              {refusal.reason}
            </li>
          ))}
        </ul>
      )}
      <div className="modal-foot">
        {!hasEnded && (
          <button type="button" className="button" disabled={cancel.isPending} onClick={() => cancel.mutate()}>
            Stop here
          </button>
        )}
        <button type="button" className="button button-main" onClick={onClose}>
          {hasEnded ? "Close" : "Go on without me"}
        </button>
      </div>
    </Modal>
  );
}
