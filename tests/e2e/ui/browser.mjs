// What the drivers have in common: a browser, faults that it tells, and questions to the test that started the driver.

import { mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

export const require = createRequire(new URL("../../../gateway/ui/package.json", import.meta.url));
const { chromium } = require("playwright-core");

export const WAIT = { timeout: 30_000 };

/** What the browser complained about; a driver that ends well leaves it empty. */
export const faults = [];
/** While an outage is part of the play, complaints about it are not faults. */
export const play = { isOutage: false };

const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** Asks the test for something and returns once it is done. */
export async function ask(what) {
  console.log(`@${what}`);
  await answers.next();
}

export async function launch(executablePath, pictures) {
  mkdirSync(pictures, { recursive: true });
  return chromium.launch({
    executablePath,
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"].concat(
      ["--disable-background-networking", "--disable-component-update", "--disable-sync"],
    ),
  });
}

export async function open(browser, theme, width) {
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme: theme });
  const page = await context.newPage();
  page.on("pageerror", (error) => faults.push(`${page.url()}: ${error.message}`));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type()) && !play.isOutage) faults.push(`${page.url()}: ${message.text()}`);
  });
  return page;
}

/** The row of a table that holds some words. */
export const row = (page, words) => page.locator("tbody tr", { hasText: words });
