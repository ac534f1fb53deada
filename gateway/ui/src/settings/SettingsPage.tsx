import { useAddress } from "../api/address.ts";
import { PageHead } from "../parts/PageHead.tsx";
import { Tabs } from "../parts/Tabs.tsx";
import { Audit } from "./Audit.tsx";
import { Keys } from "./Keys.tsx";
import { People } from "./People.tsx";
import { Server } from "./Server.tsx";
import { Storage } from "./Storage.tsx";
import { Workspaces } from "./Workspaces.tsx";
import { You } from "./You.tsx";

const TABS = [
  { key: "server", label: "Server" },
  { key: "storage", label: "Sizes and retention" },
  { key: "you", label: "You" },
  { key: "people", label: "People and roles" },
  { key: "keys", label: "Keys" },
  { key: "workspaces", label: "Workspaces" },
  { key: "audit", label: "Audit" },
] as const;

/** The server, what it keeps, and who may do what. */
export function SettingsPage() {
  const [{ tab: asked }, change] = useAddress();
  const tab = TABS.find(({ key }) => key === asked)?.key ?? "server";
  return (
    <>
      <PageHead title="Settings" />
      <Tabs tabs={TABS} value={tab} onChange={(next) => change({ tab: next === "server" ? undefined : next })}>
        {tab === "server" && <Server />}
        {tab === "storage" && <Storage />}
        {tab === "you" && <You />}
        {tab === "people" && <People />}
        {tab === "keys" && <Keys />}
        {tab === "workspaces" && <Workspaces />}
        {tab === "audit" && <Audit />}
      </Tabs>
    </>
  );
}
