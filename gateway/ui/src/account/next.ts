// Where somebody wanted to go before they were asked who they are.

const KEY = "headrace-sign-in";

/** Returns an address of this server; whatever else was asked for is the dashboard. */
export function safeNext(asked: string | undefined): string {
  if (!asked?.startsWith("/") || !URL.canParse(asked, window.location.origin)) return "/";
  const target = new URL(asked, window.location.origin);
  // Of "/.//elsewhere" the path is "//elsewhere", which a browser takes for another server.
  const path = target.pathname.replace(/^\/+/, "/");
  return target.origin === window.location.origin ? path + target.search + target.hash : "/";
}

interface Begun {
  flowToken: string;
  next: string;
}

/** Keeps what was begun in this tab, until the provider sends the browser back to it. */
export function keepBegun(begun: Begun): void {
  sessionStorage.setItem(KEY, JSON.stringify(begun));
}

/** Returns what was begun in this tab, once. */
export function takeBegun(): Begun | undefined {
  const kept = sessionStorage.getItem(KEY);
  sessionStorage.removeItem(KEY);
  return kept === null ? undefined : (JSON.parse(kept) as Begun);
}
