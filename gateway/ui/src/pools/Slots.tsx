import type { WorkPoolStatus } from "../api/contract.gen.ts";
import { Mark } from "../parts/PageHead.tsx";

/** How many slots are taken, of how many. */
export function Slots({ used, limit }: { used: number; limit: number | undefined }) {
  if (limit === undefined) return <span className="number">{`${used}, no limit`}</span>;
  const share = limit === 0 ? 100 : Math.min(100, (100 * used) / limit);
  return (
    <span className="portion">
      <span className={`portion-bar slots-bar ${share >= 100 ? "slots-full" : ""}`} aria-hidden="true">
        <span style={{ width: `${share}%` }} />
      </span>
      <span className="number">{`${used} of ${limit}`}</span>
    </span>
  );
}

/** Whether a pool or a queue can run what waits in it. */
export function PoolStatus({ of }: { of: { paused: boolean; status: WorkPoolStatus } }) {
  if (of.paused) return <Mark look="paused" label="Paused" title="Nothing is taken from it" />;
  return of.status === "WORK_POOL_STATUS_READY" ? (
    <Mark look="completed" label="Ready" />
  ) : (
    <Mark look="scheduled" label="No worker" title="Runs wait until a worker comes online" />
  );
}
