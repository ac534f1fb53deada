// Signs in with a provider, in a browser. Run by test_sign_in.py:
// node drive_sign_in.mjs <url> <file with the address of a waiting program> <browser> <folder for pictures>

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { WAIT, ask, faults, launch, open, play, tellPages } from "./browser.mjs";

const [url, waiting, executablePath, pictures] = process.argv.slice(2);
// Refusals are part of the play, and browsers complain about each of them.
play.isOutage = true;

async function signInAs(page, name) {
  await page.getByRole("button", { name: "Sign in with The company" }).click();
  await page.getByPlaceholder("Enter any login").fill(name);
  await page.getByPlaceholder("and password").fill("anything");
  await page.getByRole("button", { name: "Sign-in" }).click();
  await page.getByRole("button", { name: "Continue" }).click();
}

const sessions = async (page) => (await page.context().cookies(url)).filter(({ name }) => name === "headrace-session");

async function whoIsAskedComesBack(browser) {
  const page = await open(browser, "light", 1440);
  await page.goto(`${url}/variables?text=none`);
  await page.getByRole("heading", { name: "Sign in" }).waitFor(WAIT);
  await page.screenshot({ path: join(pictures, "sign-in.png") });
  await signInAs(page, "admin-ada");
  await page.getByRole("heading", { name: "Variables" }).waitFor(WAIT);
  assert.equal(new URL(page.url()).search, "?text=none");
  const [session, ...more] = await sessions(page);
  assert.equal(more.length, 0);
  assert.equal(session.httpOnly, true);
  assert.equal(session.sameSite, "Lax");
  assert.ok(!(await page.evaluate(() => document.cookie)).includes("headrace-session"));
  assert.equal(await page.evaluate(() => sessionStorage.getItem("headrace-sign-in")), null);
  const me = await page.evaluate(async () => (await fetch("/v1/me")).json());
  assert.equal(me.display_name, "The admin-ada");
  assert.ok(me.permissions.length > 20, "the group gave a role");
  return page;
}

async function keysOfTheProviderChange(browser) {
  await ask("rotate");
  const page = await open(browser, "light", 1440);
  await page.goto(`${url}/sign-in?next=${encodeURIComponent("https://elsewhere.example/")}`);
  await signInAs(page, "staff-bob");
  await page.waitForURL(`${url}/`, WAIT);
  const me = await page.evaluate(async () => (await fetch("/v1/me")).json());
  assert.equal(me.display_name, "The staff-bob");
  assert.equal(me.permissions?.length ?? 0, 0, "the group gave no role");
  await page.context().close();
}

async function nobodyIsSignedInByALink(browser) {
  const page = await open(browser, "light", 1440);
  await page.goto(`${url}/sign-in/callback?code=stolen&state=guessed`);
  await page.getByText("It was not begun in this tab.").waitFor(WAIT);
  await page.goto(`${url}/sign-in`);
  await signInAs(page, "unverified-eve");
  await page.getByText("no verified e-mail address").waitFor(WAIT);
  assert.equal((await sessions(page)).length, 0);
  await page.context().close();
}

async function aProgramIsLetIn(page) {
  for (const form of ["device", "loopback"]) {
    await ask(form);
    await page.goto(readFileSync(waiting, "utf8"));
    await page.getByText("wants to act for you").waitFor(WAIT);
    await page.screenshot({ path: join(pictures, `sign-in-${form}.png`) });
    await page.getByRole("button", { name: "Let it in" }).click();
    await page.getByText(form === "device" ? "The program is in" : "Back in the terminal").waitFor(WAIT);
    await ask("done");
  }
}

const browser = await launch(executablePath, pictures);
try {
  const page = await whoIsAskedComesBack(browser);
  await aProgramIsLetIn(page);
  await keysOfTheProviderChange(browser);
  await nobodyIsSignedInByALink(browser);
  assert.deepEqual(faults, []);
} catch (error) {
  await tellPages(browser);
  throw error;
} finally {
  await browser.close();
}
process.exit(0);
