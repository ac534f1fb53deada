import { Link } from "@tanstack/react-router";
import { useEffect, useRef, type ReactNode } from "react";
import { useAddress } from "../api/address.ts";
import { PageHead } from "../parts/PageHead.tsx";
import { showSideways } from "../parts/sideways.ts";
import { Audit } from "./Audit.tsx";
import { Configuration } from "./Configuration.tsx";
import { Grants } from "./Grants.tsx";
import { Keys } from "./Keys.tsx";
import { Logs } from "./Logs.tsx";
import { People } from "./People.tsx";
import { Providers } from "./Providers.tsx";
import { Roles } from "./Roles.tsx";
import { Server } from "./Server.tsx";
import { ServiceAccounts } from "./ServiceAccounts.tsx";
import { Storage } from "./Storage.tsx";
import { Teams } from "./Teams.tsx";
import { Workspaces } from "./Workspaces.tsx";
import { You } from "./You.tsx";

interface Part {
  key: string;
  label: string;
  page: () => ReactNode;
}

const GROUPS: { label: string; parts: Part[] }[] = [
  {
    label: "You",
    parts: [{ key: "you", label: "Account", page: () => <You /> }],
  },
  {
    label: "Server",
    parts: [
      { key: "server", label: "About the server", page: () => <Server /> },
      { key: "configuration", label: "Configuration", page: () => <Configuration /> },
      { key: "storage", label: "Storage", page: () => <Storage /> },
      { key: "logs", label: "Logs", page: () => <Logs /> },
    ],
  },
  {
    label: "Access",
    parts: [
      { key: "workspaces", label: "Workspaces", page: () => <Workspaces /> },
      { key: "people", label: "People", page: () => <People /> },
      { key: "teams", label: "Teams", page: () => <Teams /> },
      { key: "service-accounts", label: "Service accounts", page: () => <ServiceAccounts /> },
      { key: "keys", label: "Keys", page: () => <Keys /> },
      { key: "roles", label: "Roles", page: () => <Roles /> },
      { key: "grants", label: "Grants of roles", page: () => <Grants /> },
      { key: "providers", label: "Sign-in", page: () => <Providers /> },
      { key: "audit", label: "Audit log", page: () => <Audit /> },
    ],
  },
];
const PARTS = GROUPS.flatMap(({ parts }) => parts);
const FIRST = "server";

/** The server, what it keeps, who may do what, and how pages look. */
export function SettingsPage() {
  const [{ tab: asked }] = useAddress();
  const shown = PARTS.find(({ key }) => key === asked) ?? PARTS.find(({ key }) => key === FIRST);
  const here = useRef<HTMLAnchorElement>(null);
  useEffect(() => {
    // On a phone the list goes sideways.
    const link = here.current;
    const list = link?.closest("nav");
    if (link !== null && list instanceof HTMLElement) showSideways(link, list);
  }, [asked]);
  return (
    <>
      <PageHead title="Settings" />
      <div className="settings">
        <nav className="settings-nav" aria-label="Settings">
          {GROUPS.map(({ label, parts }) => (
            <div key={label} role="group" aria-label={label}>
              <p className="place-label">{label}</p>
              {parts.map(({ key, label: name }) => (
                <Link
                  key={key}
                  ref={key === shown?.key ? here : undefined}
                  to="/settings"
                  search={{ tab: key }}
                  className="place"
                  aria-current={key === shown?.key ? "page" : undefined}
                >
                  {name}
                </Link>
              ))}
            </div>
          ))}
        </nav>
        <section className="settings-part" aria-label={shown?.label}>
          {shown?.page()}
        </section>
      </div>
    </>
  );
}
