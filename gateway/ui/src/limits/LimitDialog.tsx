import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { call } from "../api/client.ts";
import type { ConcurrencyLimit } from "../api/contract.gen.ts";
import { CheckField, TextField } from "../parts/Fields.tsx";
import { Modal } from "../parts/Modal.tsx";
import { Fault } from "../parts/Notice.tsx";
import { tell } from "../parts/toasts.ts";

/** Makes or changes a limit. */
export function LimitDialog({ limit, onClose }: { limit: ConcurrencyLimit | undefined; onClose: () => void }) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [name, setName] = useState("");
  const [slots, setSlots] = useState(String(limit?.limit ?? 1));
  const [decay, setDecay] = useState(limit === undefined ? "" : String(limit.slot_decay_per_second || ""));
  const [isActive, setActive] = useState(limit?.active ?? true);
  const save = useMutation({
    mutationFn: () =>
      call("SetConcurrencyLimit", {
        name: limit?.name ?? name.trim(),
        limit: Number(slots),
        active: isActive,
        slot_decay_per_second: Number(decay) || 0,
      }),
    onSuccess: async ({ limit: made }) => {
      await queries.invalidateQueries({ queryKey: ["limits"] });
      tell(limit === undefined ? "The limit was set" : "The limit was changed");
      onClose();
      if (limit === undefined && made !== undefined) void navigate({ to: "/limits/$name", params: { name: made.name } });
    },
  });
  return (
    <Modal title={limit === undefined ? "New limit" : `Change ${limit.name}`} isOpen onClose={onClose}>
      <form
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate();
        }}
      >
        {limit === undefined && (
          <TextField label="Name" hint="tag:NAME limits tasks with a tag." isRequired autoFocus value={name} onChange={setName} />
        )}
        <TextField label="Slots" type="number" isRequired value={slots} onChange={setSlots} />
        <TextField
          label="Slots that come back in a second"
          hint="Makes it a limit of rate; empty: slots come back when they are given back."
          type="number"
          value={decay}
          onChange={setDecay}
        />
        <CheckField label="It holds back" isChecked={isActive} onChange={setActive} />
        {save.error !== null && <Fault error={save.error} />}
        <div className="modal-foot">
          <button type="button" className="button" onClick={onClose}>
            Close
          </button>
          <button type="submit" className="button button-main" disabled={save.isPending}>
            Save
          </button>
        </div>
      </form>
    </Modal>
  );
}
