import { useQuery } from "@tanstack/react-query";
import { Link, Outlet, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { call } from "../api/client.ts";
import { useConnection } from "../api/connection.ts";
import { Icon, type IconName } from "../parts/Icon.tsx";
import { KeyHelp } from "./KeyHelp.tsx";
import { useShortcuts, type Shortcut } from "./keys.ts";
import { useTheme } from "./theme.ts";
import { Toasts } from "./Toasts.tsx";

const PLACES = [
  { to: "/runs", label: "Runs", icon: "runs", keys: "g r" },
  { to: "/deployments", label: "Deployments", icon: "deployments", keys: "g d" },
  { to: "/work-pools", label: "Work pools", icon: "pools", keys: "g w" },
] as const satisfies readonly { to: string; label: string; icon: IconName; keys: string }[];

/** The frame around every page: where to go, how the server is, messages. */
export function Shell() {
  const navigate = useNavigate();
  const [theme, nextTheme] = useTheme();
  const [isHelpOpen, setHelpOpen] = useState(false);
  const shortcuts: Shortcut[] = [
    ...PLACES.map(({ to, label, keys }) => ({ keys, what: `Go to ${label}`, run: () => void navigate({ to }) })),
    { keys: "/", what: "Go to the filter of the page", run: () => document.querySelector<HTMLElement>("[data-filter]")?.focus() },
    { keys: "t", what: "Change the theme", run: nextTheme },
    { keys: "?", what: "Show these keys", run: () => setHelpOpen(true) },
  ];
  useShortcuts(shortcuts);
  return (
    <div className="shell">
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <header className="side">
        <Link to="/runs" className="brand" aria-label="Headrace, all runs">
          <img src="/favicon.svg" alt="" width="28" height="28" />
          <span>Headrace</span>
        </Link>
        <nav className="places" aria-label="Main">
          {PLACES.map(({ to, label, icon, keys }) => (
            <Link key={to} to={to} className="place" activeProps={{ "aria-current": "page" }} title={`${label} (${keys})`}>
              <Icon name={icon} />
              <span>{label}</span>
            </Link>
          ))}
        </nav>
        <div className="side-foot">
          <a className="place" href="/docs" title="Reference of the HTTP API">
            <Icon name="docs" />
            <span>HTTP API</span>
          </a>
          <button type="button" className="place" onClick={() => setHelpOpen(true)} title="Keys (?)">
            <Icon name="keyboard" />
            <span>Keys</span>
          </button>
          <button type="button" className="place" onClick={nextTheme} title="Change the theme (t)" aria-label={`Theme: ${theme}`}>
            <Icon name={theme} />
            <span>{`Theme: ${theme}`}</span>
          </button>
          <Version />
        </div>
      </header>
      <div className="content">
        <ConnectionBar />
        <main id="main" className="main" tabIndex={-1}>
          <Outlet />
        </main>
      </div>
      <KeyHelp shortcuts={shortcuts} isOpen={isHelpOpen} onClose={() => setHelpOpen(false)} />
      <Toasts />
    </div>
  );
}

function ConnectionBar() {
  const connection = useConnection();
  const text = {
    connected: "",
    lost: "The server does not answer. This page shows what was known last and connects again by itself.",
    partial: "A part of the server does not answer. What this page shows may be outdated.",
    back: "Connected again.",
  }[connection];
  return (
    <div className={`connection connection-${connection}`} role="status">
      {text}
    </div>
  );
}

function Version() {
  const { data } = useQuery({ queryKey: ["system"], queryFn: ({ signal }) => call("GetSystem", {}, signal) });
  return <p className="version">{data === undefined ? "" : `Version ${data.version}`}</p>;
}
