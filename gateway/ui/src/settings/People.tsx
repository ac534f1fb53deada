import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useAddress } from "../api/address.ts";
import { call } from "../api/client.ts";
import type { User } from "../api/contract.gen.ts";
import { usePaged } from "../api/paged.ts";
import { ConfirmDialog } from "../parts/ConfirmDialog.tsx";
import { CopyButton } from "../parts/CopyButton.tsx";
import { DataTable, type Column } from "../parts/DataTable.tsx";
import { SelectField, TextField } from "../parts/Fields.tsx";
import { FormDialog } from "../parts/FormDialog.tsx";
import { Icon } from "../parts/Icon.tsx";
import { IconButton } from "../parts/IconButton.tsx";
import { Listing } from "../parts/Listing.tsx";
import { Modal } from "../parts/Modal.tsx";
import { Moment } from "../parts/Moment.tsx";
import { Empty } from "../parts/Notice.tsx";
import { Mark } from "../parts/PageHead.tsx";
import { SearchField } from "../parts/SearchField.tsx";
import { useChange } from "../parts/useChange.ts";

/** Users, and who was invited. */
export function People() {
  const [{ text = "" }, change] = useAddress();
  const [isInviting, setInviting] = useState(false);
  const [doomed, setDoomed] = useState<User>();
  const users = usePaged("ListUsers", "users", { name_contains: text }, (page) => page.users);
  const flip = useChange({
    run: (user: User) => call("UpdateUser", { user: { user_id: user.user_id, active: !user.active }, update_mask: "active" }),
    changes: ["users"],
    failed: "The user could not be changed",
  }).mutate;
  const remove = useChange({
    run: () => call("DeleteUser", { user_id: doomed?.user_id ?? "" }),
    changes: ["users", "role-assignments", "api-keys", "team-members"],
    done: "The user was deleted",
  });
  const columns = useMemo(
    (): Column<User>[] => [
      {
        id: "name",
        header: "User",
        cell: ({ row: { original: user } }) => (
          <span className="run-link">
            <span className="run-name">{user.display_name}</span>
            <span className="quiet">{user.email}</span>
          </span>
        ),
      },
      {
        id: "status",
        header: "Status",
        cell: ({ row: { original: user } }) =>
          user.active ? <Mark look="completed" label="Active" /> : <Mark look="cancelled" label="Shut out" />,
      },
      { id: "seen", header: "Last seen", cell: ({ row: { original: user } }) => <Moment at={user.last_seen_at} /> },
      {
        id: "actions",
        header: () => <span className="hidden">What to do</span>,
        cell: ({ row: { original: user } }) => (
          <span className="actions">
            <button type="button" className="button" aria-label={`${user.active ? "Shut out" : "Let in"} ${user.display_name}`} onClick={() => flip(user)}>
              {user.active ? "Shut out" : "Let in"}
            </button>
            <IconButton icon="trash" label={`Delete ${user.display_name}`} onClick={() => setDoomed(user)} />
          </span>
        ),
      },
    ],
    [flip],
  );
  return (
    <div className="sections">
      <section>
        <div className="panel-head">
          <SearchField label="Search users" value={text} onChange={(next) => change({ text: next })} />
          <button type="button" className="button" onClick={() => setInviting(true)}>
            <Icon name="plus" />
            Invite
          </button>
        </div>
        <Listing
          list={users}
          what="users"
          empty={
            text === "" ? (
              <Empty title="Nobody signs in here" code={"headrace server start --auth on\nheadrace user invite ada@example.org --role developer"}>
                <p>Whoever reaches this server may do anything: it listens on its own machine only. With sign-in on, people come by invitation or by your identity provider.</p>
              </Empty>
            ) : (
              <Empty title="Nobody is called so" />
            )
          }
        >
          {(rows) => <DataTable label="Users" columns={columns} rows={rows} rowKey={(user) => user.user_id} />}
        </Listing>
      </section>
      <Invitations />
      {isInviting && <InviteDialog onClose={() => setInviting(false)} />}
      <ConfirmDialog
        title={`Delete ${doomed?.display_name ?? ""}?`}
        action="Delete the user"
        typedName={doomed?.email}
        isOpen={doomed !== undefined}
        onClose={() => setDoomed(undefined)}
        onConfirm={() => remove.mutateAsync()}
      >
        <p>Keys, sessions and roles go with the user. To keep somebody out for a while, shut them out instead. This cannot be undone.</p>
      </ConfirmDialog>
    </div>
  );
}

/** Who was invited and has not come yet. */
function Invitations() {
  const list = usePaged("ListInvitations", "invitations", {}, (page) => page.invitations);
  const revoke = useChange({
    run: (id: string) => call("DeleteInvitation", { invitation_id: id }),
    changes: ["invitations"],
    done: "The invitation no longer works",
    failed: "The invitation could not be taken back",
  });
  if (list.error === null && list.rows.length === 0) return null;
  return (
    <section>
      <h2>Invited</h2>
      <Listing list={list} what="invitations" empty={null}>
        {(rows) => (
          <ul className="rows" aria-label="Invited">
            {rows.map((invitation) => (
              <li key={invitation.invitation_id}>
                <span className="version-text">
                  <strong>{invitation.email}</strong>
                  <span className="quiet">
                    works until <Moment at={invitation.expires_at} />
                  </span>
                </span>
                <span className="tag">{invitation.role}</span>
                <span className="actions">
                  <IconButton
                    icon="trash"
                    label={`Take back the invitation of ${invitation.email}`}
                    isDisabled={revoke.isPending}
                    onClick={() => revoke.mutate(invitation.invitation_id)}
                  />
                </span>
              </li>
            ))}
          </ul>
        )}
      </Listing>
    </section>
  );
}

function InviteDialog({ onClose }: { onClose: () => void }) {
  const [email, setEmail] = useState("");
  const [role, setRole] = useState("viewer");
  const roles = usePaged("ListRoles", "roles", {}, (page) => page.roles);
  const system = useQuery({ queryKey: ["system"], queryFn: ({ signal }) => call("GetSystem", {}, signal) });
  const invite = useChange({
    run: () => call("CreateInvitation", { email: email.trim(), role }),
    changes: ["invitations"],
  });
  if (invite.data !== undefined) {
    const link = `${window.location.origin}/sign-in/invitation#${invite.data.token}`;
    return (
      <Modal title={`${email} is invited`} isOpen onClose={onClose}>
        <p>
          {invite.data.emailed
            ? "The link was sent by e-mail. It works once; you can also pass it on yourself:"
            : "Pass this link on. It is shown only now, and works once:"}
        </p>
        <p className="once">
          <code>{link}</code> <CopyButton text={link} label="Copy the invitation" />
        </p>
        <div className="modal-foot">
          <button type="button" className="button button-main" onClick={onClose}>
            Close
          </button>
        </div>
      </Modal>
    );
  }
  return (
    <FormDialog title="Invite somebody" action="Invite" save={invite} onClose={onClose}>
      <TextField label="E-mail address" type="email" isRequired autoFocus value={email} onChange={setEmail} />
      <SelectField label="Role" value={role} options={roles.rows.map((one) => ({ value: one.handle, label: one.name }))} onChange={setRole} />
      {system.data?.authentication_required === false && (
        <p className="field-hint">This server asks nobody to sign in yet: until it does, an invitation changes nothing.</p>
      )}
    </FormDialog>
  );
}
