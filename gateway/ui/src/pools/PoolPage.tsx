import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, getRouteApi, useNavigate } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { RecentRuns } from "../activity/RecentRuns.tsx";
import { useAddress } from "../api/address.ts";
import { call } from "../api/client.ts";
import type { StateType, WorkPool } from "../api/contract.gen.ts";
import { usePaged } from "../api/paged.ts";
import { secondsOf, spanText } from "../api/times.ts";
import { useInvalidation } from "../api/watch.ts";
import { ConfirmDialog } from "../parts/ConfirmDialog.tsx";
import { DataTable } from "../parts/DataTable.tsx";
import { Icon } from "../parts/Icon.tsx";
import { Moment } from "../parts/Moment.tsx";
import { More } from "../parts/More.tsx";
import { Empty } from "../parts/Notice.tsx";
import { One } from "../parts/One.tsx";
import { Facts, PageHead } from "../parts/PageHead.tsx";
import { Tabs } from "../parts/Tabs.tsx";
import { tell, tellFault } from "../parts/toasts.ts";
import { PoolDialog } from "./PoolDialog.tsx";
import { Queues } from "./Queues.tsx";
import { PoolStatus, Slots } from "./Slots.tsx";
import { WORKER_COLUMNS } from "./workers.tsx";

const route = getRouteApi("/work-pools/$workPoolName");
const EVENTS = ["headrace.work-pool.*", "headrace.work-queue.*", "headrace.worker.*", "headrace.flow-run.*"];
const KEYS = ["work-pools", "work-queues", "workers", "lateness"];
/** A run in one of these holds a slot. */
const HOLDING: StateType[] = ["STATE_TYPE_PENDING", "STATE_TYPE_RUNNING", "STATE_TYPE_CANCELLING"];
const TABS = [
  { key: "queues", label: "Queues" },
  { key: "runs", label: "Runs" },
  { key: "workers", label: "Workers" },
  { key: "template", label: "Job template" },
] as const;

/** One work pool: its queues, who holds its slots, what waits and who works. */
export function PoolPage() {
  const { workPoolName } = route.useParams();
  useInvalidation(EVENTS, KEYS);
  const query = useQuery({
    queryKey: ["work-pools", workPoolName],
    queryFn: ({ signal }) => call("GetWorkPool", { work_pool_name: workPoolName }, signal),
  });
  return (
    <One
      query={query}
      what="the work pool"
      missing={
        <Empty title="There is no such work pool" code={`headrace worker start --pool ${workPoolName}`}>
          <p>
            A worker makes its pool when it starts. <Link to="/work-pools">Show all pools</Link>
          </p>
        </Empty>
      }
    >
      {({ work_pool: found }) => found !== undefined && <Shown pool={found} />}
    </One>
  );
}

function Shown({ pool }: { pool: WorkPool }) {
  const [{ tab: asked }, change] = useAddress();
  const tab = TABS.find(({ key }) => key === asked)?.key ?? "queues";
  const [isEditing, setEditing] = useState(false);
  const [isDeleting, setDeleting] = useState(false);
  const navigate = useNavigate();
  const queries = useQueryClient();
  const workers = usePaged("ListWorkers", "workers", { work_pool_name: pool.name }, (page) => page.workers);
  const late = useQuery({
    queryKey: ["lateness", pool.name],
    queryFn: ({ signal }) => call("GetFlowRunLateness", { filter: { work_pool_names: [pool.name] } }, signal),
  }).data;
  const flip = useMutation({
    mutationFn: () =>
      call("UpdateWorkPool", { work_pool: { name: pool.name, paused: !pool.paused }, update_mask: "paused" }),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["work-pools"] }),
    onError: (error) => tellFault("The pool could not be changed", error),
  });
  const online = workers.rows.filter((worker) => worker.status === "WORKER_STATUS_ONLINE").length;
  const waiting = Number(late?.waiting_count ?? 0);
  return (
    <>
      <PageHead
        title={pool.name}
        from={{ to: "/work-pools", label: "Work pools" }}
        badge={<PoolStatus of={pool} />}
        actions={
          <>
            <button type="button" className="button" disabled={flip.isPending} onClick={() => flip.mutate()}>
              <Icon name={pool.paused ? "play" : "pause"} />
              {pool.paused ? "Resume" : "Pause"}
            </button>
            <button type="button" className="button" onClick={() => setEditing(true)}>
              <Icon name="edit" />
              Change
            </button>
            <button type="button" className="button" onClick={() => setDeleting(true)}>
              Delete
            </button>
          </>
        }
      />
      {pool.description !== "" && <p className="lead">{pool.description}</p>}
      <Facts
        facts={{
          Type: pool.type,
          "Slots in use": <Slots used={pool.active_slots} limit={pool.concurrency_limit} />,
          "Workers online": String(online),
          "Late now": waiting === 0 ? "none" : `${waiting}, up to ${spanText(secondsOf(late?.longest_waiting) ?? 0)}`,
          "Half started within": late?.median === undefined ? undefined : spanText(secondsOf(late.median) ?? 0),
          "95 % started within":
            late?.percentile_95 === undefined ? undefined : spanText(secondsOf(late.percentile_95) ?? 0),
          Made: <Moment at={pool.created_at} />,
        }}
      />
      <Tabs
        tabs={TABS.map((item) => ({ ...item, count: item.key === "workers" ? workers.rows.length : undefined }))}
        value={tab}
        onChange={(next) => change({ tab: next === "queues" ? undefined : next }, true)}
      >
        {tab === "queues" && <Queues pool={pool} />}
        {tab === "runs" && <Runs pool={pool} />}
        {tab === "workers" && (
          <>
            {workers.rows.length > 0 && (
              <DataTable label="Workers" columns={WORKER_COLUMNS} rows={workers.rows} rowKey={(worker) => worker.worker_id} />
            )}
            <More list={workers} />
            {!workers.isPending && workers.rows.length === 0 && (
              <Empty title="No worker takes runs from here" code={`headrace worker start --pool ${pool.name} --type ${pool.type}`}>
                <p>What waits in the pool goes on waiting until one comes.</p>
              </Empty>
            )}
          </>
        )}
        {tab === "template" && (
          <pre className="code" tabIndex={0}>
            {JSON.stringify(pool.base_job_template ?? {}, null, 2)}
          </pre>
        )}
      </Tabs>
      {isEditing && <PoolDialog pool={pool} onClose={() => setEditing(false)} />}
      <ConfirmDialog
        title={`Delete ${pool.name}?`}
        action="Delete the pool"
        typedName={pool.name}
        isOpen={isDeleting}
        onClose={() => setDeleting(false)}
        onConfirm={async () => {
          await call("DeleteWorkPool", { work_pool_name: pool.name });
          tell(`${pool.name} was deleted`);
          await navigate({ to: "/work-pools" });
          await queries.invalidateQueries({ queryKey: ["work-pools"] });
        }}
      >
        <p>Its queues go with it, and deployments that name it have none to run in. This cannot be undone.</p>
      </ConfirmDialog>
    </>
  );
}

/** Who holds slots, what waits, and what is over. */
function Runs({ pool }: { pool: WorkPool }) {
  const holding = useMemo(() => ({ work_pool_names: [pool.name], state_types: HOLDING }), [pool.name]);
  const waiting = useMemo(
    () => ({ work_pool_names: [pool.name], state_types: ["STATE_TYPE_SCHEDULED"] satisfies StateType[] }),
    [pool.name],
  );
  return (
    <div className="sections">
      <section>
        <h2>They hold slots now</h2>
        <RecentRuns label="They hold slots now" filter={holding} follow={{ work_pool_names: [pool.name] }} none="All slots are free." />
      </section>
      <section>
        <h2>They wait</h2>
        <RecentRuns label="They wait" filter={waiting} follow={{ work_pool_names: [pool.name] }} none="Nothing waits." />
      </section>
      <p>
        <Link to="/runs" search={{ pool: pool.name }}>
          All runs of the pool, with filters
        </Link>
      </p>
    </div>
  );
}
