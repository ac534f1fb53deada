import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { call } from "../api/client.ts";
import type { User } from "../api/contract.gen.ts";
import { usePaged } from "../api/paged.ts";
import { CopyButton } from "../parts/CopyButton.tsx";
import { DataTable, type Column } from "../parts/DataTable.tsx";
import { SelectField, TextField } from "../parts/Fields.tsx";
import { Icon } from "../parts/Icon.tsx";
import { Modal } from "../parts/Modal.tsx";
import { Moment } from "../parts/Moment.tsx";
import { More } from "../parts/More.tsx";
import { Empty, Fault, Loading } from "../parts/Notice.tsx";
import { Mark } from "../parts/PageHead.tsx";
import { tellFault } from "../parts/toasts.ts";

/** Users, the roles that there are, and who holds them. */
export function People() {
  const queries = useQueryClient();
  const [isInviting, setInviting] = useState(false);
  const users = usePaged("ListUsers", "users", {}, (page) => page.users);
  const roles = usePaged("ListRoles", "roles", {}, (page) => page.roles);
  const held = usePaged("ListRoleAssignments", "role-assignments", {}, (page) => page.role_assignments);
  const { mutate: flip } = useMutation({
    mutationFn: (user: User) =>
      call("UpdateUser", { user: { user_id: user.user_id, active: !user.active }, update_mask: "active" }),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["users"] }),
    onError: (error) => tellFault("The user could not be changed", error),
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
          <button type="button" className="button" aria-label={`${user.active ? "Shut out" : "Let in"} ${user.display_name}`} onClick={() => flip(user)}>
            {user.active ? "Shut out" : "Let in"}
          </button>
        ),
      },
    ],
    [flip],
  );
  return (
    <div className="sections">
      <section>
        <div className="panel-head">
          <h2>Users</h2>
          <button type="button" className="button" onClick={() => setInviting(true)}>
            <Icon name="plus" />
            Invite
          </button>
        </div>
        {users.error !== null && <Fault error={users.error} onRetry={users.refetch} />}
        {users.isPending && users.error === null && <Loading what="users" />}
        {users.rows.length > 0 && <DataTable label="Users" columns={columns} rows={users.rows} rowKey={(user) => user.user_id} />}
        <More list={users} />
        {!users.isPending && users.rows.length === 0 && users.error === null && (
          <Empty title="Nobody signs in here">
            <p>Whoever reaches this server may do anything: it listens on its own machine only. Invite somebody to begin with users.</p>
          </Empty>
        )}
      </section>
      <section>
        <h2>Roles</h2>
        {roles.error !== null && <Fault error={roles.error} onRetry={roles.refetch} />}
        <ul className="rows" aria-label="Roles">
          {roles.rows.map((role) => (
            <li key={role.handle}>
              <span className="version-text">
                <strong>{role.name}</strong>
                <span className="quiet">{role.description}</span>
              </span>
              <details className="permissions">
                <summary>{`${role.permissions.length} permissions`}</summary>
                <p className="quiet">
                  {role.permissions.map((name) => name.replace("PERMISSION_", "").toLowerCase().replaceAll("_", " ")).join(", ")}
                </p>
              </details>
              {role.built_in && <span className="tag">comes with the server</span>}
            </li>
          ))}
        </ul>
        <More list={roles} />
      </section>
      <section>
        <h2>Who holds which role</h2>
        {held.error !== null && <Fault error={held.error} onRetry={held.refetch} />}
        {held.rows.length === 0 && held.error === null ? (
          <p className="quiet">No role was given.</p>
        ) : (
          <ul className="rows" aria-label="Who holds which role">
            {held.rows.map((assignment) => (
              <li key={assignment.role_assignment_id}>
                <strong>{assignment.holder}</strong>
                <span className="tag">{assignment.role}</span>
                <span className="quiet">{assignment.workspace_id === "" ? "in the whole account" : "in this workspace"}</span>
                <span className="quiet">
                  since <Moment at={assignment.created_at} />
                </span>
              </li>
            ))}
          </ul>
        )}
        <More list={held} />
      </section>
      {isInviting && <InviteDialog roles={roles.rows.map((role) => role.handle)} onClose={() => setInviting(false)} />}
    </div>
  );
}

function InviteDialog({ roles, onClose }: { roles: string[]; onClose: () => void }) {
  const [email, setEmail] = useState("");
  const [role, setRole] = useState(roles.includes("viewer") ? "viewer" : (roles[0] ?? ""));
  const options = useQuery({ queryKey: ["system"], queryFn: ({ signal }) => call("GetSystem", {}, signal) });
  const invite = useMutation({ mutationFn: () => call("CreateInvitation", { email: email.trim(), role }) });
  const token = invite.data?.token;
  return (
    <Modal title="Invite somebody" isOpen onClose={onClose}>
      {token === undefined ? (
        <form
          className="form"
          onSubmit={(event) => {
            event.preventDefault();
            invite.mutate();
          }}
        >
          <TextField label="E-mail address" type="email" isRequired autoFocus value={email} onChange={setEmail} />
          <SelectField label="Role" value={role} options={roles.map((value) => ({ value, label: value }))} onChange={setRole} />
          {options.data?.authentication_required === false && (
            <p className="field-hint">This server asks nobody to sign in yet: until it does, an invitation changes nothing.</p>
          )}
          {invite.error !== null && <Fault error={invite.error} />}
          <div className="modal-foot">
            <button type="button" className="button" onClick={onClose}>
              Close
            </button>
            <button type="submit" className="button button-main" disabled={invite.isPending}>
              Invite
            </button>
          </div>
        </form>
      ) : (
        <>
          <p>Give this to {email}. It is shown only now, and works once.</p>
          <p className="once">
            <code>{token}</code> <CopyButton text={token} label="Copy the invitation" />
          </p>
        </>
      )}
    </Modal>
  );
}
