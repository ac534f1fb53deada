import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, getRouteApi, useNavigate } from "@tanstack/react-router";
import { useState, type ReactNode } from "react";
import { call } from "../api/client.ts";
import type { ConcurrencyLimit, SlotHolder } from "../api/contract.gen.ts";
import { useInvalidation } from "../api/watch.ts";
import { ConfirmDialog } from "../parts/ConfirmDialog.tsx";
import { Icon } from "../parts/Icon.tsx";
import { Elapsed, Moment } from "../parts/Moment.tsx";
import { Named } from "../parts/Named.tsx";
import { Empty } from "../parts/Notice.tsx";
import { One } from "../parts/One.tsx";
import { Facts, Mark, PageHead } from "../parts/PageHead.tsx";
import { tell } from "../parts/toasts.ts";
import { Slots } from "../pools/Slots.tsx";
import { LimitDialog } from "./LimitDialog.tsx";
import { useLimited } from "./names.ts";

const route = getRouteApi("/limits/$name");
/** Slots are taken and given back without an event. */
const LOOK_MILLISECONDS = 2_000;
const EVENTS = ["headrace.flow-run.*", "headrace.task-run.*"];

/** One limit: who holds its slots, and who waits for them. */
export function LimitPage() {
  const { name } = route.useParams();
  useInvalidation(EVENTS, ["limits"]);
  const query = useQuery({
    queryKey: ["limits", name],
    queryFn: ({ signal }) => call("GetConcurrencyLimit", { name }, signal),
    refetchInterval: LOOK_MILLISECONDS,
  });
  return (
    <One
      query={query}
      what="the limit"
      missing={
        <Empty title="There is no such limit" code={`headrace concurrency-limit set ${name} 10`}>
          <p>
            A name without a limit holds nothing back. <Link to="/limits">Show all limits</Link>
          </p>
        </Empty>
      }
    >
      {({ limit: found }) => found !== undefined && <Shown limit={found} />}
    </One>
  );
}

function Shown({ limit }: { limit: ConcurrencyLimit }) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [isEditing, setEditing] = useState(false);
  const [isDeleting, setDeleting] = useState(false);
  const [evicted, setEvicted] = useState<SlotHolder>();
  const { label, whom, owner } = useLimited(limit.name);
  const refresh = () => queries.invalidateQueries({ queryKey: ["limits"] });
  return (
    <>
      <PageHead
        title={label}
        from={{ to: "/limits", label: "Limits" }}
        badge={limit.active ? <Mark look="completed" label="On" /> : <Mark look="paused" label="Off" />}
        actions={
          <>
            <button type="button" className="button" onClick={() => void refresh()}>
              <Icon name="retry" />
              Look again
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
      <Facts
        facts={{
          For: whom,
          Of: owner === undefined ? undefined : <Named kind={owner.kind} id={owner.id} isFull />,
          "Slots in use": <Slots used={limit.active_slots} limit={limit.limit} />,
          Rate: Number(limit.slot_decay_per_second) > 0 ? `${Number(limit.slot_decay_per_second)} slots a second` : undefined,
          Changed: <Moment at={limit.updated_at} />,
        }}
      />
      <div className="sections">
        <section>
          <h2>They hold slots</h2>
          <Holders
            label="They hold slots"
            holders={limit.holders}
            none="All slots are free."
            action={(holder) => (
              <button type="button" className="button" onClick={() => setEvicted(holder)}>
                Take the slots away
              </button>
            )}
          />
        </section>
        <section>
          <h2>They wait in line</h2>
          <Holders label="They wait in line" holders={limit.waiters} none="Nobody waits." />
        </section>
      </div>
      {isEditing && <LimitDialog limit={limit} onClose={() => setEditing(false)} />}
      <ConfirmDialog
        title="Take the slots away?"
        action="Take the slots away"
        isOpen={evicted !== undefined}
        onClose={() => setEvicted(undefined)}
        onConfirm={async () => {
          await call("EvictSlotHolder", { name: limit.name, lease_id: evicted?.lease_id ?? "" });
          tell("The slots are free");
          await refresh();
        }}
      >
        <p>
          Others get them at once, while {evicted !== undefined && <Holder holder={evicted} />} may still go on. Do this for holders that are
          stuck.
        </p>
      </ConfirmDialog>
      <ConfirmDialog
        title={`Delete ${label}?`}
        action="Delete the limit"
        typedName={label}
        isOpen={isDeleting}
        onClose={() => setDeleting(false)}
        onConfirm={async () => {
          await call("DeleteConcurrencyLimit", { name: limit.name });
          tell(`${label} was deleted`);
          await navigate({ to: "/limits" });
          await refresh();
        }}
      >
        <p>Nothing holds back any more what asks for it, and those who wait go on.</p>
      </ConfirmDialog>
    </>
  );
}

interface HoldersProps {
  label: string;
  holders: SlotHolder[];
  none: string;
  action?: (holder: SlotHolder) => ReactNode;
}

function Holders({ label, holders, none, action }: HoldersProps) {
  if (holders.length === 0) return <p className="quiet">{none}</p>;
  return (
    <ol className="rows" aria-label={label}>
      {holders.map((holder, index) => (
        <li key={`${holder.holder_id}${index}`}>
          <span className="version-text">
            <Holder holder={holder} />
            <span className="quiet">
              {`${holder.slots} ${holder.slots === 1 ? "slot" : "slots"} for `}
              <Elapsed from={holder.since} />
              {holder.expires_at !== undefined && (
                <>
                  {" · renewed until "}
                  <Moment at={holder.expires_at} />
                </>
              )}
            </span>
          </span>
          {action !== undefined && <span className="actions">{action(holder)}</span>}
        </li>
      ))}
    </ol>
  );
}

/** Who holds a slot or waits for one. */
function Holder({ holder }: { holder: SlotHolder }) {
  switch (holder.holder_kind) {
    case "flow-run":
      return (
        <span className="resource">
          <Named kind="flow-run" id={holder.holder_id} /> <span className="quiet">flow run</span>
        </span>
      );
    case "task-run":
      return (
        <span className="resource">
          <Named kind="task-run" id={holder.holder_id} /> <span className="quiet">task run</span>
        </span>
      );
    default:
      return (
        <span>
          {holder.holder_kind === "" || holder.holder_kind === "client" ? "A script" : holder.holder_kind} <code>{holder.holder_id}</code>
        </span>
      );
  }
}
