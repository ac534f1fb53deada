// What the drivers have in common: a browser, faults that it tells, and questions to the test that started the driver.

import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";

export const require = createRequire(new URL("../../../gateway/ui/package.json", import.meta.url));
const { chromium } = require("playwright-core");

export const WAIT = { timeout: 60_000 };

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

/** Prints what open pages say, after a play went wrong. */
export async function tellPages(browser) {
  for (const context of browser.contexts())
    for (const page of context.pages()) {
      const text = await page.locator("body").innerText();
      // A line with an "@" in front would be a question to the test.
      console.log(page.url(), text.replaceAll(/^@/gm, " @"));
    }
}

/** The row of a table that holds some words. */
export const row = (page, words) => page.locator("tbody tr", { hasText: words });
export const button = (scope, name) => scope.getByRole("button", { name, exact: true });
export const dialog = (page) => page.getByRole("dialog");
export const heading = (page, name) => page.getByRole("heading", { level: 1, name, exact: true }).waitFor(WAIT);
export const list = (page, name) => page.getByRole("list", { name, exact: true });

/** Returns what calls the HTTP API of a server, and fails where it refuses. */
export const apiOf =
  (url, headers = {}) =>
  async (method, path, body) => {
    const answer = await fetch(url + path, {
      method,
      headers: { "content-type": "application/json", ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${await answer.text()}`);
    return answer.json();
  };

/** Sizes and themes in which pages are looked at. */
const LOOKS = [
  ["light", 1440],
  ["dark", 1440],
  ["light", 390],
  ["dark", 390],
];

/**
 * Goes to pages in both themes, wide and on a phone: takes pictures, and counts as faults what is not accessible, and
 * what is wider than the window.
 *
 * @param pages Paths by the name of the picture.
 */
export async function checked(browser, url, pictures, pages) {
  const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
  for (const [theme, width] of LOOKS) {
    const page = await open(browser, theme, width);
    for (const [name, path] of Object.entries(pages)) {
      const where = `${name} ${theme} ${width}`;
      await page.goto(url + path);
      await page.locator("main h1").first().waitFor(WAIT);
      await page.locator(".loading").first().waitFor({ ...WAIT, state: "detached" });
      // A canvas is empty until its drawing was laid out.
      if ((await page.locator("canvas[data-drawn]").count()) > 0) {
        await page.locator('canvas[data-drawn]:not([data-drawn="0"])').waitFor(WAIT);
        await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
      }
      // What draws charts is loaded by itself.
      if ((await page.locator("[style*=min-height] + .legend > .legend-item").count()) > 0) await page.locator(".uplot canvas").first().waitFor(WAIT);
      await page.screenshot({ path: join(pictures, `${name}-${theme}-${width}.png`) });
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      if (overflow > 0) faults.push(`${where}: ${overflow} px wider than the window`);
      // Colours were looked at in the wide pages, and what a phone shows in the light ones.
      if (theme === "dark" && width === 390) continue;
      // Through the protocol of the debugger: the page's own rules forbid scripts of others.
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => window.axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21aa"] }));
      for (const { impact, help, nodes } of violations)
        if (["serious", "critical"].includes(impact))
          faults.push(`${where}: ${help}: ${nodes.map((node) => node.html).slice(0, 3).join(" | ")}`);
    }
    await page.context().close();
  }
}
