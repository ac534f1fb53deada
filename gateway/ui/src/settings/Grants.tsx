import { useQueryClient } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useAddress } from "../api/address.ts";
import { call } from "../api/client.ts";
import type { RoleAssignment } from "../api/contract.gen.ts";
import { usePaged } from "../api/paged.ts";
import { DataTable, type Column } from "../parts/DataTable.tsx";
import { SelectField, TextField } from "../parts/Fields.tsx";
import { FilterBar } from "../parts/FilterBar.tsx";
import { FormDialog } from "../parts/FormDialog.tsx";
import { Icon } from "../parts/Icon.tsx";
import { IconButton } from "../parts/IconButton.tsx";
import { Listing } from "../parts/Listing.tsx";
import { Moment } from "../parts/Moment.tsx";
import { Empty } from "../parts/Notice.tsx";
import { tell } from "../parts/toasts.ts";
import { useChange } from "../parts/useChange.ts";
import { OBJECTS } from "./permissions.ts";

const FIELDS = [
  {
    key: "where",
    label: "Where",
    kind: "choice",
    options: [
      { value: "workspace", label: "in this workspace" },
      { value: "account", label: "in the whole account" },
    ],
  },
  { key: "role", label: "Role", kind: "text" },
] as const;
const EXAMPLE = `headrace role assign developer --user ada@example.org
headrace role assign runner --service-account nightly --on deployment:ID`;

function whereText(assignment: RoleAssignment): string {
  const where = assignment.workspace_id === "" ? "in the whole account" : "in this workspace";
  const kind = OBJECTS.find(({ value }) => value === assignment.object_kind);
  return kind === undefined ? where : `${where}, on ${kind.label.replace("one ", "the ")} ${assignment.object}`;
}

/** Which users, teams and service accounts hold which roles, and where. */
export function Grants() {
  const queries = useQueryClient();
  const [{ text = "", where, role = "" }] = useAddress();
  const [isGiving, setGiving] = useState(false);
  const list = usePaged("ListRoleAssignments", "role-assignments", {}, (page) => page.role_assignments);
  const words = text.toLowerCase();
  const rows = useMemo(
    () =>
      list.rows.filter(
        (one) =>
          one.holder.toLowerCase().includes(words) &&
          (role === "" || one.role === role) &&
          (where === undefined || (where === "account") === (one.workspace_id === "")),
      ),
    [list.rows, words, role, where],
  );
  const take = useChange({
    run: async (assignment: RoleAssignment) => {
      await call("UnassignRole", { role_assignment_id: assignment.role_assignment_id });
      tell(`${assignment.holder} is no longer ${assignment.role}`, async () => {
        await call("AssignRole", {
          role: assignment.role,
          principal_id: assignment.principal_id,
          team_id: assignment.team_id,
          in_account: assignment.workspace_id === "",
          object_kind: assignment.object_kind,
          object: assignment.object,
        });
        await queries.invalidateQueries({ queryKey: ["role-assignments"] });
      });
    },
    changes: ["role-assignments"],
    failed: "The role could not be taken away",
  }).mutate;
  const columns = useMemo(
    (): Column<RoleAssignment>[] => [
      {
        id: "name",
        header: "Who",
        cell: ({ row: { original: one } }) => (
          <span className="run-link">
            <span className="run-name">{one.holder}</span>
            {one.team_id !== "" && <span className="quiet">team</span>}
          </span>
        ),
      },
      { id: "role", header: "Role", cell: ({ row: { original: one } }) => <span className="tag">{one.role}</span> },
      { id: "where", header: "Where", cell: ({ row: { original: one } }) => whereText(one) },
      { id: "since", header: "Since", cell: ({ row: { original: one } }) => <Moment at={one.created_at} /> },
      {
        id: "actions",
        header: () => <span className="hidden">What to do</span>,
        cell: ({ row: { original: one } }) => (
          <IconButton icon="trash" label={`Take ${one.role} from ${one.holder}`} onClick={() => take(one)} />
        ),
      },
    ],
    [take],
  );
  return (
    <>
      <div className="panel-head">
        <FilterBar fields={FIELDS} searchLabel="Search holders of roles" />
        <button type="button" className="button" onClick={() => setGiving(true)}>
          <Icon name="plus" />
          Give a role
        </button>
      </div>
      <Listing
        list={{ ...list, rows }}
        what="who holds which role"
        empty={
          list.rows.length === 0 ? (
            <Empty title="No role was given" code={EXAMPLE}>
              <p>While nobody has to sign in, whoever reaches the server may do anything. With sign-in, people and programs may do what their roles say.</p>
            </Empty>
          ) : (
            <Empty title="Nobody fits" />
          )
        }
      >
        {(shown) => <DataTable label="Who holds which role" columns={columns} rows={shown} rowKey={(one) => one.role_assignment_id} />}
      </Listing>
      {isGiving && <GiveDialog onClose={() => setGiving(false)} />}
    </>
  );
}

/** Gives a role to a user, a team or a service account. */
function GiveDialog({ onClose }: { onClose: () => void }) {
  const [who, setWho] = useState("");
  const [role, setRole] = useState("viewer");
  const [where, setWhere] = useState("workspace");
  const [object, setObject] = useState("");
  const users = usePaged("ListUsers", "users", {}, (page) => page.users);
  const teams = usePaged("ListTeams", "teams", {}, (page) => page.teams);
  const accounts = usePaged("ListServiceAccounts", "service-accounts", {}, (page) => page.service_accounts);
  const roles = usePaged("ListRoles", "roles", {}, (page) => page.roles);
  const options = [
    ...users.rows.map((user) => ({ value: `principal ${user.user_id}`, label: `${user.display_name} (${user.email})` })),
    ...teams.rows.map((team) => ({ value: `team ${team.team_id}`, label: `Team ${team.name}` })),
    ...accounts.rows.map((one) => ({ value: `principal ${one.service_account_id}`, label: `Service account ${one.display_name}` })),
  ];
  const kind = OBJECTS.find(({ value }) => value === where);
  const save = useChange({
    run: () => {
      const [what, id] = who.split(" ");
      if (id === undefined) throw new Error("Choose who gets it.");
      return call("AssignRole", {
        role,
        ...(what === "team" ? { team_id: id } : { principal_id: id }),
        in_account: where === "account",
        ...(kind === undefined ? {} : { object_kind: kind.value, object: object.trim() }),
      });
    },
    changes: ["role-assignments"],
    done: "The role was given",
    onDone: onClose,
  });
  return (
    <FormDialog title="Give a role" action="Give the role" save={save} onClose={onClose}>
      {options.length === 0 && <p className="quiet">There is nobody yet: invite somebody, or make a service account.</p>}
      <SelectField label="To" value={who} options={[{ value: "", label: "choose …" }, ...options]} onChange={setWho} />
      <SelectField label="Role" value={role} options={roles.rows.map(({ handle, name }) => ({ value: handle, label: name }))} onChange={setRole} />
      <SelectField
        label="Where"
        value={where}
        options={[
          { value: "workspace", label: "in this workspace" },
          ...OBJECTS.map(({ value, label }) => ({ value, label: `in this workspace, on ${label}` })),
          { value: "account", label: "in the whole account" },
        ]}
        onChange={setWhere}
      />
      {kind !== undefined && <TextField label="Which" hint={kind.hint} isRequired value={object} onChange={setObject} />}
    </FormDialog>
  );
}
