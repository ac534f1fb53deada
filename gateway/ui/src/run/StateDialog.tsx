import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../api/client.ts";
import type { FlowRun, StateType } from "../api/contract.gen.ts";
import { STATE_TYPES, lookOf } from "../api/states.ts";
import { CheckField, SelectField, TextField } from "../parts/Fields.tsx";
import { Modal } from "../parts/Modal.tsx";
import { Fault } from "../parts/Notice.tsx";
import { tell } from "../parts/toasts.ts";
import { refusal } from "./verdicts.ts";

interface StateDialogProps {
  run: FlowRun;
  onClose: () => void;
  onChange: (run: FlowRun) => void;
}

/** Puts a run into another state by hand. */
export function StateDialog({ run, onClose, onChange }: StateDialogProps) {
  const [type, setType] = useState<StateType>("STATE_TYPE_COMPLETED");
  const [message, setMessage] = useState("");
  const [isForced, setForced] = useState(false);
  const change = useMutation({
    mutationFn: async () => {
      const answer = await call("ProposeFlowRunState", { flow_run_id: run.flow_run_id, state: { type, message }, force: isForced });
      const why = refusal(answer.verdict);
      if (why !== undefined) throw new Error(why);
      return (await call("GetFlowRun", { flow_run_id: run.flow_run_id })).flow_run;
    },
    onSuccess: (changed) => {
      if (changed !== undefined) onChange(changed);
      tell("The state was changed");
      onClose();
    },
  });
  return (
    <Modal title={`Change the state of ${run.name}`} isOpen onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          change.mutate();
        }}
      >
        <SelectField
          label="State"
          value={type}
          onChange={(value) => setType(STATE_TYPES.find((one) => one === value) ?? type)}
          options={STATE_TYPES.map((value) => ({ value, label: lookOf(value).label }))}
        />
        <TextField label="Why" value={message} onChange={setMessage} hint="Kept with the state." />
        <CheckField
          label="Also where the rules speak against it"
          hint="Only those rules apply that protect data and give slots back."
          isChecked={isForced}
          onChange={setForced}
        />
        {change.error !== null && <Fault error={change.error} />}
        <div className="modal-foot">
          <button type="button" className="button" onClick={onClose}>
            Keep as it is
          </button>
          <button type="submit" className="button button-main" disabled={change.isPending}>
            Change the state
          </button>
        </div>
      </form>
    </Modal>
  );
}
