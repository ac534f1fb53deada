import { useMutation } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState, type ReactNode } from "react";
import { call } from "../api/client.ts";
import type { FlowRun, Verdict } from "../api/contract.gen.ts";
import { isFinal } from "../api/states.ts";
import { Icon } from "../parts/Icon.tsx";
import { Modal } from "../parts/Modal.tsx";
import { Elapsed, Moment } from "../parts/Moment.tsx";
import { StateBadge } from "../parts/StateBadge.tsx";
import { tell, tellFault } from "../parts/toasts.ts";

interface RunHeaderProps {
  run: FlowRun;
  onChange: (run: FlowRun) => void;
}

/** What a verdict says if it is not the one that was asked for. */
function refusal(verdict: Verdict | undefined): string | undefined {
  return verdict?.rejected?.reason ?? verdict?.aborted?.reason ?? verdict?.wait?.reason;
}

/** The run's name, state, times and what can be done with it. */
export function RunHeader({ run, onChange }: RunHeaderProps) {
  const message = run.state?.message ?? "";
  return (
    <header className="run-head">
      <p className="crumbs">
        <Link to="/runs">Runs</Link>
        {run.parent_flow_run_id !== "" && (
          <Link to="/runs/$flowRunId" params={{ flowRunId: run.parent_flow_run_id }}>
            Parent run
          </Link>
        )}
        <span>{run.flow_name}</span>
      </p>
      <div className="page-head">
        <h1>{run.name}</h1>
        <StateBadge state={run.state} />
        <div className="actions">
          <CancelButton run={run} onChange={onChange} />
          <RetryButton run={run} onChange={onChange} />
        </div>
      </div>
      {message !== "" && <p className="state-message">{message}</p>}
      <dl className="facts">
        <Fact name="Duration">
          <Elapsed from={run.started_at} until={run.ended_at} />
        </Fact>
        <Fact name={run.started_at === undefined ? "Due" : "Started"}>
          <Moment at={run.started_at ?? run.next_scheduled_start_at ?? run.expected_start_at} />
        </Fact>
        {run.ended_at !== undefined && (
          <Fact name="Ended">
            <Moment at={run.ended_at} />
          </Fact>
        )}
        {run.run_count > 1 && <Fact name="Times run">{run.run_count}</Fact>}
        {run.deployment_name !== "" && (
          <Fact name="Deployment">
            <Link to="/runs" search={{ deployment: run.deployment_id }}>
              {run.deployment_name}
            </Link>
          </Fact>
        )}
        {run.work_pool_name !== "" && <Fact name="Work pool">{run.work_pool_name}</Fact>}
        {run.worker_name !== "" && <Fact name="Worker">{run.worker_name}</Fact>}
        {run.tags.length > 0 && (
          <Fact name="Tags">
            <span className="tags">
              {run.tags.map((tag) => (
                <span key={tag} className="tag">
                  {tag}
                </span>
              ))}
            </span>
          </Fact>
        )}
      </dl>
    </header>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function CancelButton({ run, onChange }: RunHeaderProps) {
  const [isAsking, setAsking] = useState(false);
  const cancel = useMutation({
    mutationFn: () => call("CancelFlowRun", { flow_run_id: run.flow_run_id, reason: "Cancelled in the web interface" }),
    onSuccess: ({ flow_run: changed, verdict }) => {
      setAsking(false);
      if (changed !== undefined) onChange(changed);
      const why = refusal(verdict);
      if (why === undefined) tell("The run was asked to stop");
      else tellFault("The run was not cancelled", why);
    },
    onError: (error) => tellFault("The run could not be cancelled", error),
  });
  if (isFinal(run.state) || run.state?.type === "STATE_TYPE_CANCELLING") return null;
  return (
    <>
      <button type="button" className="button" onClick={() => setAsking(true)}>
        <Icon name="stop" />
        Cancel
      </button>
      <Modal title={`Cancel ${run.name}?`} isOpen={isAsking} onClose={() => setAsking(false)}>
        <p>Its process is asked to stop, and stopped if it does not. Subflows are cancelled with it.</p>
        <div className="modal-foot">
          <button type="button" className="button" onClick={() => setAsking(false)}>
            Keep running
          </button>
          <button
            type="button"
            className="button button-danger"
            disabled={cancel.isPending}
            onClick={() => cancel.mutate()}
          >
            Cancel the run
          </button>
        </div>
      </Modal>
    </>
  );
}

function RetryButton({ run, onChange }: RunHeaderProps) {
  const retry = useMutation({
    mutationFn: () => call("RetryFlowRun", { flow_run_id: run.flow_run_id }),
    onSuccess: ({ flow_run: changed, verdict }) => {
      if (changed !== undefined) onChange(changed);
      const why = refusal(verdict);
      if (why === undefined) tell("The run was scheduled again");
      else tellFault("The run was not retried", why);
    },
    onError: (error) => tellFault("The run could not be retried", error),
  });
  if (!isFinal(run.state)) return null;
  return (
    <button type="button" className="button" disabled={retry.isPending} onClick={() => retry.mutate()}>
      <Icon name="retry" />
      Retry
    </button>
  );
}
