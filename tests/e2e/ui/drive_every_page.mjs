// Looks at every page over a real server with something of each kind. Run by test_every_page.py:
// node drive_every_page.mjs <url> <browser> <folder for pictures>

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { apiOf, checked, faults, launch } from "./browser.mjs";

const [url, executablePath, pictures] = process.argv.slice(2);
const api = apiOf(url);

/** Makes something of each kind, and returns the pages of all of it by the route that shows it. */
async function pages() {
  const search = async (what, filter) => (await api("POST", `/v1/${what}:search`, { filter }))[what.replaceAll("-", "_")];
  let deployments = [];
  while (deployments.length < 3) deployments = await search("deployments", {});
  const idOf = (name) => deployments.find((one) => one.name === name).deployment_id;
  const nightly = idOf("nightly");
  await api("POST", `/v1/deployments/${nightly}:run`, {});
  await api("POST", `/v1/deployments/${idOf("in-mill")}:run`, { parameters: { gate: "never" } });
  const { backfill } = await api("POST", "/v1/backfills", {
    deployment_id: nightly,
    name: "made up for",
    matrix: { rows: [1, 0, 2] },
  });
  await api("PUT", "/v1/concurrency-limits/places-database", { limit: 2 });
  const { automation } = await api("POST", "/v1/automations", {
    automation: {
      name: "Runs that fail",
      description: "Tells that a place is broken.",
      enabled: true,
      trigger: { event: { posture: "TRIGGER_POSTURE_REACTIVE", expect: ["headrace.flow-run.Failed"], threshold: 1 } },
      actions_on_trigger: [{ emit_event: { name: "places.broken" } }],
    },
  });
  const { channel } = await api("POST", "/v1/channels", {
    channel: { name: "the hook", kind: "webhook", config: { url: "http://127.0.0.1:9/never" } },
  });
  await api("POST", "/v1/notification-policies", {
    notification_policy: { state_types: ["STATE_TYPE_FAILED"], channel_ids: [channel.channel_id] },
  });
  const { webhook } = await api("POST", "/v1/webhooks", {
    webhook: { name: "deploys", template: { event_name: "deploy.done" }, description: "Tells what was deployed." },
  });
  await api("POST", "/v1/calendars", { calendar: { name: "holidays", dates: ["12-25"], weekdays: [7] } });
  await api("POST", "/v1/teams", { handle: "data", name: "Data", description: "Keeps the lake." });
  const { service_account: account } = await api("POST", "/v1/service-accounts", { handle: "nightly", role: "worker" });
  await api("POST", "/v1/api-keys", { name: "worker on host a", principal_id: account.service_account_id });
  await api("POST", "/v1/users", { email: "ada@example.org", display_name: "Ada" });
  await api("POST", "/v1/invitations", { email: "bob@example.org", role: "developer" });
  await api("POST", "/v1/roles", { handle: "on-call", permissions: ["PERMISSION_RUNS_VIEW", "PERMISSION_LOGS_VIEW"] });
  await api("POST", "/v1/workspaces", { handle: "research", name: "Research" });
  await api("PUT", "/v1/log-settings/retention-rules", { retention_rule: { level_at_most: 10, days: 2 } });
  await api("PUT", "/v1/log-sinks/elsewhere", {
    log_sink: { name: "elsewhere", kind: "LOG_SINK_KIND_WEBHOOK", url: "http://127.0.0.1:9/in", is_paused: true },
  });
  await api("PUT", "/v1/identity-providers/ci", {
    provider: { handle: "ci", enabled: true, jwt: { issuer: "https://ci.example.org", audience: "headrace" } },
  });
  const [after, before] = (await search("flow-runs", { flow_names: ["weather"] })).map((run) => run.flow_run_id);
  await api("POST", `/v1/flow-runs/${before}/notes`, { text: "The gauge was **dry**: see the ticket." });
  const [flaky] = await search("task-runs", { flow_run_ids: [before], name_contains: "flaky" });
  const [broken] = await search("flow-runs", { flow_names: ["broken-report"] });
  const [flow] = (await search("flows", { names: ["lake"] })) ?? [];
  const { workers } = await api("GET", "/v1/workers?work_pool_name=places-mill");
  const [artifact] = await search("artifacts", {});
  const [asset] = await search("assets", { text: "Orders" });
  const { events } = await api("GET", "/v1/events?page_size=1");
  const run = `/runs/${before}`;
  const deployment = `/deployments/${nightly}`;
  const settings = (tab, more = "") => `/settings?tab=${tab}${more}`;
  return {
    "/": { dashboard: "/" },
    "/runs": { runs: "/runs", "task-runs": "/runs?kind=tasks", "no-runs": "/runs?text=never" },
    "/runs/compare": { compare: `/runs/compare?a=${before}&b=${after}`, "compare-logs": `/runs/compare?a=${before}&b=${after}&tab=logs` },
    "/runs/$flowRunId": {
      run: `${run}?task=${flaky.task_run_id}`,
      "run-failed": `/runs/${broken.flow_run_id}`,
      graph: `${run}?view=graph`,
      ...Object.fromEntries(
        ["tasks", "logs", "subflows", "artifacts", "parameters", "events", "states", "notes"].map((tab) => [`run-${tab}`, `${run}?tab=${tab}`]),
      ),
    },
    "/task-runs/$taskRunId": { "task-run": `/task-runs/${flaky.task_run_id}` },
    "/flows": { flows: "/flows" },
    "/flows/$flowId": { flow: `/flows/${flow.flow_id}` },
    "/deployments": { deployments: "/deployments" },
    "/deployments/$deploymentId": {
      deployment,
      ...Object.fromEntries(
        ["runs", "upcoming", "schedules", "versions", "parameters", "backfills"].map((tab) => [`deployment-${tab}`, `${deployment}?tab=${tab}`]),
      ),
    },
    "/backfills/$backfillId": { backfill: `/backfills/${backfill.backfill_id}` },
    "/calendars": { calendars: "/calendars" },
    "/calendars/$name": { calendar: "/calendars/holidays" },
    "/work-pools": { pools: "/work-pools" },
    "/work-pools/$workPoolName": {
      pool: "/work-pools/places-mill",
      "pool-runs": "/work-pools/places-mill?tab=runs",
      "pool-workers": "/work-pools/places-mill?tab=workers",
      "pool-template": "/work-pools/places-mill?tab=template",
    },
    "/workers/$workerId": { worker: `/workers/${workers[0].worker_id}` },
    "/blocks": { blocks: "/blocks" },
    "/blocks/$typeSlug/$name": { block: "/blocks/warehouse/places" },
    "/variables": { variables: "/variables" },
    "/limits": { limits: "/limits" },
    "/limits/$name": { limit: "/limits/places-database" },
    "/artifacts": { artifacts: "/artifacts" },
    "/artifacts/$artifactId": { artifact: `/artifacts/${artifact.artifact_id}` },
    "/assets": { assets: "/assets" },
    "/assets/$assetId": { asset: `/assets/${asset.asset_id}` },
    "/events": { events: "/events" },
    "/events/$eventId": { event: `/events/${events[0].event_id}` },
    "/automations": { automations: "/automations" },
    "/automations/new": { "new-automation": "/automations/new" },
    "/automations/$automationId": { automation: `/automations/${automation.automation_id}` },
    "/notifications": {
      channels: "/notifications",
      policies: "/notifications?tab=policies",
      deliveries: "/notifications?tab=deliveries",
    },
    "/webhooks": { webhooks: "/webhooks" },
    "/webhooks/$webhookId": { webhook: `/webhooks/${webhook.webhook_id}` },
    "/settings": {
      settings: "/settings",
      ...Object.fromEntries(
        ["you", "configuration", "storage", "logs", "workspaces", "people", "keys", "roles", "grants", "providers", "audit"].map((tab) => [
          `settings-${tab}`,
          settings(tab),
        ]),
      ),
      "settings-teams": settings("teams", "&team=data"),
      "settings-service-accounts": settings("service-accounts", "&account=nightly"),
    },
    "/sign-in": { "sign-in": "/sign-in" },
    "/sign-in/callback": { "sign-in-callback": "/sign-in/callback" },
    "/sign-in/invitation": { "sign-in-invitation": "/sign-in/invitation" },
    "/sign-in/device": { "sign-in-device": "/sign-in/device" },
  };
}

const router = readFileSync(new URL("../../../gateway/ui/src/router.tsx", import.meta.url), "utf8");
const routes = [...router.matchAll(/^ {2}place\("([^"]+)"/gm)].map((found) => found[1]);
const known = await pages();
assert.deepEqual(Object.keys(known).sort(), routes.sort(), "a page of each route is looked at");

const browser = await launch(executablePath, pictures);
try {
  await checked(browser, url, pictures, Object.assign({}, ...Object.values(known)));
} finally {
  await browser.close();
}
assert.deepEqual(faults, []);
process.exit(0);
