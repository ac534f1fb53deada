import { useState } from "react";
import { call } from "../api/client.ts";
import type { Permission, Role } from "../api/contract.gen.ts";
import { usePaged } from "../api/paged.ts";
import { ConfirmDialog } from "../parts/ConfirmDialog.tsx";
import { CheckField, TextField } from "../parts/Fields.tsx";
import { FormDialog } from "../parts/FormDialog.tsx";
import { Icon } from "../parts/Icon.tsx";
import { IconButton } from "../parts/IconButton.tsx";
import { Listing } from "../parts/Listing.tsx";
import { Empty } from "../parts/Notice.tsx";
import { useChange } from "../parts/useChange.ts";
import { ALL_PERMISSIONS, grouped, permissionText } from "./permissions.ts";

/** What there are roles for, those of one's own among them. */
export function Roles() {
  const [asked, setAsked] = useState<{ role: Role | undefined }>();
  const [doomed, setDoomed] = useState<Role>();
  const list = usePaged("ListRoles", "roles", {}, (page) => page.roles);
  const remove = useChange({
    run: () => call("DeleteRole", { handle: doomed?.handle ?? "" }),
    changes: ["roles", "role-assignments"],
    done: "The role was deleted",
  });
  return (
    <>
      <div className="panel-head">
        <h2 className="panel-title">Roles</h2>
        <button type="button" className="button" onClick={() => setAsked({ role: undefined })}>
          <Icon name="plus" />
          New role
        </button>
      </div>
      <Listing list={list} what="roles" empty={<Empty title="No roles" />}>
        {(roles) => (
          <ul className="rows" aria-label="Roles">
            {roles.map((role) => (
              <li key={role.handle}>
                <span className="version-text">
                  <strong>{role.name}</strong>
                  <span className="quiet">{role.description}</span>
                </span>
                <details className="permissions">
                  <summary>{`${role.permissions.length} ${role.permissions.length === 1 ? "permission" : "permissions"}`}</summary>
                  <dl>
                    {grouped(role.permissions).map(({ label, permissions }) => (
                      <div key={label}>
                        <dt className="quiet">{label}</dt>
                        <dd>{permissions.map(permissionText).join(", ")}</dd>
                      </div>
                    ))}
                  </dl>
                </details>
                {role.built_in ? (
                  <span className="tag">comes with the server</span>
                ) : (
                  <span className="actions">
                    <IconButton icon="edit" label={`Change ${role.name}`} onClick={() => setAsked({ role })} />
                    <IconButton icon="trash" label={`Delete ${role.name}`} onClick={() => setDoomed(role)} />
                  </span>
                )}
              </li>
            ))}
          </ul>
        )}
      </Listing>
      {asked !== undefined && <RoleDialog role={asked.role} onClose={() => setAsked(undefined)} />}
      <ConfirmDialog
        title={`Delete ${doomed?.name ?? ""}?`}
        action="Delete the role"
        typedName={doomed?.handle}
        isOpen={doomed !== undefined}
        onClose={() => setDoomed(undefined)}
        onConfirm={() => remove.mutateAsync()}
      >
        <p>Whoever holds it no longer does, from the next two seconds on. This cannot be undone.</p>
      </ConfirmDialog>
    </>
  );
}

/** Makes or changes a role of one's own. */
function RoleDialog({ role, onClose }: { role: Role | undefined; onClose: () => void }) {
  const [handle, setHandle] = useState("");
  const [name, setName] = useState(role?.name ?? "");
  const [description, setDescription] = useState(role?.description ?? "");
  const [chosen, setChosen] = useState<ReadonlySet<Permission>>(() => new Set(role?.permissions));
  const choose = (permission: Permission, isChosen: boolean) =>
    setChosen((old) => {
      const next = new Set(old);
      if (isChosen) next.add(permission);
      else next.delete(permission);
      return next;
    });
  const save = useChange({
    run: async () => {
      if (chosen.size === 0) throw new Error("Choose at least one permission.");
      const fields = { name: name.trim(), description: description.trim(), permissions: [...chosen] };
      if (role === undefined) await call("CreateRole", { ...fields, handle: handle.trim() });
      else await call("UpdateRole", { role: { ...fields, handle: role.handle }, update_mask: "name,description,permissions" });
    },
    changes: ["roles"],
    done: role === undefined ? "The role was made" : "The role was changed",
    onDone: onClose,
  });
  const all = [...new Set([...ALL_PERMISSIONS, ...(role?.permissions ?? [])])];
  return (
    <FormDialog title={role === undefined ? "New role" : `Change ${role.name}`} isWide save={save} onClose={onClose}>
      <div className="form">
        {role === undefined && (
          <TextField label="Handle" hint="It never changes: lower case letters, digits and dashes." isRequired autoFocus value={handle} onChange={setHandle} />
        )}
        <TextField label="Name" value={name} onChange={setName} />
        <TextField label="What it is for" value={description} onChange={setDescription} />
      </div>
      <h3 className="form-title">{`Its holders may (${chosen.size})`}</h3>
      <div className="permission-groups">
        {grouped(all).map(({ label, permissions }) => (
          <fieldset key={label}>
            <legend>{label}</legend>
            {permissions.map((permission) => (
              <CheckField
                key={permission}
                label={permissionText(permission)}
                isChecked={chosen.has(permission)}
                onChange={(isChosen) => choose(permission, isChosen)}
              />
            ))}
          </fieldset>
        ))}
      </div>
    </FormDialog>
  );
}
