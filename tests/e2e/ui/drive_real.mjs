// Drives the pages over a real server. Run by test_real_runs.py: node drive_real.mjs <url> <browser> <folder for pictures>
//
// Asks the test to start scripts with lines such as "@shown" on standard output, and waits for a line back.

import assert from "node:assert/strict";
import { join } from "node:path";
import { WAIT, ask, faults, launch, open, row } from "./browser.mjs";

const [url, executablePath, pictures] = process.argv.slice(2);
const head = (page, state) => page.locator(".run-head .state", { hasText: state });

async function aScriptIsSeenFromStartToEnd(page) {
  await page.goto(`${url}/runs?text=shown`);
  await page.getByRole("heading", { name: "Runs", exact: true }).waitFor(WAIT);
  await ask("shown");
  await row(page, "shown").getByText("Running").waitFor(WAIT);
  await row(page, "shown").getByRole("link").first().click();
  await head(page, "Running").waitFor(WAIT);
  await page.getByRole("tab", { name: "Tasks" }).click();
  await page.getByRole("row", { name: /wait_for.*Running/ }).waitFor(WAIT);
  await page.screenshot({ path: join(pictures, "real-run-running.png") });
  await page.getByRole("tab", { name: "Logs" }).click();
  await page.getByText("measured 2", { exact: true }).waitFor(WAIT);
  await page.getByRole("tab", { name: "Artifacts" }).click();
  await page.getByText("No artifacts").waitFor(WAIT);
  await ask("gate");
  // Nothing is clicked or loaded again from here on.
  await page.getByRole("columnheader", { name: "square" }).waitFor(WAIT);
  await page.getByText("The sum is 3.").waitFor(WAIT);
  await head(page, "Completed").waitFor(WAIT);
  await page.getByRole("tab", { name: "Tasks" }).click();
  await page.getByRole("row", { name: /wait_for.*Completed/ }).waitFor(WAIT);
  await page.getByRole("tab", { name: "States" }).click();
  await page.locator(".history .state", { hasText: "Completed" }).waitFor(WAIT);
  assert.ok((await page.locator(".history .state", { hasText: "Running" }).count()) >= 1);
  await page.screenshot({ path: join(pictures, "real-run-completed.png") });
}

async function aFailureSaysWhy(page) {
  await page.goto(`${url}/runs?text=broken&state=failed`);
  await ask("broken");
  await row(page, "broken").getByRole("link").first().click();
  await head(page, "Failed").waitFor(WAIT);
  await page.locator(".state-message", { hasText: "nothing works today" }).waitFor(WAIT);
  await page.getByRole("tab", { name: "States" }).click();
  await page.getByRole("tabpanel").getByText("Traceback (most recent call last)").waitFor(WAIT);
  await page.screenshot({ path: join(pictures, "real-run-failed.png") });
}

async function aDeploymentIsRunFromThePage(page) {
  await page.goto(`${url}/deployments`);
  await page.getByRole("heading", { name: "Deployments", exact: true }).waitFor(WAIT);
  await ask("served");
  await row(page, "shown-here").getByText("Ready").waitFor(WAIT);
  await page.getByRole("button", { name: "Run shown-here" }).click();
  await page.getByRole("button", { name: "JSON" }).click();
  await page.getByLabel("Parameters as JSON").fill('{"count": 5}');
  await page.getByRole("dialog").getByRole("button", { name: "Run", exact: true }).click();
  await head(page, "Completed").waitFor(WAIT);
  await page.getByRole("tab", { name: "Tasks" }).click();
  await page.getByRole("row", { name: /measure-4.*Completed/ }).waitFor(WAIT);
  await page.getByRole("tab", { name: "Parameters" }).click();
  await page.getByText('"count": 5').waitFor(WAIT);
  await page.goto(`${url}/deployments`);
  await row(page, "shown-here").waitFor(WAIT);
  await page.screenshot({ path: join(pictures, "real-deployments.png") });
}

async function aRunIsCancelledFromThePage(page) {
  await page.getByRole("button", { name: "Run shown-here" }).click();
  await page.getByRole("button", { name: "JSON" }).click();
  await page.getByLabel("Parameters as JSON").fill('{"gate": "never-there"}');
  await page.getByRole("dialog").getByRole("button", { name: "Run", exact: true }).click();
  await page.getByRole("tab", { name: "Tasks" }).click();
  await page.getByRole("row", { name: /wait_for.*Running/ }).waitFor(WAIT);
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("button", { name: "Cancel the run" }).click();
  await head(page, "Cancelled").waitFor(WAIT);
  await page.getByRole("button", { name: "Retry" }).waitFor(WAIT);
}

async function aWorkerIsSeen(page) {
  await page.goto(`${url}/work-pools`);
  await page.getByRole("heading", { name: "Work pools", exact: true }).waitFor(WAIT);
  await ask("worker");
  await row(page, "mill-of-the-page").first().waitFor(WAIT);
  await page.getByRole("table", { name: "Workers" }).getByText("Online").first().waitFor(WAIT);
  await page.screenshot({ path: join(pictures, "real-pools.png") });
}

const browser = await launch(executablePath, pictures);
try {
  const page = await open(browser, "light", 1440);
  for (const part of [
    aScriptIsSeenFromStartToEnd,
    aFailureSaysWhy,
    aDeploymentIsRunFromThePage,
    aRunIsCancelledFromThePage,
    aWorkerIsSeen,
  ]) {
    await part(page);
    console.log(`${part.name}: fine`);
  }
} finally {
  await browser.close();
}
assert.deepEqual(faults, []);
process.exit(0);
