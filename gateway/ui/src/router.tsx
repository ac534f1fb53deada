import { Link, createRootRoute, createRoute, createRouter, type AnyRoute } from "@tanstack/react-router";
import { parseSearch, stringifySearch, validateSearch } from "./api/address.ts";
import { base } from "./api/workspace.ts";
import { page } from "./pages.tsx";
import { Empty, Fault, Loading } from "./parts/Notice.tsx";
import { Shell } from "./shell/Shell.tsx";

const root = createRootRoute({
  component: Shell,
  errorComponent: ({ error }) => <Fault error={error} onRetry={() => window.location.reload()} />,
  notFoundComponent: NoPage,
});

function NoPage() {
  return (
    <Empty title="There is no such page">
      <p>
        The address may be misspelt, or from another version. <Link to="/">Go to the dashboard</Link>, or press Ctrl-K to search.
      </p>
    </Empty>
  );
}

/** A page at an address, with its filters as words in the query. */
function place<const Path extends string>(path: Path, module: string) {
  return createRoute({
    getParentRoute: () => root,
    path,
    validateSearch,
    component: page(module),
    pendingComponent: () => <Loading what="the page" />,
  });
}

const routes = [
  place("/", "dashboard/DashboardPage"),
  place("/runs", "runs/RunsPage"),
  place("/runs/compare", "compare/ComparePage"),
  place("/runs/$flowRunId", "run/RunPage"),
  place("/task-runs/$taskRunId", "run/TaskRunPage"),
  place("/flows", "flows/FlowsPage"),
  place("/flows/$flowId", "flows/FlowPage"),
  place("/deployments", "deployments/DeploymentsPage"),
  place("/deployments/$deploymentId", "deployments/DeploymentPage"),
  place("/backfills/$backfillId", "deployments/BackfillPage"),
  place("/calendars", "calendars/CalendarsPage"),
  place("/calendars/$name", "calendars/CalendarPage"),
  place("/work-pools", "pools/PoolsPage"),
  place("/work-pools/$workPoolName", "pools/PoolPage"),
  place("/workers/$workerId", "pools/WorkerPage"),
  place("/blocks", "blocks/BlocksPage"),
  place("/blocks/$typeSlug/$name", "blocks/BlockPage"),
  place("/variables", "variables/VariablesPage"),
  place("/limits", "limits/LimitsPage"),
  place("/limits/$name", "limits/LimitPage"),
  place("/artifacts", "artifacts/ArtifactsPage"),
  place("/artifacts/$artifactId", "artifacts/ArtifactPage"),
  place("/assets", "assets/AssetsPage"),
  place("/assets/$assetId", "assets/AssetPage"),
  place("/events", "events/EventsPage"),
  place("/events/$eventId", "events/EventPage"),
  place("/automations", "automations/AutomationsPage"),
  place("/automations/new", "automations/NewAutomationPage"),
  place("/automations/$automationId", "automations/AutomationPage"),
  place("/notifications", "notifications/NotificationsPage"),
  place("/webhooks", "webhooks/WebhooksPage"),
  place("/webhooks/$webhookId", "webhooks/WebhookPage"),
  place("/settings", "settings/SettingsPage"),
  place("/sign-in", "account/SignInPage"),
  place("/sign-in/callback", "account/CallbackPage"),
  place("/sign-in/invitation", "account/InvitationPage"),
  place("/sign-in/device", "account/DevicePage"),
] as const satisfies readonly AnyRoute[];

export const router = createRouter({
  routeTree: root.addChildren(routes),
  basepath: base,
  defaultPreload: "intent",
  scrollRestoration: true,
  parseSearch,
  stringifySearch,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
