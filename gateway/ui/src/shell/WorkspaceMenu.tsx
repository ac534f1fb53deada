import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { call } from "../api/client.ts";
import { usePaged } from "../api/paged.ts";
import { addressIn } from "../api/workspace.ts";
import { Icon } from "../parts/Icon.tsx";
import { Menu } from "../parts/Menu.tsx";

/** Which workspace this is, and the way to the others. */
export default function WorkspaceMenu() {
  const navigate = useNavigate();
  const caller = useQuery({ queryKey: ["caller"], queryFn: ({ signal }) => call("GetCaller", {}, signal) });
  const [wasOpened, setOpened] = useState(false);
  const list = usePaged("ListWorkspaces", "workspaces", wasOpened ? {} : undefined, (page) => page.workspaces);
  const here = caller.data?.workspace;
  if (here === undefined) return <span className="workspace-wait" />;
  const name = here.name === "" ? here.handle : here.name;
  return (
    <Menu
      label={
        <>
          <Icon name="workspaces" />
          <span className="workspace-name">{name}</span>
          <Icon name="updown" />
        </>
      }
      name={`Workspace: ${name}`}
      onOpen={() => setOpened(true)}
      groups={[
        list.rows.map((one) => ({
          label: one.name === "" ? one.handle : one.name,
          icon: one.workspace_id === here.workspace_id ? "check" : "right",
          isDisabled: one.workspace_id === here.workspace_id,
          onSelect: () => window.location.assign(addressIn(one.handle)),
        })),
        [
          {
            label: "All workspaces",
            icon: "settings",
            onSelect: () => void navigate({ to: "/settings", search: { tab: "workspaces" } }),
          },
        ],
      ]}
    />
  );
}
