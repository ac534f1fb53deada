// Which workspace the page is about: its address says so in front, as in /w/research/runs.

const found = /^\/w\/([^/]+)(?:\/|$)/.exec(window.location.pathname);

/** The handle or id in the address; undefined leaves it to the server, which takes the default one. */
export const workspace = found?.[1] === undefined ? undefined : decodeURIComponent(found[1]);

/** What stands before the path of each page. */
export const base = workspace === undefined ? "/" : `/w/${encodeURIComponent(workspace)}`;

/** Returns the address of a page in a workspace. */
export function addressIn(handle: string, path = "/"): string {
  return `/w/${encodeURIComponent(handle)}${path}`;
}

/** Returns the address of the HTTP API for this workspace, without a slash at its end. */
export function apiAddress(): string {
  return workspace === undefined ? `${window.location.origin}/v1` : `${window.location.origin}/v1/workspaces/${encodeURIComponent(workspace)}`;
}
