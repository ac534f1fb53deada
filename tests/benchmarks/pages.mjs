// Measures pages in a real browser. Run by pages.py: node pages.mjs <url> <browser> <graph run> <log run> <rounds>
//
// Prints one line of JSON: milliseconds (medians), frames a second, kilobytes.

import { createRequire } from "node:module";

const require = createRequire(new URL("../../gateway/ui/package.json", import.meta.url));
const { chromium } = require("playwright-core");
const [url, executablePath, graphRun, logRun, rounds] = process.argv.slice(2);
const WAIT = { timeout: 60_000 };

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
const frame = (page) => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done))));

async function painted(browser, path, isThere) {
  const taken = [];
  for (let round = 0; round < Number(rounds); round++) {
    // A browser that was never here: nothing is in its cache.
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
    const page = await context.newPage();
    const began = performance.now();
    await page.goto(url + path, { waitUntil: "commit" });
    await isThere(page);
    await frame(page);
    taken.push(performance.now() - began);
    await context.close();
  }
  return Math.round(median(taken));
}

async function panned(page) {
  const box = await page.locator(".canvas-frame canvas").boundingBox();
  const middle = [box.x + box.width / 2, box.y + box.height / 2];
  await page.mouse.move(...middle);
  await page.mouse.down();
  await page.evaluate(() => {
    const counted = { frames: 0, isOn: true, began: performance.now(), longest: 0, last: performance.now() };
    window.counted = counted;
    const tick = (at) => {
      if (!counted.isOn) return;
      counted.frames += 1;
      counted.longest = Math.max(counted.longest, at - counted.last);
      counted.last = at;
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  });
  for (let step = 0; step < 120; step++) await page.mouse.move(middle[0] + Math.sin(step / 8) * 200, middle[1] + Math.cos(step / 8) * 120);
  const found = await page.evaluate(() => {
    window.counted.isOn = false;
    return (window.counted.frames * 1000) / (performance.now() - window.counted.began);
  });
  await page.mouse.up();
  return Math.round(found);
}

async function api(path, body) {
  const answer = await fetch(url + path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`);
  return answer.json();
}

/** Returns how long after a change was asked for an open page shows some words. */
async function shown(page, words, change) {
  const waiting = page.evaluate(
    (text) =>
      new Promise((done) => {
        const look = () => {
          if (!document.getElementById("main").textContent.includes(text)) return;
          watcher.disconnect();
          // In the frame behind the change it is seen.
          requestAnimationFrame(() => setTimeout(() => done(Date.now())));
        };
        const watcher = new MutationObserver(look);
        watcher.observe(document.body, { childList: true, subtree: true, characterData: true });
        window.isWatching = true;
      }),
    words,
  );
  await page.waitForFunction(() => window.isWatching === true);
  const began = Date.now();
  await change();
  const at = await waiting;
  await page.evaluate(() => (window.isWatching = false));
  return at - began;
}

/** Measures how soon changes are on open pages. */
async function changes(browser) {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  const taken = { dashboard: [], list: [], run: [], line: [] };
  for (let round = 0; round < Number(rounds) * 2; round++) {
    const mark = `${Date.now()}-${round}`;
    const create = (name) => api("/v1/flow-runs", { flow_name: "made-here", name, state: { type: "STATE_TYPE_RUNNING" } });
    const settled = () => page.waitForTimeout(2_500);
    await page.goto(`${url}/`);
    await page.getByRole("region", { name: /Failures/ }).locator("li").first().waitFor(WAIT);
    await settled();
    taken.dashboard.push(await shown(page, `seen-${mark}`, () => create(`seen-${mark}`)));
    await page.goto(`${url}/runs`);
    await page.locator("tbody tr").first().waitFor(WAIT);
    await settled();
    let made;
    taken.list.push(await shown(page, `listed-${mark}`, async () => (made = (await create(`listed-${mark}`)).flow_run.flow_run_id)));
    await page.goto(`${url}/runs/${made}?tab=logs`);
    await page.locator(".run-head .state").waitFor(WAIT);
    await settled();
    const record = { flow_run_id: made, level: 20, message: `line-${mark}` };
    taken.line.push(await shown(page, `line-${mark}`, () => api("/v1/logs", { records: [record] })));
    const end = { type: "STATE_TYPE_FAILED", message: `over-${mark}` };
    taken.run.push(await shown(page, `over-${mark}`, () => api(`/v1/flow-runs/${made}:propose`, { state: end, force: true })));
  }
  await page.close();
  return Object.fromEntries(Object.entries(taken).map(([name, values]) => [`change_on_${name}_ms`, median(values)]));
}

const browser = await chromium.launch({
  executablePath,
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"],
});
const found = {};
try {
  // A page without an application, for comparison: what the machine and the browser take by themselves.
  await painted(browser, "/docs", (page) => page.locator("h1").first().waitFor(WAIT));
  found.plain_page_ms = await painted(browser, "/docs", (page) => page.locator("h1").first().waitFor(WAIT));
  found.dashboard_ms = await painted(browser, "/", (page) =>
    page.getByRole("region", { name: /Failures/ }).locator("li").first().waitFor(WAIT),
  );
  found.dashboard_with_chart_ms = await painted(browser, "/", (page) => page.locator(".chart canvas").first().waitFor(WAIT));
  found.runs_ms = await painted(browser, "/runs", (page) => page.locator("tbody tr").first().waitFor(WAIT));
  found.runs_with_charts_ms = await painted(browser, "/runs", (page) => page.locator(".chart canvas").nth(1).waitFor(WAIT));
  found.run_ms = await painted(browser, `/runs/${graphRun}`, (page) => page.locator(".run-head .state").waitFor(WAIT));
  found.run_drawn_whole_ms = await painted(browser, `/runs/${graphRun}`, (page) =>
    page.locator('canvas[data-drawn="10000"]').waitFor(WAIT),
  );
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  const sizes = [];
  page.on("requestfinished", (request) => {
    if (new URL(request.url()).pathname.endsWith(".js")) sizes.push(request.sizes().then((size) => size.responseBodySize));
  });
  await page.goto(`${url}/`, { waitUntil: "load" });
  await page.locator(".chart canvas").first().waitFor(WAIT);
  found.first_page_js_kb = Math.round((await Promise.all(sizes)).reduce((sum, size) => sum + size, 0) / 1000);
  await page.goto(`${url}/runs/${graphRun}`);
  await page.locator('canvas[data-drawn="10000"]').waitFor(WAIT);
  found.timeline_pan_fps = await panned(page);
  await page.getByRole("button", { name: "Dependencies" }).click();
  await frame(page);
  found.graph_pan_fps = await panned(page);
  for (let step = 0; step < 12; step++) await page.getByRole("button", { name: "Closer" }).click();
  found.graph_close_pan_fps = await panned(page);
  const tails = [];
  for (let round = 0; round < Number(rounds); round++) {
    await page.goto(`${url}/runs/${logRun}`);
    await page.getByRole("tab", { name: "Logs" }).waitFor(WAIT);
    await page.locator(".panel").first().waitFor(WAIT);
    const began = performance.now();
    await page.getByRole("tab", { name: "Logs" }).click();
    await page.locator(".line", { hasText: "Row 999999 of" }).waitFor(WAIT);
    await frame(page);
    tails.push(performance.now() - began);
  }
  found.log_tail_ms = Math.round(median(tails));
  await page.close();
  Object.assign(found, await changes(browser));
} finally {
  await browser.close();
}
console.log(JSON.stringify(found));
process.exit(0);
