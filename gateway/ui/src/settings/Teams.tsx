import { useState } from "react";
import { useAddress } from "../api/address.ts";
import { call } from "../api/client.ts";
import type { Team } from "../api/contract.gen.ts";
import { usePaged } from "../api/paged.ts";
import { ConfirmDialog } from "../parts/ConfirmDialog.tsx";
import { SelectField, TextField } from "../parts/Fields.tsx";
import { FormDialog } from "../parts/FormDialog.tsx";
import { Icon } from "../parts/Icon.tsx";
import { IconButton } from "../parts/IconButton.tsx";
import { Listing } from "../parts/Listing.tsx";
import { Moment } from "../parts/Moment.tsx";
import { Empty } from "../parts/Notice.tsx";
import { SearchField } from "../parts/SearchField.tsx";
import { useChange } from "../parts/useChange.ts";

const EXAMPLE = `headrace team create data
headrace team add data ada@example.org
headrace role assign developer --team data`;

/** Teams, whose users hold the roles that the team is given. */
export function Teams() {
  const [{ text = "", team: shown }, change] = useAddress();
  const [asked, setAsked] = useState<{ team: Team | undefined }>();
  const [doomed, setDoomed] = useState<Team>();
  const list = usePaged("ListTeams", "teams", {}, (page) => page.teams);
  const words = text.toLowerCase();
  const rows = list.rows.filter(({ handle, name }) => `${handle} ${name}`.toLowerCase().includes(words));
  const remove = useChange({
    run: () => call("DeleteTeam", { team_id: doomed?.team_id ?? "" }),
    changes: ["teams", "role-assignments"],
    done: "The team was deleted",
  });
  return (
    <>
      <div className="panel-head">
        <SearchField label="Search teams" value={text} onChange={(next) => change({ text: next })} />
        <button type="button" className="button" onClick={() => setAsked({ team: undefined })}>
          <Icon name="plus" />
          New team
        </button>
      </div>
      <Listing
        list={{ ...list, rows }}
        what="teams"
        empty={
          list.rows.length === 0 ? (
            <Empty title="No teams yet" code={EXAMPLE}>
              <p>A team is several people under one name: roles are given to it once, and hold for whoever is in it.</p>
            </Empty>
          ) : (
            <Empty title="No team is called so" />
          )
        }
      >
        {(teams) => (
          <ul className="rows" aria-label="Teams">
            {teams.map((team) => (
              <li key={team.team_id} className={team.handle === shown ? "chosen" : undefined}>
                <span className="version-text">
                  <button
                    type="button"
                    className="link"
                    aria-expanded={team.handle === shown}
                    onClick={() => change({ team: team.handle === shown ? undefined : team.handle })}
                  >
                    {team.name}
                  </button>
                  <span className="quiet">{team.description}</span>
                </span>
                <code>{team.handle}</code>
                <span className="quiet">
                  since <Moment at={team.created_at} />
                </span>
                <span className="actions">
                  <IconButton icon="edit" label={`Change ${team.name}`} onClick={() => setAsked({ team })} />
                  <IconButton icon="trash" label={`Delete ${team.name}`} onClick={() => setDoomed(team)} />
                </span>
                {team.handle === shown && <Members team={team} />}
              </li>
            ))}
          </ul>
        )}
      </Listing>
      {asked !== undefined && <TeamDialog team={asked.team} onClose={() => setAsked(undefined)} />}
      <ConfirmDialog
        title={`Delete ${doomed?.name ?? ""}?`}
        action="Delete the team"
        typedName={doomed?.handle}
        isOpen={doomed !== undefined}
        onClose={() => setDoomed(undefined)}
        onConfirm={() => remove.mutateAsync()}
      >
        <p>Who is in it stays, and loses the roles of the team. This cannot be undone.</p>
      </ConfirmDialog>
    </>
  );
}

/** Who is in a team; the page of settings shows it below the team. */
function Members({ team }: { team: Team }) {
  const [chosen, setChosen] = useState("");
  const list = usePaged("ListTeamMembers", "team-members", { team_id: team.team_id }, (page) => page.users);
  const users = usePaged("ListUsers", "users", {}, (page) => page.users);
  const inside = new Set(list.rows.map(({ user_id: id }) => id));
  const change = useChange({
    run: ({ add = [], remove = [] }: { add?: string[]; remove?: string[] }) =>
      call("ChangeTeamMembers", { team_id: team.team_id, add_user_ids: add, remove_user_ids: remove }),
    changes: ["team-members"],
    failed: "The team could not be changed",
    onDone: () => setChosen(""),
  });
  const outside = users.rows.filter(({ user_id: id }) => !inside.has(id));
  return (
    <div className="row-more">
      <Listing list={list} what="people" empty={<p className="quiet">Nobody is in it yet.</p>}>
        {(people) => (
          <ul className="people" aria-label={`In ${team.name}`}>
            {people.map((user) => (
              <li key={user.user_id}>
                <span>
                  {user.display_name} <span className="quiet">{user.email}</span>
                </span>
                <IconButton
                  icon="close"
                  label={`Take ${user.display_name} out of ${team.name}`}
                  isDisabled={change.isPending}
                  onClick={() => change.mutate({ remove: [user.user_id] })}
                />
              </li>
            ))}
          </ul>
        )}
      </Listing>
      <form
        className="add-row"
        onSubmit={(event) => {
          event.preventDefault();
          if (chosen !== "") change.mutate({ add: [chosen] });
        }}
      >
        <SelectField
          label="Put somebody in"
          value={chosen}
          options={[
            { value: "", label: outside.length === 0 ? "everybody is in it" : "choose …" },
            ...outside.map((user) => ({ value: user.user_id, label: `${user.display_name} (${user.email})` })),
          ]}
          onChange={setChosen}
        />
        <button type="submit" className="button" disabled={chosen === "" || change.isPending}>
          Put in
        </button>
      </form>
    </div>
  );
}

function TeamDialog({ team, onClose }: { team: Team | undefined; onClose: () => void }) {
  const [handle, setHandle] = useState(team?.handle ?? "");
  const [name, setName] = useState(team?.name ?? "");
  const [description, setDescription] = useState(team?.description ?? "");
  const save = useChange({
    run: async () => {
      const fields = { handle: handle.trim(), name: name.trim(), description: description.trim() };
      if (team === undefined) await call("CreateTeam", fields);
      else await call("UpdateTeam", { team: { ...fields, team_id: team.team_id }, update_mask: "handle,name,description" });
    },
    changes: ["teams"],
    done: team === undefined ? "The team was made" : "The team was changed",
    onDone: onClose,
  });
  return (
    <FormDialog title={team === undefined ? "New team" : `Change ${team.name}`} save={save} onClose={onClose}>
      <TextField label="Handle" hint="Lower case letters, digits and dashes." isRequired autoFocus value={handle} onChange={setHandle} />
      <TextField label="Name" value={name} onChange={setName} />
      <TextField label="What it is for" value={description} onChange={setDescription} />
    </FormDialog>
  );
}
