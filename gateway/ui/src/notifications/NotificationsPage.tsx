import { useAddress } from "../api/address.ts";
import { PageHead } from "../parts/PageHead.tsx";
import { Tabs } from "../parts/Tabs.tsx";
import { Channels } from "./Channels.tsx";
import { Deliveries } from "./Deliveries.tsx";
import { Policies } from "./Policies.tsx";

const TABS = [
  { key: "channels", label: "Channels" },
  { key: "policies", label: "Policies" },
  { key: "deliveries", label: "Deliveries" },
] as const;

/** Where people are told what happened, and what they were told. */
export function NotificationsPage() {
  const [{ tab: asked }, change] = useAddress();
  const tab = TABS.find(({ key }) => key === asked)?.key ?? "channels";
  return (
    <>
      <PageHead title="Notifications" />
      <Tabs
        tabs={TABS}
        value={tab}
        onChange={(next) => change({ tab: next === "channels" ? undefined : next, status: undefined, channel: undefined }, true)}
      >
        {tab === "channels" && <Channels />}
        {tab === "policies" && <Policies />}
        {tab === "deliveries" && <Deliveries />}
      </Tabs>
    </>
  );
}
