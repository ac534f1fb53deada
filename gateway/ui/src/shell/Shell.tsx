import { Dialog } from "@base-ui/react/dialog";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link, Outlet, useLocation, useNavigate } from "@tanstack/react-router";
import { Suspense, lazy, useState } from "react";
import { call } from "../api/client.ts";
import { useConnection } from "../api/connection.ts";
import { Code } from "../parts/CopyButton.tsx";
import { Icon } from "../parts/Icon.tsx";
import { Empty, Loading } from "../parts/Notice.tsx";
import { tellFault } from "../parts/toasts.ts";
import { KeyHelp } from "./KeyHelp.tsx";
import { isApple, useShortcuts, type Shortcut } from "./keys.ts";
import { GROUPS, PLACES } from "./places.ts";
import { useTheme, type Theme } from "./theme.ts";
import { Toasts } from "./Toasts.tsx";
import { useHome } from "./useHome.ts";
import { useWay } from "./useWay.ts";

const SearchDialog = lazy(() => import("../search/SearchDialog.tsx"));
const WorkspaceMenu = lazy(() => import("./WorkspaceMenu.tsx"));

/** What is around every page. Who signs in sees nothing else yet. */
export function Shell() {
  const { pathname } = useLocation();
  return pathname.startsWith("/sign-in") ? <Door /> : <Frame />;
}

/** The frame around pages for those who are not in yet. */
function Door() {
  useWay("");
  return (
    <div className="door">
      <Brand />
      <main id="main" className="door-main" tabIndex={-1}>
        <Outlet />
      </main>
      <Toasts />
    </div>
  );
}

/** The frame around all other pages: where to go, how the server is, messages. */
function Frame() {
  const home = useHome();
  const navigate = useNavigate();
  const [theme, nextTheme] = useTheme();
  const [isHelpOpen, setHelpOpen] = useState(false);
  const [isSearchOpen, setSearchOpen] = useState(false);
  const [isDrawerOpen, setDrawerOpen] = useState(false);
  const { pathname } = useLocation();
  useWay(pathname);
  const [shownPath, setShownPath] = useState(pathname);
  if (shownPath !== pathname) {
    setShownPath(pathname);
    setDrawerOpen(false);
  }
  const shortcuts: Shortcut[] = [
    { keys: "Ctrl+k", what: "Search everything", run: () => setSearchOpen(true) },
    ...PLACES.map(({ to, label, keys }) => ({ keys, what: `Go to ${label}`, run: () => void navigate({ to }) })),
    { keys: "/", what: "Go to the filter of the page", run: () => document.querySelector<HTMLElement>("[data-filter]")?.focus() },
    { keys: "t", what: "Change the theme", run: nextTheme },
    { keys: "?", what: "Show these keys", run: () => setHelpOpen(true) },
  ];
  useShortcuts(shortcuts);
  const side = {
    theme,
    nextTheme,
    onHelp: () => {
      setDrawerOpen(false);
      setHelpOpen(true);
    },
  };
  return (
    <div className="shell">
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <header className="side">
        <div className="side-head">
          <button type="button" className="button button-bare drawer-button" aria-label="Menu" onClick={() => setDrawerOpen(true)}>
            <Icon name="menu" />
          </button>
          <Brand />
          <button type="button" className="search-button" onClick={() => setSearchOpen(true)} aria-label="Search everything">
            <Icon name="search" />
            <span>Search</span>
            <kbd>{isApple ? "⌘K" : "Ctrl K"}</kbd>
          </button>
        </div>
        <div className="side-body">
          <Workspace />
          <Places />
          <SideFoot {...side} />
        </div>
      </header>
      <Dialog.Root open={isDrawerOpen} onOpenChange={setDrawerOpen}>
        <Dialog.Portal>
          <Dialog.Backdrop className="backdrop" />
          <Dialog.Popup className="drawer" aria-label="Menu">
            <div className="drawer-head">
              <Brand />
              <Dialog.Close className="button button-bare" aria-label="Close the menu">
                <Icon name="close" />
              </Dialog.Close>
            </div>
            <Workspace />
            <Places />
            <SideFoot {...side} />
          </Dialog.Popup>
        </Dialog.Portal>
      </Dialog.Root>
      <div className="content">
        <ConnectionBar />
        <main id="main" className="main" tabIndex={-1}>
          {home === "here" && <Outlet />}
          {home === "leaving" && <Loading what="your workspace" />}
          {home === "nowhere" && <Stranger />}
        </main>
      </div>
      <KeyHelp shortcuts={shortcuts} isOpen={isHelpOpen} onClose={() => setHelpOpen(false)} />
      {isSearchOpen && (
        <Suspense fallback={null}>
          <SearchDialog onClose={() => setSearchOpen(false)} />
        </Suspense>
      )}
      <Toasts />
    </div>
  );
}

/** What somebody sees who has no role anywhere yet. */
function Stranger() {
  const leave = useMutation({
    mutationFn: () => call("SignOut", {}),
    onSuccess: () => window.location.assign("/sign-in"),
    onError: (error) => tellFault("You could not be signed out", error),
  });
  return (
    <Empty title="You have no role in a workspace yet">
      <p>Whoever administers this server can give you one: in the settings under Grants of roles, or with this command.</p>
      <Code text="headrace role assign developer --user YOUR-ADDRESS" />
      <p className="button-row">
        <button type="button" className="button" onClick={() => window.location.reload()}>
          Look again
        </button>
        <button type="button" className="button" disabled={leave.isPending} onClick={() => leave.mutate()}>
          Sign out
        </button>
      </p>
    </Empty>
  );
}

function Workspace() {
  return (
    <div className="workspace">
      <Suspense fallback={<span className="workspace-wait" />}>
        <WorkspaceMenu />
      </Suspense>
    </div>
  );
}

function Brand() {
  return (
    <Link to="/" className="brand" aria-label="Headrace, the dashboard">
      <img src="/favicon.svg" alt="" width="26" height="26" />
      <span>Headrace</span>
    </Link>
  );
}

function Places() {
  return (
    <nav className="places" aria-label="Main">
      {GROUPS.map(({ label, places }, index) => (
        <div key={index} className="place-group" role="group" aria-label={label === "" ? undefined : label}>
          {label !== "" && <p className="place-label">{label}</p>}
          {places.map(({ to, label: name, icon, keys }) => (
            <Link
              key={to}
              to={to}
              className="place"
              activeOptions={{ exact: to === "/", includeSearch: false }}
              activeProps={{ "aria-current": "page" }}
              title={`${name} (${keys})`}
            >
              <Icon name={icon} />
              <span>{name}</span>
            </Link>
          ))}
        </div>
      ))}
    </nav>
  );
}

function SideFoot({ theme, nextTheme, onHelp }: { theme: Theme; nextTheme: () => void; onHelp: () => void }) {
  return (
    <div className="side-foot">
      <Version />
      <a className="foot-link" href="/docs" title="Reference of the HTTP API" aria-label="HTTP API">
        <Icon name="docs" />
      </a>
      <button type="button" className="foot-link" onClick={onHelp} title="Keys (?)" aria-label="Keys">
        <Icon name="keyboard" />
      </button>
      <button
        type="button"
        className="foot-link"
        onClick={nextTheme}
        title={`Theme: ${theme} (t)`}
        aria-label={`Theme: ${theme}`}
      >
        <Icon name={theme} />
      </button>
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
  return <p className="version">{data === undefined ? "" : `v${data.version}`}</p>;
}
