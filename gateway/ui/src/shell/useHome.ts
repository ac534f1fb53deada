// Who came to an address without a workspace, and has no role in the default one, goes to one where they have.

import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { call } from "../api/client.ts";
import type { GetCallerResponse } from "../api/contract.gen.ts";
import { addressIn, workspace } from "../api/workspace.ts";

/** Whether pages can be shown here, whether the way leads elsewhere, or whether there is nowhere to go. */
export type Home = "here" | "leaving" | "nowhere";

const DEFAULT_WORKSPACE_ID = "00000000-0000-7000-8000-000000000001";

/** Returns the handle of a workspace that the server took in place of the default one: the address has to name it. */
function chosenFor(caller: GetCallerResponse | undefined): string | undefined {
  const here = caller?.workspace;
  return here === undefined || here.workspace_id === DEFAULT_WORKSPACE_ID ? undefined : here.handle;
}

/** Returns where somebody is, and takes them to their first workspace where the address should name it. */
export function useHome(): Home {
  const { data: caller } = useQuery({ queryKey: ["caller"], queryFn: ({ signal }) => call("GetCaller", {}, signal) });
  const chosen = workspace === undefined ? chosenFor(caller) : undefined;
  const isStranger = workspace === undefined && chosen === undefined && caller?.permissions.length === 0;
  const own = useQuery({
    queryKey: ["workspaces", "own"],
    queryFn: ({ signal }) => call("ListWorkspaces", {}, signal),
    enabled: isStranger,
  });
  // The list has the default workspace, too, where somebody without a role stands in it.
  const target = chosen ?? own.data?.workspaces.find((one) => one.workspace_id !== DEFAULT_WORKSPACE_ID)?.handle;
  useEffect(() => {
    const { pathname, search, hash } = window.location;
    if (target !== undefined) window.location.replace(addressIn(target, pathname + search + hash));
  }, [target]);
  if (target !== undefined) return "leaving";
  if (!isStranger || own.error !== null) return "here";
  return own.isPending ? "leaving" : "nowhere";
}
