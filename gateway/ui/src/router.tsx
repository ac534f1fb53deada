import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from "@tanstack/react-router";
import { typeOfKey } from "./api/states.ts";
import { RUN_TABS, type RunTab } from "./run/tabs.ts";
import { RunsPage } from "./runs/RunsPage.tsx";
import { Shell } from "./shell/Shell.tsx";
import { Empty, Fault } from "./parts/Notice.tsx";

const root = createRootRoute({
  component: Shell,
  errorComponent: ({ error }) => <Fault error={error} onRetry={() => window.location.reload()} />,
  notFoundComponent: () => <Empty title="There is no such page" />,
});

const home = createRoute({
  getParentRoute: () => root,
  path: "/",
  beforeLoad: () => {
    throw redirect({ to: "/runs", replace: true });
  },
});

interface RunsSearch {
  /** Keys of state types, joined by commas. */
  state?: string;
  /** Part of a name, a flow's name or a message. */
  text?: string;
  /** Id of a deployment. */
  deployment?: string;
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

const runs = createRoute({
  getParentRoute: () => root,
  path: "/runs",
  validateSearch: (search: Record<string, unknown>): RunsSearch => ({
    state: text(text(search.state)?.split(",").filter((key) => typeOfKey(key) !== undefined).join(",")),
    text: text(search.text),
    deployment: text(search.deployment),
  }),
  component: RunsPage,
});

interface RunSearch {
  tab?: RunTab;
  /** The least level of log records. */
  level?: number;
}

const run = createRoute({
  getParentRoute: () => root,
  path: "/runs/$flowRunId",
  validateSearch: (search: Record<string, unknown>): RunSearch => ({
    tab: RUN_TABS.find((tab) => tab === search.tab),
    level: typeof search.level === "number" && search.level > 0 ? search.level : undefined,
  }),
  component: lazyRouteComponent(() => import("./run/RunPage.tsx"), "RunPage"),
});

const deployments = createRoute({
  getParentRoute: () => root,
  path: "/deployments",
  component: lazyRouteComponent(() => import("./deployments/DeploymentsPage.tsx"), "DeploymentsPage"),
});

const workPools = createRoute({
  getParentRoute: () => root,
  path: "/work-pools",
  component: lazyRouteComponent(() => import("./pools/PoolsPage.tsx"), "PoolsPage"),
});

export const router = createRouter({
  routeTree: root.addChildren([home, runs, run, deployments, workPools]),
  defaultPreload: "intent",
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
