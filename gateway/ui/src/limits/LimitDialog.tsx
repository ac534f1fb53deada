import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { call } from "../api/client.ts";
import type { ConcurrencyLimit } from "../api/contract.gen.ts";
import { CheckField, TextField } from "../parts/Fields.tsx";
import { FormDialog } from "../parts/FormDialog.tsx";
import { useChange } from "../parts/useChange.ts";

/** Makes or changes a limit. */
export function LimitDialog({ limit, onClose }: { limit: ConcurrencyLimit | undefined; onClose: () => void }) {
  const navigate = useNavigate();
  const [name, setName] = useState("");
  const [slots, setSlots] = useState(String(limit?.limit ?? 1));
  const [decay, setDecay] = useState(limit === undefined ? "" : String(limit.slot_decay_per_second || ""));
  const [isActive, setActive] = useState(limit?.active ?? true);
  const save = useChange({
    run: () =>
      call("SetConcurrencyLimit", {
        name: limit?.name ?? name.trim(),
        limit: Number(slots),
        active: isActive,
        slot_decay_per_second: Number(decay) || 0,
      }),
    changes: ["limits"],
    done: limit === undefined ? "The limit was set" : "The limit was changed",
    onDone: ({ limit: made }) => {
      onClose();
      if (limit === undefined && made !== undefined) void navigate({ to: "/limits/$name", params: { name: made.name } });
    },
  });
  return (
    <FormDialog title={limit === undefined ? "New limit" : "Change the limit"} save={save} onClose={onClose}>
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
    </FormDialog>
  );
}
