import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { call } from "../api/client.ts";
import type { WorkPool, Worker } from "../api/contract.gen.ts";
import { useInvalidation } from "../api/watch.ts";
import { Mark } from "../parts/PageHead.tsx";
import { Fault, Loading } from "../parts/Notice.tsx";

const MOST = 200;
const SHOWN = 8;
const EVENTS = ["headrace.work-pool.*", "headrace.worker.*"];

function lookOfPool(pool: WorkPool): { look: string; label: string } {
  if (pool.paused) return { look: "paused", label: "Paused" };
  return pool.status === "WORK_POOL_STATUS_READY" ? { look: "completed", label: "Ready" } : { look: "scheduled", label: "No worker" };
}

/** The work pools with their workers; those that can run nothing come first. */
export function Health() {
  useInvalidation(EVENTS, ["dashboard-health"]);
  const { data, error, refetch } = useQuery({
    queryKey: ["dashboard-health"],
    queryFn: async ({ signal }) => {
      const [pools, workers] = await Promise.all([
        call("ListWorkPools", { page_size: MOST }, signal),
        call("ListWorkers", { page_size: MOST }, signal),
      ]);
      return { pools: pools.work_pools, workers: workers.workers };
    },
    placeholderData: keepPreviousData,
  });
  const online = (data?.workers ?? []).filter(({ status }) => status === "WORKER_STATUS_ONLINE");
  const pools = [...(data?.pools ?? [])].sort(
    (a, b) => Number(a.status === "WORK_POOL_STATUS_READY") - Number(b.status === "WORK_POOL_STATUS_READY"),
  );
  return (
    <section className="tile dash-third" aria-labelledby="dash-health">
      <div className="tile-head">
        <h2 id="dash-health">Pools and workers</h2>
        <Link to="/work-pools" className="tile-note" aria-label="All work pools">
          All
        </Link>
      </div>
      {error !== null && <Fault error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <Loading what="work pools" />}
      {data?.pools.length === 0 && online.length === 0 && (
        <p className="quiet">
          No pool and no worker yet. Start one with <code>headrace worker start --pool my-pool</code>.
        </p>
      )}
      {(pools.length > 0 || online.length > 0) && (
        <ul className="tile-rows">
          {pools.slice(0, SHOWN).map((pool) => (
            <PoolRow key={pool.work_pool_id} pool={pool} workers={online.filter((one) => one.work_pool_name === pool.name)} />
          ))}
          <Serving workers={online.filter((one) => one.work_pool_name === "")} />
        </ul>
      )}
    </section>
  );
}

function PoolRow({ pool, workers }: { pool: WorkPool; workers: Worker[] }) {
  const { look, label } = lookOfPool(pool);
  const slots = pool.concurrency_limit === undefined ? `${pool.active_slots} running` : `${pool.active_slots} of ${pool.concurrency_limit} slots`;
  return (
    <li>
      <span className="row-name">
        <Link to="/work-pools/$workPoolName" params={{ workPoolName: pool.name }}>
          {pool.name}
        </Link>
        <span className="quiet"> {`${pool.type}, ${workers.length} ${workers.length === 1 ? "worker" : "workers"}`}</span>
      </span>
      <Mark look={look} label={label} />
      <span className="quiet row-end number">{slots}</span>
    </li>
  );
}

function Serving({ workers }: { workers: Worker[] }) {
  if (workers.length === 0) return null;
  const runs = workers.reduce((sum, { flow_run_ids: ids }) => sum + ids.length, 0);
  return (
    <li>
      <span className="row-name">{workers.length === 1 ? "1 process that serves" : `${workers.length} processes that serve`}</span>
      <Mark look="completed" label="Online" />
      <span className="quiet row-end number">{`${runs} running`}</span>
    </li>
  );
}
