import { useMemo, useState } from "react";
import { useAddress } from "../api/address.ts";
import { call } from "../api/client.ts";
import type { ServiceAccount } from "../api/contract.gen.ts";
import { usePaged } from "../api/paged.ts";
import { ConfirmDialog } from "../parts/ConfirmDialog.tsx";
import { SelectField, TextField } from "../parts/Fields.tsx";
import { FormDialog } from "../parts/FormDialog.tsx";
import { Icon } from "../parts/Icon.tsx";
import { IconButton } from "../parts/IconButton.tsx";
import { Listing } from "../parts/Listing.tsx";
import { Moment } from "../parts/Moment.tsx";
import { Empty } from "../parts/Notice.tsx";
import { Mark } from "../parts/PageHead.tsx";
import { SearchField } from "../parts/SearchField.tsx";
import { useChange } from "../parts/useChange.ts";
import { KeyDialog, KeyList } from "./KeyList.tsx";

const EXAMPLE = `headrace service-account create nightly --role worker
headrace api-key create "worker on host a" --service-account nightly --lifetime 90d`;

/** Programs that call the server under a name of their own, with their keys. */
export function ServiceAccounts() {
  const [{ text = "", account: shown }, change] = useAddress();
  const [isMaking, setMaking] = useState(false);
  const [doomed, setDoomed] = useState<ServiceAccount>();
  const list = usePaged("ListServiceAccounts", "service-accounts", {}, (page) => page.service_accounts);
  const words = text.toLowerCase();
  const rows = list.rows.filter((one) => `${one.handle} ${one.display_name}`.toLowerCase().includes(words));
  const flip = useChange({
    run: (account: ServiceAccount) =>
      call("UpdateServiceAccount", {
        service_account: { service_account_id: account.service_account_id, active: !account.active },
        update_mask: "active",
      }),
    changes: ["service-accounts"],
    failed: "The service account could not be changed",
  }).mutate;
  const remove = useChange({
    run: () => call("DeleteServiceAccount", { service_account_id: doomed?.service_account_id ?? "" }),
    changes: ["service-accounts", "api-keys", "role-assignments"],
    done: "The service account was deleted",
  });
  return (
    <>
      <div className="panel-head">
        <SearchField label="Search service accounts" value={text} onChange={(next) => change({ text: next })} />
        <button type="button" className="button" onClick={() => setMaking(true)}>
          <Icon name="plus" />
          New service account
        </button>
      </div>
      <Listing
        list={{ ...list, rows }}
        what="service accounts"
        empty={
          list.rows.length === 0 ? (
            <Empty title="No service accounts yet" code={EXAMPLE}>
              <p>Workers and scripts call the server as a service account, with a key of their own and no more rights than they need.</p>
            </Empty>
          ) : (
            <Empty title="No service account is called so" />
          )
        }
      >
        {(accounts) => (
          <ul className="rows" aria-label="Service accounts">
            {accounts.map((account) => {
              const isShown = account.handle === shown;
              return (
                <li key={account.service_account_id} className={isShown ? "chosen" : undefined}>
                  <span className="version-text">
                    <button
                      type="button"
                      className="link"
                      aria-expanded={isShown}
                      onClick={() => change({ account: isShown ? undefined : account.handle })}
                    >
                      {account.display_name}
                    </button>
                    <code className="quiet">{account.handle}</code>
                  </span>
                  {account.active ? <Mark look="completed" label="Active" /> : <Mark look="cancelled" label="Shut out" />}
                  <span className="quiet">
                    {account.last_seen_at === undefined ? (
                      "never seen"
                    ) : (
                      <>
                        last seen <Moment at={account.last_seen_at} />
                      </>
                    )}
                  </span>
                  <span className="actions">
                    <button
                      type="button"
                      className="button"
                      aria-label={`${account.active ? "Shut out" : "Let in"} ${account.display_name}`}
                      onClick={() => flip(account)}
                    >
                      {account.active ? "Shut out" : "Let in"}
                    </button>
                    <IconButton icon="trash" label={`Delete ${account.display_name}`} onClick={() => setDoomed(account)} />
                  </span>
                  {isShown && <AccountKeys account={account} />}
                </li>
              );
            })}
          </ul>
        )}
      </Listing>
      {isMaking && <AccountDialog onClose={() => setMaking(false)} onMade={(handle) => change({ account: handle })} />}
      <ConfirmDialog
        title={`Delete ${doomed?.display_name ?? ""}?`}
        action="Delete the service account"
        typedName={doomed?.handle}
        isOpen={doomed !== undefined}
        onClose={() => setDoomed(undefined)}
        onConfirm={() => remove.mutateAsync()}
      >
        <p>Its keys and roles go with it: whatever calls the server as it is refused. This cannot be undone.</p>
      </ConfirmDialog>
    </>
  );
}

function AccountKeys({ account }: { account: ServiceAccount }) {
  const [isMaking, setMaking] = useState(false);
  const id = account.service_account_id;
  const of = useMemo(() => ({ principal_id: id }), [id]);
  return (
    <div className="row-more">
      <div className="panel-head">
        <h3 className="panel-title">{`Keys of ${account.display_name}`}</h3>
        <button type="button" className="button" onClick={() => setMaking(true)}>
          <Icon name="plus" />
          New key
        </button>
      </div>
      <KeyList of={of} />
      {isMaking && <KeyDialog holder={{ id, name: account.display_name }} onClose={() => setMaking(false)} />}
    </div>
  );
}

function AccountDialog({ onClose, onMade }: { onClose: () => void; onMade: (handle: string) => void }) {
  const [handle, setHandle] = useState("");
  const [name, setName] = useState("");
  const [role, setRole] = useState("worker");
  const roles = usePaged("ListRoles", "roles", {}, (page) => page.roles);
  const save = useChange({
    run: () => call("CreateServiceAccount", { handle: handle.trim(), display_name: name.trim(), role }),
    changes: ["service-accounts", "role-assignments"],
    done: "The service account was made: give it a key",
    onDone: ({ service_account: made }) => {
      onClose();
      if (made !== undefined) onMade(made.handle);
    },
  });
  return (
    <FormDialog title="New service account" action="Make it" save={save} onClose={onClose}>
      <TextField label="Handle" hint="Lower case letters, digits and dashes." isRequired autoFocus value={handle} onChange={setHandle} />
      <TextField label="Name" hint="Empty: the handle." value={name} onChange={setName} />
      <SelectField
        label="Role in this workspace"
        value={role}
        options={[{ value: "", label: "none yet" }, ...roles.rows.map((one) => ({ value: one.handle, label: one.name }))]}
        onChange={setRole}
      />
    </FormDialog>
  );
}
