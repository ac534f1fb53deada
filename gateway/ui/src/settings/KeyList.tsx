import { useMemo, useState } from "react";
import { call } from "../api/client.ts";
import type { ApiKey, ListApiKeysRequest } from "../api/contract.gen.ts";
import { usePaged } from "../api/paged.ts";
import { useNow } from "../api/times.ts";
import { ConfirmDialog } from "../parts/ConfirmDialog.tsx";
import { DataTable, type Column } from "../parts/DataTable.tsx";
import { CheckField, TextField } from "../parts/Fields.tsx";
import { FormDialog } from "../parts/FormDialog.tsx";
import { Listing } from "../parts/Listing.tsx";
import { Moment } from "../parts/Moment.tsx";
import { Empty } from "../parts/Notice.tsx";
import { Once } from "../parts/Once.tsx";
import { Mark } from "../parts/PageHead.tsx";
import { useChange } from "../parts/useChange.ts";
import { permissionText } from "./permissions.ts";

const DAY_SECONDS = 86_400;
const WORTH_A_WORD_SECONDS = 7 * DAY_SECONDS;

interface KeyListProps {
  /** Whose keys. */
  of: Partial<Pick<ListApiKeysRequest, "principal_id" | "everybody">>;
  /** Words that a key or its holder has to have. */
  text?: string;
  /** Also those that were revoked or have expired. */
  isWithDead?: boolean;
  /** Whether it tells whose each one is. */
  isWithHolder?: boolean;
}

/** Keys, with what can be done with each. */
export function KeyList({ of, text = "", isWithDead = true, isWithHolder = false }: KeyListProps) {
  const [revoked, setRevoked] = useState<ApiKey>();
  const [rotated, setRotated] = useState<ApiKey>();
  const list = usePaged("ListApiKeys", "api-keys", { ...of, include_dead: isWithDead }, (page) => page.api_keys);
  const words = text.toLowerCase();
  const rows = useMemo(
    () => list.rows.filter(({ name, holder }) => `${name} ${holder}`.toLowerCase().includes(words)),
    [list.rows, words],
  );
  const revoke = useChange({
    run: () => call("RevokeApiKey", { api_key_id: revoked?.api_key_id ?? "" }),
    changes: ["api-keys"],
    done: "The key was revoked",
  });
  const columns = useMemo(
    (): Column<ApiKey>[] => [
      {
        id: "name",
        header: "Key",
        cell: ({ row: { original: key } }) => (
          <span className="run-link">
            <span className="run-name">{key.name}</span>
            {isWithHolder && <span className="quiet">{key.holder}</span>}
          </span>
        ),
      },
      { id: "status", header: "Status", cell: ({ row: { original: key } }) => <KeyStatus apiKey={key} /> },
      {
        id: "may",
        header: "May",
        cell: ({ row: { original: key } }) => (
          <span title={key.permissions.map(permissionText).join(", ")}>
            {key.permissions.length === 0 ? "what its holder may" : `only ${key.permissions.length} things`}
            {key.workspace_id !== "" && ", only here"}
          </span>
        ),
      },
      { id: "used", header: "Last used", cell: ({ row: { original: key } }) => <Moment at={key.last_used_at} /> },
      { id: "ends", header: "Works until", cell: ({ row: { original: key } }) => <Moment at={key.expires_at} /> },
      {
        id: "actions",
        header: () => <span className="hidden">What to do</span>,
        cell: ({ row: { original: key } }) =>
          key.revoked_at === undefined && (
            <span className="actions">
              <button type="button" className="button" aria-label={`Replace ${key.name}`} onClick={() => setRotated(key)}>
                Replace
              </button>
              <button type="button" className="button" aria-label={`Revoke ${key.name}`} onClick={() => setRevoked(key)}>
                Revoke
              </button>
            </span>
          ),
      },
    ],
    [isWithHolder],
  );
  return (
    <>
      <Listing
        list={{ ...list, rows }}
        what="keys"
        empty={
          text === "" ? (
            <Empty title="No keys yet" code={"export HEADRACE_API_KEY=hr_…\nheadrace worker start --pool my-pool"}>
              <p>A key lets a worker or a script call a server on which one signs in:</p>
            </Empty>
          ) : (
            <Empty title="No key is called so" />
          )
        }
      >
        {(shown) => <DataTable label="Keys" columns={columns} rows={shown} rowKey={(key) => key.api_key_id} />}
      </Listing>
      {rotated !== undefined && <ReplaceDialog apiKey={rotated} onClose={() => setRotated(undefined)} />}
      <ConfirmDialog
        title={`Revoke ${revoked?.name ?? ""}?`}
        action="Revoke the key"
        isOpen={revoked !== undefined}
        onClose={() => setRevoked(undefined)}
        onConfirm={() => revoke.mutateAsync()}
      >
        <p>Whatever calls the server with it is refused from now on. This cannot be undone.</p>
      </ConfirmDialog>
    </>
  );
}

function KeyStatus({ apiKey }: { apiKey: ApiKey }) {
  const now = useNow(false);
  if (apiKey.revoked_at !== undefined) return <Mark look="cancelled" label="Revoked" />;
  const left = apiKey.expires_at === undefined ? Infinity : (Date.parse(apiKey.expires_at) - now) / 1000;
  if (left < 0) return <Mark look="cancelled" label="Expired" />;
  if (left < WORTH_A_WORD_SECONDS) return <Mark look="scheduled" label="Expires soon" />;
  return <Mark look="completed" label="Works" />;
}

function lifetimeOf(days: string): string | undefined {
  return days.trim() === "" ? undefined : `${Math.round(Number(days) * DAY_SECONDS)}s`;
}

/** Makes a key: for whoever asks, or for a service account. */
export function KeyDialog({ holder, onClose }: { holder?: { id: string; name: string }; onClose: () => void }) {
  const [name, setName] = useState("");
  const [days, setDays] = useState("90");
  const [onlyHere, setOnlyHere] = useState(true);
  const make = useChange({
    run: () => call("CreateApiKey", { name: name.trim(), principal_id: holder?.id, lifetime: lifetimeOf(days), only_here: onlyHere }),
    changes: ["api-keys"],
  });
  if (make.data !== undefined) return <Once title="New key" what="the key" text={make.data.key} onClose={onClose} />;
  return (
    <FormDialog title={holder === undefined ? "New key" : `New key of ${holder.name}`} action="Make the key" save={make} onClose={onClose}>
      <TextField label="What it is for" isRequired autoFocus value={name} onChange={setName} />
      <TextField label="Works for so many days" hint="Empty: until it is revoked." type="number" value={days} onChange={setDays} />
      <CheckField label="Only in this workspace" isChecked={onlyHere} onChange={setOnlyHere} />
    </FormDialog>
  );
}

function ReplaceDialog({ apiKey, onClose }: { apiKey: ApiKey; onClose: () => void }) {
  const [hours, setHours] = useState("1");
  const make = useChange({
    run: () => call("RotateApiKey", { api_key_id: apiKey.api_key_id, overlap: `${Math.round(Number(hours) * 3_600)}s` }),
    changes: ["api-keys"],
  });
  if (make.data !== undefined) return <Once title={`In place of ${apiKey.name}`} what="the key" text={make.data.key} onClose={onClose} />;
  return (
    <FormDialog title={`Replace ${apiKey.name}`} action="Make another key" save={make} onClose={onClose}>
      <p>Another key for the same, which may do as much and works as long.</p>
      <TextField label="The old one works on for so many hours" hint="0: not any more." type="number" isRequired autoFocus value={hours} onChange={setHours} />
    </FormDialog>
  );
}
