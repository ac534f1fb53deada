import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState, type KeyboardEvent } from "react";
import { call } from "../api/client.ts";
import type { WorkPool, WorkQueue } from "../api/contract.gen.ts";
import { usePaged } from "../api/paged.ts";
import { ConfirmDialog } from "../parts/ConfirmDialog.tsx";
import { TextField } from "../parts/Fields.tsx";
import { FormDialog } from "../parts/FormDialog.tsx";
import { Icon } from "../parts/Icon.tsx";
import { Fault, Loading } from "../parts/Notice.tsx";
import { tell, tellFault } from "../parts/toasts.ts";
import { PoolStatus, Slots } from "./Slots.tsx";

function moved<Item>(items: Item[], from: number, to: number): Item[] {
  const rest = items.filter((_, index) => index !== from);
  const item = items[from];
  return item === undefined ? items : [...rest.slice(0, to), item, ...rest.slice(to)];
}

/** The lines of a pool, the first one first; their order is changed by dragging, or by the arrow keys on a handle. */
export function Queues({ pool }: { pool: WorkPool }) {
  const queries = useQueryClient();
  const list = usePaged("ListWorkQueues", "work-queues", { work_pool_name: pool.name }, (page) => page.work_queues);
  const [order, setOrder] = useState<string[]>();
  const [dragged, setDragged] = useState<string>();
  const [asked, setAsked] = useState<{ queue: WorkQueue | undefined }>();
  const [said, setSaid] = useState("");
  const byName = new Map(list.rows.map((queue) => [queue.name, queue]));
  const kept = order?.filter((name) => byName.has(name)) ?? [];
  const names = [...kept, ...[...byName.keys()].filter((name) => !kept.includes(name))];

  const save = useMutation({
    mutationFn: async (next: string[]) => {
      for (const [index, name] of next.entries())
        if (byName.get(name)?.priority !== index + 1)
          await call("UpdateWorkQueue", {
            work_pool_name: pool.name,
            work_queue: { name, priority: index + 1 },
            update_mask: "priority",
          });
    },
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ["work-queues"] });
      setOrder(undefined);
    },
    onError: (error) => {
      setOrder(undefined);
      tellFault("The order could not be changed", error);
    },
  });
  const move = (from: number, to: number, isDone: boolean) => {
    if (to < 0 || to >= names.length) return;
    const next = moved(names, from, to);
    setOrder(next);
    setSaid(`${names[from] ?? ""} is number ${to + 1} of ${names.length} now`);
    if (isDone) save.mutate(next);
  };
  const onKey = (event: KeyboardEvent, index: number) => {
    const step = event.key === "ArrowUp" ? -1 : event.key === "ArrowDown" ? 1 : 0;
    if (step === 0) return;
    event.preventDefault();
    move(index, index + step, true);
  };

  if (list.error !== null) return <Fault error={list.error} onRetry={list.refetch} />;
  if (list.isPending) return <Loading what="queues" />;
  return (
    <>
      <div className="panel-head">
        <button type="button" className="button" onClick={() => setAsked({ queue: undefined })}>
          <Icon name="plus" />
          New queue
        </button>
        <span className="quiet">
          {pool.queue_policy === "QUEUE_POLICY_STRICT"
            ? "The first queue is served first; others once those before are empty or full."
            : "Each queue gets a share of the workers: the first one the largest."}{" "}
          Drag a queue, or press ↑ and ↓ on its handle.
        </span>
      </div>
      <p className="hidden" role="status">
        {said}
      </p>
      <ol className="rows" aria-label="Queues by priority">
        {names.map((name, index) => {
          const queue = byName.get(name);
          if (queue === undefined) return null;
          return (
            <li
              key={name}
              className={dragged === name ? "dragged" : undefined}
              draggable
              onDragStart={(event) => {
                event.dataTransfer.effectAllowed = "move";
                event.dataTransfer.setData("text/plain", name);
                setDragged(name);
              }}
              onDragOver={(event) => {
                if (dragged === undefined) return;
                event.preventDefault();
                const from = names.indexOf(dragged);
                if (from !== index) move(from, index, false);
              }}
              onDrop={(event) => event.preventDefault()}
              onDragEnd={() => {
                setDragged(undefined);
                if (order !== undefined) save.mutate(names);
              }}
            >
              <button type="button" className="handle" aria-label={`Priority of ${name}: ${index + 1} of ${names.length}; move with the arrow keys`} onKeyDown={(event) => onKey(event, index)}>
                <Icon name="grip" />
              </button>
              <span className="version-number">{index + 1}</span>
              <span className="version-text">
                <strong>{name}</strong>
                {queue.description !== "" && <span className="quiet">{queue.description}</span>}
              </span>
              <PoolStatus of={queue} />
              <Slots used={queue.active_slots} limit={queue.concurrency_limit} />
              {queue.weight > 0 && <span className="quiet">{`weight ${queue.weight}`}</span>}
              <QueueActions pool={pool} queue={queue} onEdit={() => setAsked({ queue })} />
            </li>
          );
        })}
      </ol>
      {asked !== undefined && <QueueDialog pool={pool} queue={asked.queue} onClose={() => setAsked(undefined)} />}
    </>
  );
}

function QueueActions({ pool, queue, onEdit }: { pool: WorkPool; queue: WorkQueue; onEdit: () => void }) {
  const queries = useQueryClient();
  const [isDeleting, setDeleting] = useState(false);
  const refresh = () => queries.invalidateQueries({ queryKey: ["work-queues"] });
  const flip = useMutation({
    mutationFn: () =>
      call("UpdateWorkQueue", {
        work_pool_name: pool.name,
        work_queue: { name: queue.name, paused: !queue.paused },
        update_mask: "paused",
      }),
    onSuccess: refresh,
    onError: (error) => tellFault("The queue could not be changed", error),
  });
  return (
    <span className="actions">
      <button type="button" className="button" disabled={flip.isPending} aria-label={`${queue.paused ? "Resume" : "Pause"} ${queue.name}`} onClick={() => flip.mutate()}>
        {queue.paused ? "Resume" : "Pause"}
      </button>
      <button type="button" className="button" aria-label={`Change ${queue.name}`} onClick={onEdit}>
        Change
      </button>
      {queue.work_queue_id !== pool.default_queue_id && (
        <button type="button" className="button" aria-label={`Delete ${queue.name}`} onClick={() => setDeleting(true)}>
          <Icon name="trash" />
        </button>
      )}
      <ConfirmDialog
        title={`Delete the queue ${queue.name}?`}
        action="Delete the queue"
        typedName={queue.name}
        isOpen={isDeleting}
        onClose={() => setDeleting(false)}
        onConfirm={async () => {
          await call("DeleteWorkQueue", { work_pool_name: pool.name, work_queue_name: queue.name });
          tell(`${queue.name} was deleted`);
          await refresh();
        }}
      >
        <p>Deployments that name it have to be given another. This cannot be undone.</p>
      </ConfirmDialog>
    </span>
  );
}

function QueueDialog({ pool, queue, onClose }: { pool: WorkPool; queue: WorkQueue | undefined; onClose: () => void }) {
  const queries = useQueryClient();
  const [name, setName] = useState("");
  const [description, setDescription] = useState(queue?.description ?? "");
  const [limit, setLimit] = useState(queue?.concurrency_limit?.toString() ?? "");
  const [weight, setWeight] = useState(queue === undefined || queue.weight === 0 ? "" : String(queue.weight));
  const save = useMutation({
    mutationFn: async () => {
      const fields = {
        description: description.trim(),
        concurrency_limit: limit.trim() === "" ? undefined : Number(limit),
        weight: Number(weight) || 0,
      };
      return queue === undefined
        ? call("CreateWorkQueue", { work_pool_name: pool.name, work_queue: { ...fields, name: name.trim() } })
        : call("UpdateWorkQueue", {
            work_pool_name: pool.name,
            work_queue: { ...fields, name: queue.name },
            update_mask: "description,concurrency_limit,weight",
          });
    },
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ["work-queues"] });
      onClose();
    },
  });
  return (
    <FormDialog title={queue === undefined ? "New queue" : `Change ${queue.name}`} action={queue === undefined ? "Make the queue" : "Save"} save={save} onClose={onClose}>
      {queue === undefined && <TextField label="Name" isRequired autoFocus value={name} onChange={setName} />}
      <TextField label="Description" value={description} onChange={setDescription} />
      <TextField label="Runs at once" hint="Empty: any number." type="number" value={limit} onChange={setLimit} />
      <TextField label="Weight" hint="Its share; empty: by its place." type="number" value={weight} onChange={setWeight} />
    </FormDialog>
  );
}
