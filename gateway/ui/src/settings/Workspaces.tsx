import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useAddress } from "../api/address.ts";
import { call } from "../api/client.ts";
import type { Workspace } from "../api/contract.gen.ts";
import { usePaged } from "../api/paged.ts";
import { addressIn } from "../api/workspace.ts";
import { TextField } from "../parts/Fields.tsx";
import { FormDialog } from "../parts/FormDialog.tsx";
import { Icon } from "../parts/Icon.tsx";
import { IconButton } from "../parts/IconButton.tsx";
import { Listing } from "../parts/Listing.tsx";
import { Moment } from "../parts/Moment.tsx";
import { Empty } from "../parts/Notice.tsx";
import { SearchField } from "../parts/SearchField.tsx";
import { useChange } from "../parts/useChange.ts";

function limitsText({ calls_per_second: calls, concurrent_calls: atOnce }: Workspace): string {
  const perSecond = Number(calls);
  const parts = [
    perSecond > 0 ? `${perSecond.toLocaleString()} calls a second` : "",
    atOnce > 0 ? `${atOnce.toLocaleString()} at once` : "",
  ].filter((part) => part !== "");
  return parts.length === 0 ? "no limit of calls" : `at most ${parts.join(", ")}`;
}

/** What is kept apart from each other on this server. */
export function Workspaces() {
  const [{ text = "" }, change] = useAddress();
  const [asked, setAsked] = useState<{ workspace: Workspace | undefined }>();
  const list = usePaged("ListWorkspaces", "workspaces", {}, (page) => page.workspaces);
  const caller = useQuery({ queryKey: ["caller"], queryFn: ({ signal }) => call("GetCaller", {}, signal) });
  const here = caller.data?.workspace?.workspace_id;
  const words = text.toLowerCase();
  const rows = list.rows.filter((one) => `${one.handle} ${one.name} ${one.description}`.toLowerCase().includes(words));
  return (
    <>
      <div className="panel-head">
        <SearchField label="Search workspaces" value={text} onChange={(next) => change({ text: next })} />
        <button type="button" className="button" onClick={() => setAsked({ workspace: undefined })}>
          <Icon name="plus" />
          New workspace
        </button>
      </div>
      <Listing
        list={{ ...list, rows }}
        what="workspaces"
        empty={
          <Empty title="No workspace is called so" code={"headrace workspace create research\nheadrace workspace use research"}>
            <p>What is in one workspace is not there in another: flows, runs, secrets, people.</p>
          </Empty>
        }
      >
        {(workspaces) => (
          <ul className="rows" aria-label="Workspaces">
            {workspaces.map((one) => (
              <li key={one.workspace_id} className={one.workspace_id === here ? "chosen" : undefined}>
                <span className="version-text">
                  <strong>{one.name}</strong>
                  <span className="quiet">{one.description}</span>
                </span>
                <code>{one.handle}</code>
                <span className="quiet">
                  {`${limitsText(one)} · since `}
                  <Moment at={one.created_at} />
                </span>
                <span className="actions">
                  {one.workspace_id === here ? (
                    <span className="tag">you are here</span>
                  ) : (
                    <a className="button" href={addressIn(one.handle)} aria-label={`Go to ${one.name}`}>
                      Go there
                    </a>
                  )}
                  <IconButton icon="edit" label={`Change ${one.name}`} onClick={() => setAsked({ workspace: one })} />
                </span>
              </li>
            ))}
          </ul>
        )}
      </Listing>
      {asked !== undefined && <WorkspaceDialog workspace={asked.workspace} onClose={() => setAsked(undefined)} />}
    </>
  );
}

const none = (value: number | string | undefined) => (value === undefined || value === 0 ? "" : String(value));

function WorkspaceDialog({ workspace, onClose }: { workspace: Workspace | undefined; onClose: () => void }) {
  const [handle, setHandle] = useState(workspace?.handle ?? "");
  const [name, setName] = useState(workspace?.name ?? "");
  const [description, setDescription] = useState(workspace?.description ?? "");
  const [perSecond, setPerSecond] = useState(none(workspace?.calls_per_second));
  const [atOnce, setAtOnce] = useState(none(workspace?.concurrent_calls));
  const save = useChange({
    run: async () => {
      const fields = { handle: handle.trim(), name: name.trim(), description: description.trim() };
      if (workspace === undefined) {
        await call("CreateWorkspace", fields);
        return;
      }
      const limits = { calls_per_second: Number(perSecond) || 0, concurrent_calls: Number(atOnce) || 0 };
      const isLimited = limits.calls_per_second !== workspace.calls_per_second || limits.concurrent_calls !== workspace.concurrent_calls;
      await call("UpdateWorkspace", {
        workspace: { ...fields, ...limits, workspace_id: workspace.workspace_id },
        update_mask: `handle,name,description${isLimited ? ",calls_per_second,concurrent_calls" : ""}`,
      });
    },
    changes: ["workspaces", "caller"],
    done: workspace === undefined ? "The workspace was made" : "The workspace was changed",
    onDone: onClose,
  });
  return (
    <FormDialog
      title={workspace === undefined ? "New workspace" : `Change ${workspace.name}`}
      action={workspace === undefined ? "Make the workspace" : "Save"}
      save={save}
      onClose={onClose}
    >
      <TextField label="Handle" hint="Used in addresses: lower case letters, digits and dashes." isRequired autoFocus value={handle} onChange={setHandle} />
      <TextField label="Name" value={name} onChange={setName} />
      <TextField label="What it is for" value={description} onChange={setDescription} />
      {workspace !== undefined && (
        <div className="field-pair">
          <TextField label="Most calls a second" hint="In each server process; empty: no limit." type="number" value={perSecond} onChange={setPerSecond} />
          <TextField label="Most calls at once" hint="In each server process; empty: no limit." type="number" value={atOnce} onChange={setAtOnce} />
        </div>
      )}
    </FormDialog>
  );
}
