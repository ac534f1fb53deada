// Drives the dashboard and the pages of runs over a real server. Run by test_runs.py: node drive_runs.mjs <url> <browser> <folder for pictures>
//
// Asks the test to start a script, and to stop and start the server, with lines such as "@stop" on standard output.

import assert from "node:assert/strict";
import { join } from "node:path";
import { WAIT, apiOf, ask, checked, faults, launch, open, play, row } from "./browser.mjs";

const [url, executablePath, pictures] = process.argv.slice(2);

const api = apiOf(url);

const create = (name, type = "STATE_TYPE_RUNNING") =>
  api("POST", "/v1/flow-runs", { flow_name: "made-here", name, state: { type } }).then((answer) => answer.flow_run.flow_run_id);
const propose = (id, type, message = "") => api("POST", `/v1/flow-runs/${id}:propose`, { state: { type, message }, force: true });
const found = async (filter) => (await api("POST", "/v1/flow-runs:search", { filter })).flow_runs;
const head = (page, state) => page.locator(".run-head .state", { hasText: state });

async function dashboardIsLive(page) {
  await page.goto(`${url}/`);
  const failures = page.getByRole("region", { name: /Failures/ });
  await failures.getByText("the gauge is dry").waitFor(WAIT);
  const running = page.getByRole("region", { name: "Running now" });
  await running.getByText("Nothing runs right now.").waitFor(WAIT);
  const id = await create("fresh-finch");
  const began = Date.now();
  await running.getByText("fresh-finch").waitFor(WAIT);
  console.log(`a new run showed up on the dashboard after ${Date.now() - began} ms`);
  await propose(id, "STATE_TYPE_FAILED", "out of seeds");
  await failures.getByText("out of seeds").waitFor(WAIT);
  await running.getByText("fresh-finch").waitFor({ ...WAIT, state: "detached" });
  // Nobody takes runs of this pool: the dashboard says so, and so does the run's page.
  await api("POST", "/v1/work-pools", { work_pool: { name: "idle-pool", type: "process" } });
  const { deployment } = await api("POST", "/v1/deployments", {
    flow_name: "weather",
    name: "nightly",
    content: { entrypoint: "gallery.py:weather", work_pool_name: "idle-pool" },
  });
  await api("POST", `/v1/deployments/${deployment.deployment_id}:run`, {});
  await page.getByRole("region", { name: "How deployments do" }).getByText("nightly").waitFor(WAIT);
  await page.getByRole("region", { name: "Pools and workers" }).getByText("idle-pool").waitFor(WAIT);
  const [waiting] = await found({ deployment_ids: [deployment.deployment_id] });
  await page.goto(`${url}/runs/${waiting.flow_run_id}`);
  await page.getByRole("region", { name: "Why it is not running" }).getByText("idle-pool").first().waitFor(WAIT);
}

async function runsAreFilteredAndChanged(page) {
  await page.goto(`${url}/runs`);
  await row(page, "broken-report").waitFor(WAIT);
  const id = await create("merry-mallard");
  await row(page, "merry-mallard").getByText("Running").waitFor(WAIT);
  await page.getByRole("button", { name: "Failed", exact: true }).click();
  await page.waitForURL(/state=failed/);
  await row(page, "merry-mallard").waitFor({ ...WAIT, state: "detached" });
  await propose(id, "STATE_TYPE_FAILED");
  await row(page, "merry-mallard").waitFor(WAIT);
  await page.reload();
  await row(page, "merry-mallard").getByText("Failed").waitFor(WAIT);
  await page.getByRole("button", { name: /^Filters/ }).click();
  await page.getByLabel("Flow", { exact: true }).fill("broken-report");
  await page.getByLabel("Flow", { exact: true }).press("Enter");
  await page.waitForURL(/flow=broken-report/);
  await page.keyboard.press("Escape");
  await row(page, "merry-mallard").waitFor({ ...WAIT, state: "detached" });
  // The view is kept under a name.
  await page.getByRole("button", { name: "Saved views" }).click();
  await page.getByLabel("Name of the view").fill("dry gauges");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByRole("group", { name: "Of everybody here" }).getByRole("link", { name: "dry gauges" }).waitFor(WAIT);
  await page.getByLabel("Name of the view").fill("mine");
  await page.getByLabel("Everybody here sees it").uncheck();
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByRole("group", { name: "In this browser" }).getByRole("link", { name: "mine" }).waitFor(WAIT);
  await page.keyboard.press("Escape");
  // Another browser knows what is kept for everybody.
  const other = await open(page.context().browser(), "light", 1440);
  await other.goto(`${url}/runs`);
  await other.getByRole("button", { name: "Saved views" }).click();
  await other.getByRole("link", { name: "dry gauges" }).click();
  await other.waitForURL(/flow=broken-report/);
  assert.equal(await other.getByRole("link", { name: "mine" }).count(), 0);
  await other.context().close();
  await page.getByRole("button", { name: "Clear all" }).click();
  await row(page, "merry-mallard").waitFor(WAIT);
  await page.getByRole("button", { name: "Saved views" }).click();
  await page.getByRole("link", { name: "dry gauges" }).click();
  await page.waitForURL(/flow=broken-report/);
  await page.keyboard.press("Escape");
  await page.goto(`${url}/runs?flow=made-here`);
  await row(page, "merry-mallard").waitFor(WAIT);
  await page.getByRole("button", { name: "Change All that match" }).click();
  await page.getByRole("menuitem", { name: "Delete the runs" }).click();
  const dialog = page.getByRole("dialog", { name: "Delete the runs?" });
  await dialog.getByText("2 runs").waitFor(WAIT);
  assert.ok(await dialog.getByRole("button", { name: "Delete the runs" }).isDisabled());
  await dialog.getByRole("textbox").fill("delete");
  await dialog.getByRole("button", { name: "Delete the runs" }).click();
  await page.getByText("2 looked at, 2 changed").waitFor(WAIT);
  await page.getByRole("button", { name: "Close", exact: true }).last().click();
  await page.getByText("No run fits these filters").waitFor(WAIT);
  await page.goto(`${url}/runs?kind=tasks`);
  await row(page, "flaky").filter({ has: page.getByText("3", { exact: true }) }).waitFor(WAIT);
}

async function runIsDrawn(page) {
  const [run] = (await found({ flow_names: ["weather"], state_types: ["STATE_TYPE_COMPLETED"] })).reverse();
  await page.goto(`${url}/runs/${run.flow_run_id}`);
  await page.locator('canvas[data-drawn="11"]').waitFor(WAIT);
  await page.getByRole("button", { name: "Dependencies" }).click();
  await page.waitForURL(/view=graph/);
  // Wherever it is drawn: what the pointer is over says its name, and a click opens it.
  const box = await page.locator(".canvas-frame canvas").boundingBox();
  const hint = page.locator(".canvas-hint");
  search: for (let x = 30; x < box.width; x += 60)
    for (let y = 12; y < box.height; y += 12) {
      await page.mouse.move(box.x + x, box.y + y);
      if (await hint.isVisible()) break search;
    }
  const name = await hint.locator("strong").textContent();
  await page.mouse.down();
  await page.mouse.up();
  await page.getByRole("complementary", { name: `Task run ${name}` }).waitFor(WAIT);
  await page.goto(`${url}/runs/${run.flow_run_id}?task=${await firstTask(run.flow_run_id, "flaky")}`);
  const panel = page.getByRole("complementary", { name: /Task run flaky/ });
  await panel.getByText("States, 3 tries").waitFor(WAIT);
  await panel.getByRole("link", { name: /^load/ }).waitFor(WAIT);
  await panel.getByRole("link", { name: "Its log" }).click();
  await page.waitForURL(/tab=logs/);
  await page.goto(`${url}/runs/${run.flow_run_id}?tab=logs`);
  await page.locator(".ansi-green", { hasText: "downloaded" }).first().waitFor(WAIT);
  const lines = [{ flow_run_id: run.flow_run_id, level: 40, message: "the \u001b[1mlast\u001b[0m straw" }];
  const sent = Date.now();
  await api("POST", "/v1/logs", { records: lines });
  await page.locator(".line", { hasText: "the last straw" }).waitFor(WAIT);
  console.log(`a log record showed up after ${Date.now() - sent} ms`);
  await page.getByLabel("Level").selectOption({ label: "Errors" });
  await page.locator(".line", { hasText: "downloaded" }).first().waitFor({ ...WAIT, state: "detached" });
  await page.locator(".line", { hasText: "the last straw" }).waitFor(WAIT);
  await page.getByLabel("Level").selectOption({ label: "All levels" });
  await page.getByRole("searchbox", { name: "Find in the log" }).fill("loading");
  await page.locator(".line", { hasText: "loading after 3 tries" }).waitFor(WAIT);
  await page.locator(".line", { hasText: "the last straw" }).waitFor({ ...WAIT, state: "detached" });
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download" }).click();
  assert.match((await download).suggestedFilename(), /\.log$/);
  await page.getByRole("tab", { name: "Artifacts" }).click();
  await page.getByRole("cell", { name: "February" }).waitFor(WAIT);
  await page.getByText("75 %").waitFor(WAIT);
  await page.getByRole("link", { name: "the data" }).waitFor(WAIT);
  await page.waitForFunction(() => document.querySelector("img.picture")?.naturalWidth === 2);
  assert.equal(await page.locator(".artifact script").count(), 0);
  await page.getByRole("tab", { name: "Subflows" }).click();
  await row(page, "report").waitFor(WAIT);
  await page.getByRole("tab", { name: "Events" }).click();
  await page.getByRole("link", { name: "flow-run.Completed" }).first().waitFor(WAIT);
  await page.goto(`${url}/runs/019ab000-0000-7000-8000-ffffffffffff`);
  play.isOutage = true;
  await page.getByText("There is no such run").waitFor(WAIT);
  play.isOutage = false;
}

async function firstTask(runId, key) {
  const { task_runs: tasks } = await api("POST", "/v1/task-runs:search", { filter: { flow_run_ids: [runId], name_contains: key } });
  return tasks[0].task_run_id;
}

async function runIsChanged(page) {
  await ask("asking");
  await page.goto(`${url}/runs?flow=release`);
  await row(page, "release").getByText("Paused").waitFor(WAIT);
  await row(page, "release").getByRole("link").first().click();
  await page.getByRole("button", { name: "Resume" }).click();
  const form = page.getByRole("dialog", { name: /^Resume/ });
  await form.getByLabel("comment").fill("well done");
  await form.getByLabel("approved").check();
  await form.getByRole("button", { name: "Resume" }).click();
  await head(page, "Completed").waitFor(WAIT);
  const id = await create("calm-otter");
  await page.goto(`${url}/runs/${id}`);
  await head(page, "Running").waitFor(WAIT);
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("button", { name: "Cancel the run" }).click();
  await head(page, /Cancell/).waitFor(WAIT);
  await page.getByRole("button", { name: "More" }).click();
  await page.getByRole("menuitem", { name: "Change the state" }).click();
  const dialog = page.getByRole("dialog", { name: /Change the state/ });
  await dialog.getByLabel("State", { exact: true }).selectOption({ label: "Failed" });
  await dialog.getByLabel("Why").fill("by hand");
  await dialog.getByLabel("Also where the rules speak against it").check();
  await dialog.getByRole("button", { name: "Change the state" }).click();
  await head(page, "Failed").waitFor(WAIT);
  await page.getByText("by hand").first().waitFor(WAIT);
  // Somebody else changes it: the page goes on by itself.
  await propose(id, "STATE_TYPE_COMPLETED");
  await head(page, "Completed").waitFor(WAIT);
}

async function twoRunsAreCompared(page) {
  const runs = await found({ flow_names: ["weather"], state_types: ["STATE_TYPE_COMPLETED"] });
  await page.goto(`${url}/runs?flow=weather&state=completed`);
  for (const run of runs) await page.getByRole("checkbox", { name: `Select ${run.name}` }).check();
  await page.getByRole("link", { name: "Compare" }).click();
  await page.waitForURL(/runs\/compare/);
  await row(page, "flaky").first().getByText("Completed").first().waitFor(WAIT);
  await page.getByRole("tab", { name: "Parameters and versions" }).click();
  await page.locator("tr.is-different", { hasText: "Oslo" }).getByText("Seattle").waitFor(WAIT);
  await page.getByRole("tab", { name: "Logs" }).click();
  await page.locator(".diff-added", { hasText: "Oslo" }).first().waitFor(WAIT);
  await page.locator(".diff-removed", { hasText: "Seattle" }).first().waitFor(WAIT);
}

async function keysAndSearchWork(page) {
  await page.goto(`${url}/runs`);
  await row(page, "weather").first().waitFor(WAIT);
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keys" }).waitFor(WAIT);
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ ...WAIT, state: "detached" });
  await page.keyboard.press("g");
  await page.keyboard.press("h");
  await page.getByRole("heading", { name: "Dashboard" }).waitFor(WAIT);
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox", { name: "Search everything" }).fill("idle");
  await page.getByRole("option", { name: /idle-pool/ }).waitFor(WAIT);
  await page.screenshot({ path: join(pictures, "search.png") });
  await page.getByRole("combobox", { name: "Search everything" }).fill("night");
  await page.getByRole("option", { name: /nightly/ }).first().waitFor(WAIT);
  await page.getByRole("option", { name: /nightly/ }).first().click();
  await page.waitForURL(/deployments/);
  await page.keyboard.press("t");
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "light");
  await page.keyboard.press("t");
  await page.reload();
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "dark");
}

async function serverMayRestart(page) {
  const id = await create("steady-heron");
  await page.goto(`${url}/runs?flow=made-here`);
  await row(page, "steady-heron").waitFor(WAIT);
  play.isOutage = true;
  await ask("stop");
  await page.getByText("The server does not answer").waitFor(WAIT);
  await row(page, "steady-heron").waitFor(WAIT);
  await ask("start");
  await page.getByText("Connected again").waitFor({ timeout: 60_000 });
  await propose(id, "STATE_TYPE_FAILED");
  await row(page, "steady-heron").getByText("Failed").waitFor(WAIT);
  play.isOutage = false;
  await create("after-the-storm");
  await row(page, "after-the-storm").waitFor(WAIT);
}

async function pagesAreAccessible(browser) {
  const runs = await found({ flow_names: ["weather"], state_types: ["STATE_TYPE_COMPLETED"] });
  const [after, before] = runs.map((run) => run.flow_run_id);
  const flaky = await firstTask(before, "flaky");
  await checked(browser, url, pictures, {
    dashboard: "/",
    runs: "/runs",
    "task-runs": "/runs?kind=tasks",
    run: `/runs/${before}?task=${flaky}`,
    graph: `/runs/${before}?view=graph`,
    tasks: `/runs/${before}?tab=tasks`,
    logs: `/runs/${before}?tab=logs`,
    artifacts: `/runs/${before}?tab=artifacts`,
    states: `/runs/${before}?tab=states`,
    "task-run": `/task-runs/${flaky}`,
    compare: `/runs/compare?a=${before}&b=${after}&tab=logs`,
  });
}

const browser = await launch(executablePath, pictures);
try {
  const page = await open(browser, "light", 1440);
  for (const part of [
    dashboardIsLive,
    runsAreFilteredAndChanged,
    runIsDrawn,
    runIsChanged,
    twoRunsAreCompared,
    keysAndSearchWork,
  ]) {
    const began = Date.now();
    await part(page);
    console.log(`${part.name}: fine, ${Date.now() - began} ms`);
  }
  await pagesAreAccessible(browser);
  await serverMayRestart(page);
  console.log("serverMayRestart: fine");
} finally {
  await browser.close();
}
assert.deepEqual(faults, []);
process.exit(0);
