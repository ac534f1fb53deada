import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { CallError, call } from "../api/client.ts";
import type { Backfill, BackfillRun } from "../api/contract.gen.ts";
import { usePaged } from "../api/paged.ts";
import { lookOf } from "../api/states.ts";
import { useInvalidation } from "../api/watch.ts";
import { ConfirmDialog } from "../parts/ConfirmDialog.tsx";
import { Moment } from "../parts/Moment.tsx";
import { More } from "../parts/More.tsx";
import { Empty, Fault, Loading } from "../parts/Notice.tsx";
import { Facts, Mark, PageHead } from "../parts/PageHead.tsx";
import { tellFault } from "../parts/toasts.ts";
import { momentText } from "../api/times.ts";
import { ProgressBar } from "./Backfills.tsx";
import { BACKFILL_LOOKS, parametersText } from "./words.ts";

const route = getRouteApi("/backfills/$backfillId");
const EVENTS = ["headrace.backfill.*", "headrace.flow-run.*"];

/** One backfill: a cell for each of its runs. */
export function BackfillPage() {
  const { backfillId } = route.useParams();
  useInvalidation(EVENTS, ["backfills"]);
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["backfills", backfillId],
    queryFn: ({ signal }) => call("GetBackfill", { backfill_id: backfillId }, signal),
  });
  const backfill = data?.backfill;
  const deployment = useQuery({
    queryKey: ["deployments", backfill?.deployment_id],
    queryFn: ({ signal }) => call("GetDeployment", { deployment_id: backfill?.deployment_id ?? "" }, signal),
    enabled: backfill !== undefined,
    retry: false,
  }).data?.deployment;
  if (error instanceof CallError && error.status === 404) return <Empty title="There is no such backfill" />;
  if (error !== null) return <Fault error={error} onRetry={() => void refetch()} />;
  if (isPending || backfill === undefined) return <Loading what="the backfill" />;
  return (
    <>
      <nav className="crumbs" aria-label="Way here">
        <Link to="/deployments">Deployments</Link>
        {deployment !== undefined && (
          <Link
            to="/deployments/$deploymentId"
            params={{ deploymentId: deployment.deployment_id }}
            search={{ tab: "backfills" }}
          >
            {deployment.name}
          </Link>
        )}
      </nav>
      <PageHead
        title={backfill.name === "" ? "Backfill" : backfill.name}
        badge={<Mark {...BACKFILL_LOOKS[backfill.status]} />}
        actions={<Actions backfill={backfill} />}
      />
      {backfill.message !== "" && <p className="state-message">{backfill.message}</p>}
      <Facts
        facts={{
          Progress: <ProgressBar progress={backfill.progress} />,
          "At once": backfill.concurrency === 0 ? "as many as can" : String(backfill.concurrency),
          Order: backfill.order === "BACKFILL_ORDER_DESC" ? "the newest first" : "the oldest first",
          Made: <Moment at={backfill.created_at} />,
          Over: backfill.ended_at === undefined ? undefined : <Moment at={backfill.ended_at} />,
        }}
      />
      <Matrix backfillId={backfillId} />
    </>
  );
}

function Actions({ backfill }: { backfill: Backfill }) {
  const queries = useQueryClient();
  const id = { backfill_id: backfill.backfill_id };
  const [isCancelling, setCancelling] = useState(false);
  const { mutate, isPending } = useMutation({
    mutationFn: (name: "PauseBackfill" | "ResumeBackfill" | "RetryBackfill") => call(name, id),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["backfills"] }),
    onError: (error) => tellFault("The backfill could not be changed", error),
  });
  const { status, progress } = backfill;
  const isOpen = status === "BACKFILL_STATUS_RUNNING" || status === "BACKFILL_STATUS_PAUSED";
  const broken = (progress?.failed ?? 0) + (progress?.crashed ?? 0) + (progress?.cancelled ?? 0);
  return (
    <>
      {status === "BACKFILL_STATUS_RUNNING" && (
        <button type="button" className="button" disabled={isPending} onClick={() => mutate("PauseBackfill")}>
          Pause
        </button>
      )}
      {status === "BACKFILL_STATUS_PAUSED" && (
        <button type="button" className="button" disabled={isPending} onClick={() => mutate("ResumeBackfill")}>
          Resume
        </button>
      )}
      {isOpen && (
        <button type="button" className="button" onClick={() => setCancelling(true)}>
          Cancel
        </button>
      )}
      {!isOpen && broken > 0 && (
        <button type="button" className="button button-main" disabled={isPending} onClick={() => mutate("RetryBackfill")}>
          {`Retry ${broken} that did not complete`}
        </button>
      )}
      <ConfirmDialog
        title="Cancel the backfill?"
        action="Cancel the backfill"
        isOpen={isCancelling}
        onClose={() => setCancelling(false)}
        onConfirm={async () => {
          await call("CancelBackfill", id);
          await queries.invalidateQueries({ queryKey: ["backfills"] });
        }}
      >
        <p>Runs that are under way are asked to stop, and no more are made. It can be retried later.</p>
      </ConfirmDialog>
    </>
  );
}

function lookOfRun(run: BackfillRun): { key: string; label: string } {
  if (run.end_state !== "STATE_TYPE_UNSPECIFIED") return lookOf(run.end_state);
  return run.flow_run_id === "" ? { key: "waiting", label: "Not made yet" } : { key: "running", label: "Under way" };
}

/** The runs: in columns of the combinations of parameters and rows of the times, or as a list of cells. */
function Matrix({ backfillId }: { backfillId: string }) {
  const list = usePaged("ListBackfillRuns", "backfills", { backfill_id: backfillId, page_size: 200 }, (page) => page.runs);
  if (list.error !== null) return <Fault error={list.error} onRetry={list.refetch} />;
  if (list.isPending) return <Loading what="its runs" />;
  return (
    <>
      <ol className="matrix" aria-label="Runs of the backfill">
        {list.rows.map((run) => {
          const look = lookOfRun(run);
          const what = [
            run.slot_at === undefined ? "" : momentText(run.slot_at),
            parametersText(run.parameters),
          ].filter((text) => text !== "");
          const title = `${run.number}: ${look.label}${run.tries > 1 ? `, try ${run.tries}` : ""}${what.length > 0 ? ` · ${what.join(" · ")}` : ""}`;
          return (
            <li key={run.number} className={`matrix-cell state-${look.key}`} title={title}>
              {run.flow_run_id === "" ? (
                <span>{what[0] ?? run.number}</span>
              ) : (
                <Link to="/runs/$flowRunId" params={{ flowRunId: run.flow_run_id }} aria-label={title}>
                  {what[0] ?? run.number}
                </Link>
              )}
            </li>
          );
        })}
      </ol>
      <More list={list} />
    </>
  );
}
