// Drives the pages beside those of runs over a real server. Run by test_places.py: node drive_places.mjs <url> <browser> <folder for pictures>
//
// Asks the test to run scripts with lines such as "@run lake 3" on standard output, and waits for a line back.

import assert from "node:assert/strict";
import { WAIT, apiOf, ask, button, checked, dialog, faults, heading, launch, list, open, play, row } from "./browser.mjs";

const [url, executablePath, pictures] = process.argv.slice(2);

const api = apiOf(url);

const deploymentId = async (name) =>
  (await api("POST", "/v1/deployments:search", { filter: { names: [name] } })).deployments[0].deployment_id;
const tab = (page, name) => page.getByRole("tab", { name }).click();

async function emptyPagesTeach(page) {
  for (const [path, words] of [
    ["/flows", "@flow(log_prints=True)"],
    ["/deployments", "hello.serve("],
    ["/work-pools", "headrace worker start --pool my-pool"],
    ["/blocks", "password: SecretStr"],
    ["/variables", "Variable.set("],
    ["/limits", 'concurrency("database")'],
    ["/artifacts", "create_table_artifact("],
    ["/assets", "@materialize("],
    ["/automations", "/v1/automations"],
    ["/webhooks", "headrace webhook create"],
    ["/calendars", "headrace calendar set"],
  ]) {
    await page.goto(url + path);
    await page.locator(".empty pre", { hasText: words }).waitFor(WAIT);
  }
}

async function flowsShowHowTheyGo(page) {
  await ask("run keep");
  await ask("run lake 3");
  await page.goto(`${url}/flows`);
  await row(page, "lake").getByRole("img", { name: "The last 1 runs: 1 completed" }).waitFor(WAIT);
  // Nothing is loaded again: the failed run shows up by itself.
  await ask("run lake 0");
  await row(page, "lake").getByRole("img", { name: /1 completed, 1 failed/ }).waitFor(WAIT);
  await row(page, "lake").getByRole("link").click();
  await heading(page, "lake");
  await page.getByText("No deployment makes it run").waitFor(WAIT);
  await ask("start serve");
  await row(page, "nightly").getByText("Ready").waitFor(WAIT);
}

async function aRunIsStartedByItsForm(page) {
  await page.goto(`${url}/deployments`);
  await row(page, "for-customers").getByText("Ready").waitFor(WAIT);
  await row(page, "for-customers").getByRole("link", { name: /for-customers/ }).click();
  await heading(page, "for-customers");
  await button(page, "Run").click();
  const form = dialog(page);
  assert.equal(await form.getByLabel("Name*").inputValue(), "Ada");
  await form.getByLabel("Name*").fill("A");
  await button(form, "Run").click();
  await form.getByText("Needs at least 2 characters.").waitFor(WAIT);
  await form.getByText("Is needed.").waitFor(WAIT);
  await form.getByLabel("Name*").fill("Ada Lovelace");
  await form.getByLabel("day").fill("2026-11-21");
  await form.getByLabel("kind").selectOption("weekly");
  await button(form, "Add to Mails").click();
  await form.getByLabel("Mails 1", { exact: true }).fill("ada@example.org");
  await form.getByLabel("limits").fill('{"rows": "many"');
  await form.getByText("Is no JSON").waitFor(WAIT);
  await form.getByLabel("limits").fill('{"rows": 5}');
  assert.equal(await form.getByLabel("token").getAttribute("type"), "password");
  await form.getByLabel("is_draft").check();
  await button(form, "Run").click();
  await page.waitForURL(/\/runs\/[0-9a-f-]{36}/);
  const { flow_run: run } = await api("GET", `/v1/flow-runs/${page.url().split("/").at(-1).split("?")[0]}`);
  assert.deepEqual(run.parameters.customer, { name: "Ada Lovelace", tier: "gold", mails: ["ada@example.org"] });
  assert.equal(run.parameters.day, "2026-11-21");
  assert.equal(run.parameters.kind, "weekly");
  assert.deepEqual(run.parameters.limits, { rows: 5 });
  assert.equal(run.parameters.is_draft, true);
  await page.locator(".run-head .state", { hasText: "Completed" }).waitFor(WAIT);
}

async function schedulesAreChanged(page) {
  const id = await deploymentId("nightly");
  await page.goto(`${url}/deployments/${id}?tab=schedules`);
  await button(page, "Add a schedule").click();
  const form = dialog(page);
  await form.getByLabel("When").selectOption("interval");
  await form.getByLabel("Every").fill("2 hours or so");
  await form.getByText("The interval is a span").waitFor(WAIT);
  await form.getByLabel("Every").fill("2h");
  await form.getByRole("region", { name: "Next times" }).locator("li").nth(7).waitFor(WAIT);
  await form.getByText("Missed times, limits in time").click();
  await form.getByLabel("Short name").fill("often");
  await button(form, "Add").click();
  await page.getByText("every 2 h", { exact: true }).waitFor(WAIT);
  await button(page, "Turn often off").click();
  await button(page, "Turn often on").click();
  await button(page, "Remove often").click();
  await page.getByText("every 2 h", { exact: true }).waitFor({ ...WAIT, state: "detached" });
  await button(page, "Undo").click();
  await page.getByText("every 2 h", { exact: true }).waitFor(WAIT);
  await tab(page, "Upcoming");
  // The last days of a month may have none any more: the next month has.
  await button(page, "The next month").click();
  await page.locator(".calendar-day time").nth(20).waitFor(WAIT);
  await button(page, "Pause its schedules").click();
  await page.locator(".page-head").getByText("Paused").waitFor(WAIT);
  await button(page, "Resume its schedules").click();
  await button(page, "Pause its schedules").waitFor(WAIT);
}

async function versionsAreComparedAndRolledBack(page) {
  const id = await deploymentId("nightly");
  await page.goto(`${url}/deployments/${id}?tab=parameters`);
  await page.getByRole("rowheader", { name: /rows/ }).waitFor(WAIT);
  await button(page, "Change what it gives").click();
  await dialog(page).getByLabel("rows").fill("7");
  await button(dialog(page), "Save").click();
  await page.getByRole("cell", { name: "7", exact: true }).waitFor(WAIT);
  await tab(page, /Versions/);
  await button(page, "Compare with 1").click();
  await page.waitForURL(/from=1&to=2/);
  await page.getByRole("rowheader", { name: /^parameters/ }).waitFor(WAIT);
  await button(page, "Roll back to it").click();
  await button(dialog(page), "Roll back").click();
  await list(page, "Versions").getByRole("listitem").nth(1).getByText("Current").waitFor(WAIT);
  assert.equal((await api("GET", `/v1/deployments/${id}`)).deployment.version_number, 1);
}

async function aBackfillIsMade(page) {
  const id = await deploymentId("nightly");
  await page.goto(`${url}/deployments/${id}?tab=backfills`);
  await button(page, "New backfill").click();
  const form = dialog(page);
  await form.getByLabel("Name").fill("made up for");
  await form.getByLabel("A run for each").selectOption("parameters");
  await form.getByLabel("Lists of values").fill('{"rows": [1, 0, 2]}');
  await button(form, "Show the runs").click();
  await form.getByText("3 runs").waitFor(WAIT);
  await button(form, "Start the backfill").click();
  await heading(page, "made up for");
  const cells = page.getByRole("list", { name: "Runs of the backfill" });
  await cells.locator(".state-completed").nth(1).waitFor(WAIT);
  await cells.locator(".state-failed").waitFor(WAIT);
  await button(page, "Retry 1 that did not complete").waitFor(WAIT);
}

async function poolsAreChanged(page) {
  await ask("worker places-mill");
  await page.goto(`${url}/work-pools`);
  await page.getByRole("table", { name: "Workers" }).getByText("Online").first().waitFor(WAIT);
  await row(page, "places-mill").first().getByRole("link", { name: "places-mill" }).first().click();
  await heading(page, "places-mill");
  await button(page, "New queue").click();
  await dialog(page).getByLabel("Name").fill("urgent");
  await button(dialog(page), "Make the queue").click();
  const queues = list(page, "Queues by priority").getByRole("listitem");
  await queues.nth(1).getByText("urgent").waitFor(WAIT);
  const priorities = async () =>
    (await api("GET", "/v1/work-pools/places-mill/queues")).work_queues.map((queue) => queue.name).join();
  await page.getByRole("button", { name: /Priority of urgent/ }).press("ArrowUp");
  await queues.nth(0).getByText("urgent").waitFor(WAIT);
  while ((await priorities()) !== "urgent,default") await page.waitForTimeout(50);
  await queues.nth(0).dragTo(queues.nth(1));
  await queues.nth(1).getByText("urgent").waitFor(WAIT);
  while ((await priorities()) !== "default,urgent") await page.waitForTimeout(50);
  await button(page, "Change").click();
  await dialog(page).getByLabel("Runs at once").fill("1");
  await dialog(page).getByLabel("Working directory").waitFor(WAIT);
  await button(dialog(page), "Save").click();
  await page.getByText("0 of 1").first().waitFor(WAIT);
  await ask("run deploy places-mill");
  await ask("start hold");
  await api("POST", `/v1/deployments/${await deploymentId("in-mill")}:run`, { parameters: { gate: "pool-gate" } });
  await page.getByText("1 of 1").first().waitFor(WAIT);
  await tab(page, "Runs");
  await page.getByRole("table", { name: "They hold slots now" }).getByText("Running").waitFor(WAIT);
  await button(page, "Pause").click();
  await page.locator(".page-head").getByText("Paused").waitFor(WAIT);
  await button(page, "Resume").click();
  await page.locator(".page-head").getByText("Ready").waitFor(WAIT);
  await tab(page, /Workers/);
  await page.getByRole("table", { name: "Workers" }).getByRole("link").first().click();
  await page.getByRole("table", { name: "It runs now" }).getByText("Running").waitFor(WAIT);
  await ask("open pool-gate");
  await page.getByRole("table", { name: "Its newest runs" }).getByText("Completed").waitFor(WAIT);
}

async function whatIsKeptIsChanged(page) {
  await page.goto(`${url}/blocks/warehouse/places`);
  await page.getByText("postgresql://shop/main").waitFor(WAIT);
  assert.ok(!(await page.content()).includes("a-secret-of-the-warehouse"));
  await button(page, "Change").click();
  assert.equal(await dialog(page).getByLabel("Password").inputValue(), "");
  await dialog(page).getByLabel("Url").fill("postgresql://shop/other");
  await button(dialog(page), "Save").click();
  await page.getByText("postgresql://shop/other").waitFor(WAIT);
  const { block } = await api("GET", "/v1/blocks/warehouse/places?include_secrets=true");
  assert.equal(block.data.password, "a-secret-of-the-warehouse");

  await page.goto(`${url}/variables`);
  await button(page, "places_region").click();
  await dialog(page).getByLabel("Value as JSON").fill('{"name": ');
  await button(dialog(page), "Save").click();
  await dialog(page).getByText("The value is no JSON").waitFor(WAIT);
  await dialog(page).getByLabel("Value as JSON").fill('{"name": "eu-north-1"}');
  await button(dialog(page), "Save").click();
  await row(page, "eu-north-1").waitFor(WAIT);
  await button(page, "Delete places_region").click();
  await row(page, "eu-north-1").waitFor({ ...WAIT, state: "detached" });
  await button(page, "Undo").click();
  await row(page, "eu-north-1").waitFor(WAIT);

  await page.goto(`${url}/limits`);
  await button(page, "New limit").click();
  await dialog(page).getByLabel("Name").fill("places-database");
  await dialog(page).getByLabel("Slots", { exact: true }).or(dialog(page).getByLabel("Slots*")).fill("1");
  await button(dialog(page), "Save").click();
  await heading(page, "places-database");
  await ask("start hold");
  const holders = list(page, "They hold slots");
  await holders.getByText("Flow run").waitFor(WAIT);
  await button(page, "Take the slots away").click();
  await button(dialog(page), "Take the slots away").click();
  await page.getByText("All slots are free.").waitFor(WAIT);
  await ask("open held-gate");
  await button(page, "Delete").click();
  assert.ok(await button(dialog(page), "Delete the limit").isDisabled());
  await dialog(page).getByRole("textbox").fill("places-database");
  await button(dialog(page), "Delete the limit").click();
  await page.waitForURL(/\/limits$/);
}

async function whatRunsMadeIsShown(page) {
  await page.goto(`${url}/artifacts`);
  await row(page, "report").getByRole("link").first().click();
  await page.getByText("rows were read").waitFor(WAIT);
  await list(page, "Versions").getByText("Latest").waitFor(WAIT);
  assert.ok((await list(page, "Versions").getByRole("listitem").count()) > 1);
  await page.goto(`${url}/assets`);
  await row(page, "orders.parquet").getByRole("link").first().click();
  await heading(page, "Orders");
  const lineage = page.getByRole("region", { name: "Lineage" });
  await lineage.getByRole("link", { name: /raw.json/ }).waitFor(WAIT);
  assert.equal(await lineage.locator(".lineage-edge").count(), 2);
  await row(page, '{"rows":3}').getByText("Made").waitFor(WAIT);
}

async function eventsAreFollowed(page) {
  await page.goto(`${url}/events`);
  await page.getByRole("complementary").getByRole("button", { name: /^flow-run\.Failed/ }).click();
  await page.waitForURL(/name=headrace.flow-run.Failed/);
  await row(page, "flow-run.Completed").first().waitFor({ ...WAIT, state: "detached" });
  await page.goto(`${url}/events?about=shop.*`);
  await page.getByText("No event fits these filters").waitFor(WAIT);
  const began = Date.now();
  await api("POST", "/v1/events", {
    events: [{ name: "shop.order.paid", resource: { resource_id: "shop.order.17", name: "order 17" }, payload: { total: 3 } }],
  });
  await row(page, "shop.order.paid").waitFor(WAIT);
  console.log(`an event showed up after ${Date.now() - began} ms`);
  await row(page, "shop.order.paid").getByRole("link").click();
  await page.getByText('"total": 3').waitFor(WAIT);
  await page.getByRole("link", { name: "Automate" }).click();
  assert.equal(await page.getByLabel("On these events").inputValue(), "shop.order.paid");
}

async function anAutomationIsMade(page) {
  await page.goto(`${url}/automations/new`);
  await page.getByRole("button", { name: /A run fails/ }).click();
  const trial = page.getByRole("region", { name: "What it would have done" });
  await trial.getByText(/It would have fired \d+ times/).waitFor(WAIT);
  await trial.getByText("lake").or(trial.getByText("flow-run.Failed").first()).first().waitFor(WAIT);
  await button(page, "Go on").click();
  await button(page, "Go on").click();
  await page.getByText("It has to do something").waitFor(WAIT);
  await button(page, "Add an action").click();
  await page.getByLabel("Do", { exact: true }).selectOption("emit_event");
  await page.getByLabel("Name*").fill("places.{{ flow_run.flow.name }}.broken");
  await page.getByRole("region", { name: "What its texts say" }).getByText("places.lake.broken").waitFor(WAIT);
  await button(page, "Go on").click();
  assert.equal(await page.getByLabel("Name").inputValue(), "Runs that fail");
  await page.getByLabel("Name").fill("Broken places");
  await button(page, "Make the automation").click();
  await heading(page, "Broken places");
  await tab(page, "What it did");
  await page.getByText("It has done nothing yet").waitFor(WAIT);
  await ask("run lake 0");
  await row(page, "emit an event").getByText("Done").waitFor(WAIT);
  await tab(page, "Change");
  await page.getByLabel("What it is for").fill("Tells that a place is broken.");
  await button(page, "Save").click();
  await page.getByText("Tells that a place is broken.").waitFor(WAIT);
  await button(page, "Turn off").click();
  await button(page, "Turn on").waitFor(WAIT);
}

async function peopleAreTold(page) {
  await page.goto(`${url}/notifications`);
  await page.getByText("Nobody is told yet").waitFor(WAIT);
  await button(page, "New Slack").click();
  const form = dialog(page);
  await button(form, "Save").click();
  await form.getByText("Is needed.").first().waitFor(WAIT);
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: /^New Webhook/ }).click();
  await form.getByLabel("Name of the channel").fill("the hook");
  await form.getByLabel(/^URL/).fill("http://127.0.0.1:9/never");
  await button(form, "Save").click();
  await button(page, "Send a test to the hook").click();
  await page.getByText("It did not arrive").waitFor(WAIT);
  await tab(page, "Policies");
  await button(page, "New policy").click();
  await button(form, "Save").click();
  await page.getByText("When a run is Failed or Crashed, tell the hook").waitFor(WAIT);
  await ask("run lake 0");
  await tab(page, "Deliveries");
  await row(page, "Failed").first().waitFor(WAIT);
  await row(page, "Failed").first().getByRole("button", { name: "Acknowledge" }).click();
  await row(page, "by local").first().waitFor(WAIT);
  await row(page, "Failed").first().getByRole("button").first().click();
  await dialog(page).getByText("there is nothing to report").first().waitFor(WAIT);
  await page.keyboard.press("Escape");
}

async function whatIsNotThereIsSaid(page) {
  play.isOutage = true;
  const nothing = "019ab000-0000-7000-8000-ffffffffffff";
  for (const [path, words] of [
    [`/flows/${nothing}`, "There is no such flow"],
    [`/deployments/${nothing}`, "There is no such deployment"],
    ["/work-pools/never", "There is no such work pool"],
    ["/limits/never", "There is no such limit"],
    ["/calendars/never", "There is no such calendar"],
    [`/webhooks/${nothing}`, "There is no such webhook"],
    [`/automations/${nothing}`, "There is no such automation"],
  ]) {
    await page.goto(url + path);
    await page.getByText(words).waitFor(WAIT);
  }
  // What the browser says of the last answer comes before it is somewhere else.
  await page.goto(`${url}/flows`);
  await heading(page, "Flows");
  play.isOutage = false;
}

async function pagesAreAccessible(browser) {
  const nightly = await deploymentId("nightly");
  const { workers } = await api("GET", "/v1/workers?work_pool_name=places-mill");
  const { backfills } = await api("GET", `/v1/backfills?deployment_id=${nightly}`);
  const { assets } = await api("POST", "/v1/assets:search", { filter: { text: "Orders" } });
  const { automations } = await api("GET", "/v1/automations");
  await checked(browser, url, pictures, {
    deployments: "/deployments",
    deployment: `/deployments/${nightly}?tab=schedules`,
    upcoming: `/deployments/${nightly}?tab=upcoming`,
    versions: `/deployments/${nightly}?tab=versions&from=1&to=2`,
    backfill: `/backfills/${backfills[0].backfill_id}`,
    pool: "/work-pools/places-mill",
    worker: `/workers/${workers[0].worker_id}`,
    limits: "/limits",
    asset: `/assets/${assets[0].asset_id}`,
    events: "/events",
    "new-automation": "/automations/new",
    automation: `/automations/${automations[0].automation_id}`,
    channels: "/notifications",
  });
}

const browser = await launch(executablePath, pictures);
try {
  const page = await open(browser, "light", 1440);
  for (const part of [
    emptyPagesTeach,
    flowsShowHowTheyGo,
    aRunIsStartedByItsForm,
    schedulesAreChanged,
    versionsAreComparedAndRolledBack,
    aBackfillIsMade,
    poolsAreChanged,
    whatIsKeptIsChanged,
    whatRunsMadeIsShown,
    eventsAreFollowed,
    anAutomationIsMade,
    peopleAreTold,
    whatIsNotThereIsSaid,
  ]) {
    const began = Date.now();
    await part(page);
    console.log(`${part.name}: fine, ${Date.now() - began} ms`);
  }
  await pagesAreAccessible(browser);
} finally {
  await browser.close();
}
assert.deepEqual(faults, []);
process.exit(0);
