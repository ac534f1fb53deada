import { useMutation } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { call } from "../api/client.ts";
import type { FlowRun, RetryScope, Verdict } from "../api/contract.gen.ts";
import { isFinal } from "../api/states.ts";
import { ConfirmDialog } from "../parts/ConfirmDialog.tsx";
import { Icon } from "../parts/Icon.tsx";
import { Menu, type MenuItem } from "../parts/Menu.tsx";
import { Modal } from "../parts/Modal.tsx";
import { tell, tellFault } from "../parts/toasts.ts";
import { ResumeDialog } from "./ResumeDialog.tsx";
import { StateDialog } from "./StateDialog.tsx";
import { asCurl, asPython } from "./copies.ts";
import { refusal } from "./verdicts.ts";

interface RunActionsProps {
  run: FlowRun;
  onChange: (run: FlowRun) => void;
}

type Open = "cancel" | "resume" | "state" | "delete" | undefined;

interface Answer {
  flow_run?: FlowRun;
  verdict?: Verdict;
}

async function copy(text: string, what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    tell(`${what} copied`);
  } catch (error) {
    tellFault("That could not be copied", error);
  }
}

/** What can be done with a run as it stands. */
export function RunActions({ run, onChange }: RunActionsProps) {
  const navigate = useNavigate();
  const [open, setOpen] = useState<Open>();
  const close = () => setOpen(undefined);
  const change = useMutation({
    mutationFn: ({ act }: { act: () => Promise<Answer>; done: string; failed: string }) => act(),
    onSuccess: ({ flow_run: changed, verdict }, { done, failed }) => {
      close();
      if (changed !== undefined) onChange(changed);
      const why = refusal(verdict);
      if (why === undefined) tell(done);
      else tellFault(failed, why);
    },
    onError: (error, { failed }) => tellFault(failed, error),
  });
  const id = { flow_run_id: run.flow_run_id };
  const retry = (scope: RetryScope) =>
    change.mutate({
      act: () => call("RetryFlowRun", { ...id, scope }),
      done: "The run was scheduled again",
      failed: "The run was not retried",
    });
  const hasEnded = isFinal(run.state);
  const type = run.state?.type;
  const canCancel = !hasEnded && type !== "STATE_TYPE_CANCELLING";
  const retries: MenuItem[] = hasEnded
    ? [
        { label: "Retry what did not complete", icon: "retry", onSelect: () => retry("RETRY_SCOPE_UNFINISHED") },
        { label: "Run everything again", icon: "retry", onSelect: () => retry("RETRY_SCOPE_ALL") },
      ]
    : [];
  const more: MenuItem[] = [
    {
      label: "Compare with another run",
      icon: "compare",
      onSelect: () => void navigate({ to: "/runs/compare", search: { b: run.flow_run_id } }),
    },
    { label: "Change the state", icon: "edit", onSelect: () => setOpen("state") },
  ];
  const copies: MenuItem[] = [
    { label: "Copy the id", icon: "copy", onSelect: () => void copy(run.flow_run_id, "The id was") },
    { label: "Copy as Python", icon: "copy", onSelect: () => void copy(asPython(run), "The code was") },
    { label: "Copy as curl", icon: "copy", onSelect: () => void copy(asCurl(run), "The command was") },
  ];
  return (
    <div className="actions">
      {type === "STATE_TYPE_PAUSED" && (
        <button type="button" className="button button-main" onClick={() => setOpen("resume")}>
          <Icon name="play" />
          Resume
        </button>
      )}
      {type === "STATE_TYPE_RUNNING" && (
        <button
          type="button"
          className="button"
          disabled={change.isPending}
          onClick={() =>
            change.mutate({
              act: () => call("PauseFlowRun", { ...id, reason: "Paused in the web interface" }),
              done: "The run pauses before its next task",
              failed: "The run was not paused",
            })
          }
        >
          <Icon name="pause" />
          Pause
        </button>
      )}
      {canCancel && (
        <button type="button" className="button" onClick={() => setOpen("cancel")}>
          <Icon name="stop" />
          Cancel
        </button>
      )}
      {hasEnded && (
        <Menu
          label={
            <>
              <Icon name="retry" />
              Retry
            </>
          }
          groups={[retries]}
        />
      )}
      <Menu
        label={<Icon name="more" />}
        name="More"
        groups={[more, copies, [{ label: "Delete", icon: "trash", isDanger: true, onSelect: () => setOpen("delete") }]]}
      />
      <Modal title={`Cancel ${run.name}?`} isOpen={open === "cancel"} onClose={close}>
        <p>Its process is asked to stop, and stopped if it does not. Subflows are cancelled with it.</p>
        <div className="modal-foot">
          <button type="button" className="button" onClick={close}>
            Keep running
          </button>
          <button
            type="button"
            className="button button-danger"
            disabled={change.isPending}
            onClick={() =>
              change.mutate({
                act: () => call("CancelFlowRun", { ...id, reason: "Cancelled in the web interface" }),
                done: "The run was asked to stop",
                failed: "The run was not cancelled",
              })
            }
          >
            Cancel the run
          </button>
        </div>
      </Modal>
      {open === "resume" && <ResumeDialog run={run} onClose={close} onChange={onChange} />}
      {open === "state" && <StateDialog run={run} onClose={close} onChange={onChange} />}
      <ConfirmDialog
        title={`Delete ${run.name}?`}
        action="Delete the run"
        typedName={run.name}
        isOpen={open === "delete"}
        onClose={close}
        onConfirm={async () => {
          await call("DeleteFlowRun", id);
          tell(`${run.name} was deleted`);
          void navigate({ to: "/runs" });
        }}
      >
        <p>It goes with its task runs, logs and artifacts. This cannot be undone.</p>
      </ConfirmDialog>
    </div>
  );
}
