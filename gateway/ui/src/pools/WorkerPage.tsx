import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, getRouteApi } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { RecentRuns } from "../activity/RecentRuns.tsx";
import { call } from "../api/client.ts";
import type { Worker, WorkerStatus } from "../api/contract.gen.ts";
import { useInvalidation } from "../api/watch.ts";
import { ConfirmDialog } from "../parts/ConfirmDialog.tsx";
import { Moment } from "../parts/Moment.tsx";
import { Empty, Fault, Loading } from "../parts/Notice.tsx";
import { Facts, Mark, PageHead, Tags } from "../parts/PageHead.tsx";
import { tellFault } from "../parts/toasts.ts";
import { Slots } from "./Slots.tsx";
import { WORKER_LOOKS } from "./workers.tsx";

const route = getRouteApi("/workers/$workerId");
const EVENTS = ["headrace.worker.*", "headrace.flow-run.*"];
const MOST = 200;
const TAKES_ORDERS: WorkerStatus[] = ["WORKER_STATUS_ONLINE", "WORKER_STATUS_PAUSED"];

async function findWorker(workerId: string, signal: AbortSignal): Promise<Worker | null> {
  let token = "";
  do {
    const page = await call("ListWorkers", { page_size: MOST, page_token: token }, signal);
    const found = page.workers.find((worker) => worker.worker_id === workerId);
    if (found !== undefined) return found;
    token = page.next_page_token;
  } while (token !== "");
  return null;
}

/** One worker: what it runs, what it ran, and how to let it go. */
export function WorkerPage() {
  const { workerId } = route.useParams();
  useInvalidation(EVENTS, ["workers"]);
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["workers", "one", workerId],
    queryFn: ({ signal }) => findWorker(workerId, signal),
  });
  if (error !== null) return <Fault error={error} onRetry={() => void refetch()} />;
  if (isPending) return <Loading what="the worker" />;
  if (data === null)
    return (
      <Empty title="There is no such worker">
        <p>
          Workers that are gone for long are forgotten. <Link to="/work-pools">Show those that there are</Link>
        </p>
      </Empty>
    );
  return <Shown worker={data} />;
}

function Shown({ worker }: { worker: Worker }) {
  const queries = useQueryClient();
  const [isDraining, setDraining] = useState(false);
  const isPaused = worker.pause_reason !== "";
  const flip = useMutation({
    mutationFn: async () => {
      const named = { worker_id: worker.worker_id };
      await (isPaused ? call("ResumeWorker", named) : call("PauseWorker", named));
    },
    onSuccess: () => queries.invalidateQueries({ queryKey: ["workers"] }),
    onError: (error) => tellFault(isPaused ? "The worker could not be resumed" : "The worker could not be paused", error),
  });
  const filter = useMemo(() => ({ worker_names: [worker.name] }), [worker.name]);
  const running = useMemo(() => ({ flow_run_ids: worker.flow_run_ids }), [worker.flow_run_ids]);
  const labels = Object.entries(worker.labels ?? {}).map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`);
  return (
    <>
      <PageHead
        title={worker.name}
        from={{ to: "/work-pools", label: "Work pools" }}
        badge={<Mark {...WORKER_LOOKS[worker.status]} />}
        actions={
          TAKES_ORDERS.includes(worker.status) && (
            <>
              <button type="button" className="button" disabled={flip.isPending} onClick={() => flip.mutate()}>
                {isPaused ? "Resume" : "Pause"}
              </button>
              <button type="button" className="button" onClick={() => setDraining(true)}>
                Drain
              </button>
            </>
          )
        }
      />
      <Facts
        facts={{
          "Work pool":
            worker.work_pool_name === "" ? (
              "serves deployments"
            ) : (
              <Link to="/work-pools/$workPoolName" params={{ workPoolName: worker.work_pool_name }}>
                {worker.work_pool_name}
              </Link>
            ),
          "Runs now": <Slots used={worker.flow_run_ids.length} limit={worker.capacity} />,
          Queues: worker.work_queue_names.length === 0 ? "all" : worker.work_queue_names.join(", "),
          Host: worker.host,
          Type: worker.type,
          Version: worker.client_version,
          "First came": <Moment at={worker.started_at} />,
          "Last heard of": TAKES_ORDERS.includes(worker.status) ? "now" : <Moment at={worker.last_heartbeat_at} />,
          Paused: isPaused ? worker.pause_reason : undefined,
          Labels: labels.length > 0 ? <Tags tags={labels} /> : undefined,
        }}
      />
      <div className="sections">
        <section>
          <h2>It runs now</h2>
          {worker.flow_run_ids.length === 0 ? (
            <p className="quiet">Nothing.</p>
          ) : (
            <RecentRuns label="It runs now" filter={running} none="Nothing." />
          )}
        </section>
        <section>
          <h2>Its newest runs</h2>
          <RecentRuns label="Its newest runs" filter={filter} none="It has run nothing yet." />
        </section>
      </div>
      <ConfirmDialog
        title={`Drain ${worker.name}?`}
        action="Drain the worker"
        isOpen={isDraining}
        onClose={() => setDraining(false)}
        onConfirm={async () => {
          await call("DrainWorker", { worker_id: worker.worker_id });
          await queries.invalidateQueries({ queryKey: ["workers"] });
        }}
      >
        <p>It takes nothing new, finishes the {worker.flow_run_ids.length} that it runs, and leaves. Start another one before, if its pool must go on.</p>
        <p className="quiet">To let it rest for a while and stay, pause it.</p>
      </ConfirmDialog>
    </>
  );
}
