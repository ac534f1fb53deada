import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { call } from "../api/client.ts";
import type { ApiKey } from "../api/contract.gen.ts";
import { usePaged } from "../api/paged.ts";
import { useNow } from "../api/times.ts";
import { CopyButton } from "../parts/CopyButton.tsx";
import { DataTable, type Column } from "../parts/DataTable.tsx";
import { ConfirmDialog } from "../parts/ConfirmDialog.tsx";
import { CheckField, TextField } from "../parts/Fields.tsx";
import { Icon } from "../parts/Icon.tsx";
import { Modal } from "../parts/Modal.tsx";
import { Moment } from "../parts/Moment.tsx";
import { More } from "../parts/More.tsx";
import { Empty, Fault, Loading } from "../parts/Notice.tsx";
import { Mark } from "../parts/PageHead.tsx";
import { tell } from "../parts/toasts.ts";

const DAY_SECONDS = 86_400;

/** Keys that programs call the server with. */
export function Keys() {
  const queries = useQueryClient();
  const [isMaking, setMaking] = useState(false);
  const [revoked, setRevoked] = useState<ApiKey>();
  const list = usePaged("ListApiKeys", "api-keys", { everybody: true, include_dead: true }, (page) => page.api_keys);
  const columns = useMemo(
    (): Column<ApiKey>[] => [
      {
        id: "name",
        header: "Key",
        cell: ({ row: { original: key } }) => (
          <span className="run-link">
            <span className="run-name">{key.name}</span>
            <span className="quiet">{key.holder}</span>
          </span>
        ),
      },
      { id: "status", header: "Status", cell: ({ row: { original: key } }) => <KeyStatus apiKey={key} /> },
      { id: "used", header: "Last used", cell: ({ row: { original: key } }) => <Moment at={key.last_used_at} /> },
      { id: "ends", header: "Works until", cell: ({ row: { original: key } }) => <Moment at={key.expires_at} /> },
      { id: "made", header: "Made", cell: ({ row: { original: key } }) => <Moment at={key.created_at} /> },
      {
        id: "actions",
        header: () => <span className="hidden">What to do</span>,
        cell: ({ row: { original: key } }) =>
          key.revoked_at === undefined && (
            <button type="button" className="button" aria-label={`Revoke ${key.name}`} onClick={() => setRevoked(key)}>
              Revoke
            </button>
          ),
      },
    ],
    [],
  );
  return (
    <>
      <div className="panel-head">
        <button type="button" className="button" onClick={() => setMaking(true)}>
          <Icon name="plus" />
          New key
        </button>
      </div>
      {list.error !== null && <Fault error={list.error} onRetry={list.refetch} />}
      {list.isPending && list.error === null && <Loading what="keys" />}
      {list.rows.length > 0 && <DataTable label="Keys" columns={columns} rows={list.rows} rowKey={(key) => key.api_key_id} />}
      <More list={list} />
      {!list.isPending && list.rows.length === 0 && list.error === null && (
        <Empty title="No keys yet" code={"export HEADRACE_API_KEY=hr_…\nheadrace worker start --pool my-pool"}>
          <p>A key lets a worker or a script call a server on which one signs in:</p>
        </Empty>
      )}
      {isMaking && <KeyDialog onClose={() => setMaking(false)} />}
      <ConfirmDialog
        title={`Revoke ${revoked?.name ?? ""}?`}
        action="Revoke the key"
        isOpen={revoked !== undefined}
        onClose={() => setRevoked(undefined)}
        onConfirm={async () => {
          await call("RevokeApiKey", { api_key_id: revoked?.api_key_id ?? "" });
          await queries.invalidateQueries({ queryKey: ["api-keys"] });
          tell("The key was revoked");
        }}
      >
        <p>Whatever calls the server with it is refused from now on. This cannot be undone.</p>
      </ConfirmDialog>
    </>
  );
}

function KeyStatus({ apiKey }: { apiKey: ApiKey }) {
  const now = useNow(false);
  if (apiKey.revoked_at !== undefined) return <Mark look="cancelled" label="Revoked" />;
  if (apiKey.expires_at !== undefined && Date.parse(apiKey.expires_at) < now) return <Mark look="cancelled" label="Expired" />;
  return <Mark look="completed" label="Works" />;
}

function KeyDialog({ onClose }: { onClose: () => void }) {
  const queries = useQueryClient();
  const [name, setName] = useState("");
  const [days, setDays] = useState("90");
  const [onlyHere, setOnlyHere] = useState(true);
  const make = useMutation({
    mutationFn: () =>
      call("CreateApiKey", {
        name: name.trim(),
        lifetime: days.trim() === "" ? undefined : `${Number(days) * DAY_SECONDS}s`,
        only_here: onlyHere,
      }),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["api-keys"] }),
  });
  const key = make.data?.key;
  return (
    <Modal title="New key" isOpen onClose={onClose}>
      {key === undefined ? (
        <form
          className="form"
          onSubmit={(event) => {
            event.preventDefault();
            make.mutate();
          }}
        >
          <TextField label="What it is for" isRequired autoFocus value={name} onChange={setName} />
          <TextField label="Works for so many days" hint="Empty: until it is revoked." type="number" value={days} onChange={setDays} />
          <CheckField label="Only in this workspace" isChecked={onlyHere} onChange={setOnlyHere} />
          {make.error !== null && <Fault error={make.error} />}
          <div className="modal-foot">
            <button type="button" className="button" onClick={onClose}>
              Close
            </button>
            <button type="submit" className="button button-main" disabled={make.isPending}>
              Make the key
            </button>
          </div>
        </form>
      ) : (
        <>
          <p>Keep it well: it is shown only now.</p>
          <p className="once">
            <code>{key}</code> <CopyButton text={key} label="Copy the key" />
          </p>
        </>
      )}
    </Modal>
  );
}
