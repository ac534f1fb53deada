import { useMutation } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useId, useState } from "react";
import { call } from "../api/client.ts";
import type { Deployment, JsonObject } from "../api/contract.gen.ts";
import { Modal } from "../parts/Modal.tsx";
import { Fault } from "../parts/Notice.tsx";

interface RunDialogProps {
  deployment: Deployment;
  onClose: () => void;
}

function parse(text: string): JsonObject {
  const value: unknown = JSON.parse(text.trim() === "" ? "{}" : text);
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Error("Parameters are an object: a name and a value for each.");
  return value as JsonObject;
}

/** Starts a run of a deployment with the parameters that one gives. */
export function RunDialog({ deployment, onClose }: RunDialogProps) {
  const navigate = useNavigate();
  const field = useId();
  const [text, setText] = useState(() => JSON.stringify(deployment.content?.parameters ?? {}, null, 2));
  const run = useMutation({
    mutationFn: async () =>
      call("RunDeployment", { deployment_id: deployment.deployment_id, parameters: parse(text) }),
    onSuccess: ({ flow_run: started }) => {
      onClose();
      if (started !== undefined)
        void navigate({ to: "/runs/$flowRunId", params: { flowRunId: started.flow_run_id } });
    },
  });
  return (
    <Modal title={`Run ${deployment.name}`} isOpen onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          run.mutate();
        }}
      >
        <label htmlFor={field}>Parameters as JSON</label>
        <textarea
          id={field}
          className="field code-field"
          rows={Math.min(16, Math.max(5, text.split("\n").length + 1))}
          spellCheck={false}
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        {run.error !== null && <Fault error={run.error} />}
        <div className="modal-foot">
          <button type="button" className="button" onClick={onClose}>
            Close
          </button>
          <button type="submit" className="button button-main" disabled={run.isPending}>
            Run
          </button>
        </div>
      </form>
    </Modal>
  );
}
