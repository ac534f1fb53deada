import { useState } from "react";
import { call } from "../api/client.ts";
import type { FlowRun, StateType } from "../api/contract.gen.ts";
import { STATE_TYPES, lookOf } from "../api/states.ts";
import { CheckField, SelectField, TextField } from "../parts/Fields.tsx";
import { FormDialog } from "../parts/FormDialog.tsx";
import { useChange } from "../parts/useChange.ts";
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
  const save = useChange({
    run: async () => {
      const answer = await call("ProposeFlowRunState", { flow_run_id: run.flow_run_id, state: { type, message }, force: isForced });
      const why = refusal(answer.verdict);
      if (why !== undefined) throw new Error(why);
      return (await call("GetFlowRun", { flow_run_id: run.flow_run_id })).flow_run;
    },
    changes: [],
    done: "The state was changed",
    onDone: (changed) => {
      if (changed !== undefined) onChange(changed);
      onClose();
    },
  });
  return (
    <FormDialog title={`Change the state of ${run.name}`} action="Change the state" leave="Keep as it is" save={save} onClose={onClose}>
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
    </FormDialog>
  );
}
