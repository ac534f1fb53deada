import { hasPage } from "../pages.tsx";
import type { IconName } from "../parts/Icon.tsx";

export interface Place {
  to: string;
  /** Its module. */
  page: string;
  label: string;
  icon: IconName;
  /** Two keys, pressed one after the other. */
  keys: string;
}

/** Where one can go, as the sidebar groups it. */
const ALL: { label: string; places: Place[] }[] = [
  {
    label: "",
    places: [
      { to: "/", page: "dashboard/DashboardPage", label: "Dashboard", icon: "dashboard", keys: "g h" },
      { to: "/runs", page: "runs/RunsPage", label: "Runs", icon: "runs", keys: "g r" },
    ],
  },
  {
    label: "Work",
    places: [
      { to: "/flows", page: "flows/FlowsPage", label: "Flows", icon: "flows", keys: "g f" },
      { to: "/deployments", page: "deployments/DeploymentsPage", label: "Deployments", icon: "deployments", keys: "g d" },
      { to: "/calendars", page: "calendars/CalendarsPage", label: "Calendars", icon: "calendars", keys: "g c" },
      { to: "/work-pools", page: "pools/PoolsPage", label: "Work pools", icon: "pools", keys: "g w" },
    ],
  },
  {
    label: "Kept",
    places: [
      { to: "/blocks", page: "blocks/BlocksPage", label: "Blocks", icon: "blocks", keys: "g b" },
      { to: "/variables", page: "variables/VariablesPage", label: "Variables", icon: "variables", keys: "g v" },
      { to: "/limits", page: "limits/LimitsPage", label: "Limits", icon: "limits", keys: "g l" },
      { to: "/artifacts", page: "artifacts/ArtifactsPage", label: "Artifacts", icon: "artifacts", keys: "g a" },
      { to: "/assets", page: "assets/AssetsPage", label: "Assets", icon: "assets", keys: "g s" },
    ],
  },
  {
    label: "Reactions",
    places: [
      { to: "/events", page: "events/EventsPage", label: "Events", icon: "events", keys: "g e" },
      { to: "/automations", page: "automations/AutomationsPage", label: "Automations", icon: "automations", keys: "g u" },
      { to: "/notifications", page: "notifications/NotificationsPage", label: "Notifications", icon: "notifications", keys: "g n" },
      { to: "/webhooks", page: "webhooks/WebhooksPage", label: "Webhooks", icon: "webhooks", keys: "g k" },
    ],
  },
  { label: "", places: [{ to: "/settings", page: "settings/SettingsPage", label: "Settings", icon: "settings", keys: "g ," }] },
];

/** The groups, with the places that there are. */
export const GROUPS = ALL.map(({ label, places }) => ({ label, places: places.filter((place) => hasPage(place.page)) })).filter(
  ({ places }) => places.length > 0,
);

export const PLACES = GROUPS.flatMap(({ places }) => places);
