// Drives the pages in a real browser. Run by test_pages.py: node drive_played.mjs <url> <flow run id> <browser> <folder for pictures>
//
// Asks the test to stop and start the server with lines "@stop" and "@start" on standard output, and waits for a line back.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { WAIT, ask, faults, launch, open, play, require, row } from "./browser.mjs";

const [url, runId, executablePath, pictures] = process.argv.slice(2);
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

async function api(method, path, body) {
  const answer = await fetch(url + path, {
    method,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  assert.ok(answer.ok, await answer.clone().text());
  return answer.json();
}

const create = (name, type = "STATE_TYPE_RUNNING") =>
  api("POST", "/v1/flow-runs", { flow_name: "made-here", name, state: { type } }).then((answer) => answer.flow_run.flow_run_id);
const propose = (id, type) => api("POST", `/v1/flow-runs/${id}:propose`, { state: { type } });

async function runsAreLive(page) {
  await page.goto(`${url}/runs`);
  await row(page, "merry-mallard").waitFor(WAIT);
  const id = await create("fresh-finch");
  const started = Date.now();
  await row(page, "fresh-finch").waitFor(WAIT);
  console.log(`a new run showed up after ${Date.now() - started} ms`);
  await row(page, "fresh-finch").getByText("Running").waitFor(WAIT);
  await page.getByRole("button", { name: "Running" }).click();
  await page.waitForURL(/state=running/);
  await row(page, "calm-otter").waitFor({ ...WAIT, state: "detached" });
  await propose(id, "STATE_TYPE_FAILED");
  await row(page, "fresh-finch").waitFor({ ...WAIT, state: "detached" });
  await page.getByRole("button", { name: "Failed" }).click();
  await page.reload();
  await row(page, "fresh-finch").getByText("Failed").waitFor(WAIT);
  await page.getByRole("link", { name: "Show all" }).click();
  await page.getByRole("searchbox").fill("otter");
  await page.waitForURL(/text=otter/);
  await row(page, "brisk-lynx").waitFor({ ...WAIT, state: "detached" });
  await page.getByRole("searchbox").fill("nobody-is-called-so");
  await page.getByText("No run fits these filters").waitFor(WAIT);
}

async function runIsLive(page) {
  await page.goto(`${url}/runs/${runId}`);
  await page.getByRole("row", { name: /summarise-3/ }).waitFor(WAIT);
  assert.equal(await page.locator(".task-list .bar").count(), 16);
  await page.getByRole("tab", { name: "Logs" }).click();
  await page.waitForURL(/tab=logs/);
  await page.getByText("Downloading 299 rows").waitFor(WAIT);
  const started = Date.now();
  const lines = [{ flow_run_id: runId, level: 40, message: "\u001b[31mthe last straw\u001b[0m" }];
  await api("POST", "/v1/logs", { records: lines });
  await page.getByText("the last straw", { exact: true }).waitFor(WAIT);
  console.log(`a log record showed up after ${Date.now() - started} ms`);
  await page.getByLabel("Level").selectOption({ label: "Errors" });
  await page.getByText("Downloading 299 rows").waitFor({ ...WAIT, state: "detached" });
  await page.getByText("the last straw", { exact: true }).waitFor(WAIT);
  await page.getByRole("tab", { name: "Artifacts" }).click();
  await page.getByRole("cell", { name: "February" }).waitFor(WAIT);
  await page.getByRole("heading", { name: "Seattle" }).waitFor(WAIT);
  assert.equal(await page.locator(".artifact script").count(), 0);
  await page.waitForFunction(() => document.querySelector("img.picture")?.naturalWidth === 2);
  await page.getByRole("tab", { name: "Parameters" }).click();
  await page.getByText('"station": "Seattle"').waitFor(WAIT);

  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("button", { name: "Cancel the run" }).click();
  await page.locator(".run-head .state", { hasText: "Cancelling" }).waitFor(WAIT);
  await page.getByText("The run was asked to stop").waitFor(WAIT);
  await propose(runId, "STATE_TYPE_CANCELLED");
  await page.getByRole("button", { name: "Retry" }).waitFor(WAIT);
  await page.getByRole("tab", { name: "States" }).click();
  await page.locator(".history .state", { hasText: "Cancelled" }).waitFor(WAIT);
  // Somebody else retries it: the page goes on by itself.
  await api("POST", `/v1/flow-runs/${runId}:retry`, {});
  await page.locator(".run-head .state", { hasText: "Scheduled" }).waitFor(WAIT);
  await propose(runId, "STATE_TYPE_RUNNING");
  await page.locator(".run-head .state", { hasText: "Running" }).waitFor(WAIT);

  await page.goto(`${url}/runs/019ab000-0000-7000-8000-ffffffffffff`);
  play.isOutage = true;
  await page.getByText("There is no such run").waitFor(WAIT);
  play.isOutage = false;
}

async function deploymentsRun(page) {
  await page.goto(`${url}/deployments`);
  await page.getByRole("button", { name: "Run daily" }).click();
  const field = page.getByLabel("Parameters as JSON");
  assert.equal(JSON.parse(await field.inputValue()).station, "Seattle");
  await field.fill("[1]");
  await page.getByRole("button", { name: "Run", exact: true }).click();
  await page.getByText("Parameters are an object").waitFor(WAIT);
  await field.fill('{"station": "Oslo"}');
  await page.getByRole("button", { name: "Run", exact: true }).click();
  await page.getByRole("heading", { name: "quick-heron" }).waitFor(WAIT);
  await page.getByRole("tab", { name: "Parameters" }).click();
  await page.getByText('"station": "Oslo"').waitFor(WAIT);
  await page.goto(`${url}/deployments`);
  await page.getByRole("button", { name: "Pause the schedules of daily" }).click();
  await page.getByRole("button", { name: "Resume the schedules of daily" }).waitFor(WAIT);
}

async function keysWork(page) {
  await page.goto(`${url}/runs`);
  await row(page, "merry-mallard").waitFor(WAIT);
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keys" }).waitFor(WAIT);
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ ...WAIT, state: "detached" });
  await page.keyboard.press("g");
  await page.keyboard.press("w");
  await page.getByRole("heading", { name: "Work pools", exact: true }).waitFor(WAIT);
  await row(page, "mill-2").getByText("Offline").waitFor(WAIT);
  await page.keyboard.press("t");
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "light");
  await page.keyboard.press("t");
  await page.reload();
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "dark");
}

async function serverMayRestart(page) {
  await page.goto(`${url}/runs`);
  await row(page, "merry-mallard").waitFor(WAIT);
  play.isOutage = true;
  await ask("stop");
  await page.getByText("The server does not answer").waitFor(WAIT);
  await row(page, "merry-mallard").waitFor(WAIT);
  await ask("start");
  await page.getByText("Connected again").waitFor({ timeout: 30_000 });
  // Made while nobody was connected to hear of it.
  await row(page, "made-while-away").waitFor(WAIT);
  play.isOutage = false;
  await create("after-the-storm");
  await row(page, "after-the-storm").waitFor(WAIT);
}

const PAGES = {
  runs: "/runs",
  run: `/runs/${runId}`,
  logs: `/runs/${runId}?tab=logs`,
  artifacts: `/runs/${runId}?tab=artifacts`,
  states: `/runs/${runId}?tab=states`,
  deployments: "/deployments",
  pools: "/work-pools",
  docs: "/docs",
};

async function pagesAreAccessible(browser, theme, width) {
  const page = await open(browser, theme, width);
  for (const [name, path] of Object.entries(PAGES)) {
    await page.goto(url + path);
    await page.locator("main h1").first().waitFor(WAIT);
    await page.locator(".loading").first().waitFor({ ...WAIT, state: "detached" });
    await page.screenshot({ path: join(pictures, `${name}-${theme}-${width}.png`) });
    // Through the protocol of the debugger: the page's own rules forbid scripts of others.
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => window.axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21aa"] }));
    for (const violation of violations)
      if (["serious", "critical"].includes(violation.impact))
        faults.push(`${name} ${theme} ${width}: ${violation.help}: ${violation.nodes.map((node) => node.html).slice(0, 3).join(" | ")}`);
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    if (overflow > 0) faults.push(`${name} ${theme} ${width}: ${overflow} px wider than the window`);
  }
  await page.context().close();
}

const browser = await launch(executablePath, pictures);
try {
  const page = await open(browser, "light", 1440);
  for (const part of [runsAreLive, runIsLive, deploymentsRun, keysWork]) {
    await part(page);
    console.log(`${part.name}: fine`);
  }
  for (const theme of ["light", "dark"]) for (const width of [1440, 390]) await pagesAreAccessible(browser, theme, width);
  await serverMayRestart(page);
  console.log("serverMayRestart: fine");
} finally {
  await browser.close();
}
assert.deepEqual(faults, []);
process.exit(0);
