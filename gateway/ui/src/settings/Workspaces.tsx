import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../api/client.ts";
import { usePaged } from "../api/paged.ts";
import { TextField } from "../parts/Fields.tsx";
import { Icon } from "../parts/Icon.tsx";
import { Modal } from "../parts/Modal.tsx";
import { Moment } from "../parts/Moment.tsx";
import { More } from "../parts/More.tsx";
import { Fault, Loading } from "../parts/Notice.tsx";
import { tell } from "../parts/toasts.ts";

/** What is kept apart from each other on this server. */
export function Workspaces() {
  const [isMaking, setMaking] = useState(false);
  const list = usePaged("ListWorkspaces", "workspaces", {}, (page) => page.workspaces);
  return (
    <>
      <div className="panel-head">
        <button type="button" className="button" onClick={() => setMaking(true)}>
          <Icon name="plus" />
          New workspace
        </button>
      </div>
      {list.error !== null && <Fault error={list.error} onRetry={list.refetch} />}
      {list.isPending && list.error === null && <Loading what="workspaces" />}
      <ul className="rows" aria-label="Workspaces">
        {list.rows.map((workspace) => (
          <li key={workspace.workspace_id}>
            <span className="version-text">
              <strong>{workspace.name}</strong>
              <span className="quiet">{workspace.description}</span>
            </span>
            <code>{workspace.handle}</code>
            <span className="quiet">
              since <Moment at={workspace.created_at} />
            </span>
          </li>
        ))}
      </ul>
      <More list={list} />
      {isMaking && <WorkspaceDialog onClose={() => setMaking(false)} />}
    </>
  );
}

function WorkspaceDialog({ onClose }: { onClose: () => void }) {
  const queries = useQueryClient();
  const [handle, setHandle] = useState("");
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const make = useMutation({
    mutationFn: () => call("CreateWorkspace", { handle: handle.trim(), name: name.trim(), description: description.trim() }),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ["workspaces"] });
      tell("The workspace was made");
      onClose();
    },
  });
  return (
    <Modal title="New workspace" isOpen onClose={onClose}>
      <form
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          make.mutate();
        }}
      >
        <TextField label="Handle" hint="Used in addresses: lower case letters, digits and dashes." isRequired autoFocus value={handle} onChange={setHandle} />
        <TextField label="Name" value={name} onChange={setName} />
        <TextField label="What it is for" value={description} onChange={setDescription} />
        {make.error !== null && <Fault error={make.error} />}
        <div className="modal-foot">
          <button type="button" className="button" onClick={onClose}>
            Close
          </button>
          <button type="submit" className="button button-main" disabled={make.isPending}>
            Make the workspace
          </button>
        </div>
      </form>
    </Modal>
  );
}
