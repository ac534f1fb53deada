// Drives webhooks, calendars and settings over a server that asks people to sign in. Run by test_settings.py:
// node drive_settings.mjs <url> <key of the owner> <password of the owner> <browser> <folder for pictures>

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { join } from "node:path";
import decodeQR from "../../../gateway/ui/node_modules/qr/decode.js";
import { WAIT, apiOf, button, dialog, faults, heading, launch, list, open, play, row, tellPages } from "./browser.mjs";

const [url, key, password, executablePath, pictures] = process.argv.slice(2);
const api = apiOf(url, { authorization: `Bearer ${key}` });
const part = async (page, name) => {
  await page.getByRole("navigation", { name: "Settings" }).getByRole("link", { name, exact: true }).click();
};
const gone = (locator) => locator.waitFor({ ...WAIT, state: "detached" });
const item = (page, name, words) => list(page, name).getByRole("listitem").filter({ hasText: words });

async function signIn(page, code) {
  await page.goto(`${url}/settings?tab=you`);
  await page.getByLabel("E-mail address").fill("ada@example.org");
  await page.getByLabel("Password").fill(password);
  await button(page, "Sign in").click();
  if (code !== undefined) {
    await page.getByLabel("One-time code").fill(code());
    await button(page, "Sign in").click();
  }
  await heading(page, "Settings");
}

/** The code that an app shows now. */
function codeOf(secret) {
  const bits = [...secret].map((letter) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0")).join("");
  const bytes = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const hash = createHmac("sha1", bytes).update(counter).digest();
  const number = hash.readUInt32BE(hash[19] & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, "0");
}

/** Reads a drawn QR code as a phone does: from the colours of its squares. */
async function readCode(svg) {
  const size = Number((await svg.getAttribute("viewBox")).split(" ")[2]);
  const scale = 4;
  const width = size * scale;
  const data = new Uint8ClampedArray(width * width * 4).fill(255);
  const drawn = await svg.locator('path[fill="#000"]').getAttribute("d");
  for (const [, x, y] of drawn.matchAll(/M(\d+) (\d+)h1v1h-1z/g))
    for (let row = 0; row < scale; row++)
      for (let column = 0; column < scale; column++)
        data.fill(0, ((y * scale + row) * width + x * scale + column) * 4, ((y * scale + row) * width + x * scale + column) * 4 + 3);
  return decodeQR({ width, height: width, data });
}

async function webhooksTakeCalls(page) {
  await page.goto(`${url}/webhooks`);
  await page.locator(".empty pre", { hasText: "headrace webhook create" }).waitFor(WAIT);
  await button(page, "New webhook").click();
  await dialog(page).getByLabel("Name*", { exact: true }).fill("deploys");
  await dialog(page).getByLabel("Name of the event*").fill("deploy.{{ request.body.stage }}");
  await button(dialog(page), "Save").click();
  const made = page.getByRole("dialog", { name: "The secret of deploys" });
  await made.waitFor(WAIT);
  const secret = await made.locator(".once code").textContent();
  await button(made, "I have kept it").click();
  await heading(page, "deploys");
  await page.locator(".page-head").getByText("Never called").waitFor(WAIT);
  const { webhooks } = await api("GET", "/v1/webhooks");
  const answer = await fetch(`${url}/hooks/${webhooks[0].slug}`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-headrace-token": secret },
    body: '{"stage": "production"}',
  });
  assert.ok(answer.ok, await answer.text());
  // What a call became shows up by itself.
  await list(page, "Events").getByText("deploy.production").waitFor(WAIT);
  await page.locator(".page-head").getByText("Takes calls").waitFor(WAIT);
  await page.screenshot({ path: join(pictures, "webhook.png") });
  await button(page, "New secret").click();
  await button(dialog(page), "Make another secret").click();
  const other = page.getByRole("dialog", { name: "The secret of deploys" });
  assert.notEqual(await other.locator(".once code").textContent(), secret);
  await button(other, "I have kept it").click();
  await button(page, "Change").click();
  await dialog(page).getByLabel("What it is for").fill("Tells what was deployed.");
  await button(dialog(page), "Save").click();
  await page.getByText("Tells what was deployed.").waitFor(WAIT);
  await button(page, "Pause").click();
  await page.locator(".page-head").getByText("Paused").waitFor(WAIT);
  await page.goto(`${url}/webhooks?text=nothing`);
  await page.getByText("No webhook is called so").waitFor(WAIT);
  await page.getByRole("link", { name: "Show all webhooks" }).click();
  await row(page, "deploys").getByText("Paused").waitFor(WAIT);
  await button(page, "Resume deploys").click();
  await row(page, "deploys").getByText("Takes calls").waitFor(WAIT);
  await row(page, "deploys").getByRole("link").click();
  await button(page, "Delete").click();
  await dialog(page).getByRole("textbox").fill("deploys");
  await button(dialog(page), "Delete the webhook").click();
  await page.getByText("No webhooks yet").waitFor(WAIT);
}

async function calendarsTakeDaysOut(page) {
  await page.goto(`${url}/calendars`);
  await page.locator(".empty pre", { hasText: "headrace calendar set" }).waitFor(WAIT);
  await button(page, "New calendar").click();
  await dialog(page).getByLabel("Name*").fill("holidays");
  await dialog(page).getByLabel("Sunday").check();
  await dialog(page).getByLabel("No runs on these days", { exact: true }).fill("12-25\nsomeday");
  await dialog(page).getByText("someday is no day").waitFor(WAIT);
  await dialog(page).getByLabel("No runs on these days", { exact: true }).fill("12-25\n2027-04-05");
  await button(dialog(page), "Add a span").click();
  await dialog(page).getByLabel("From*").fill("2027-08-02T08:00");
  await dialog(page).getByLabel("Until*").fill("2027-08-04T20:00");
  await button(dialog(page), "Save").click();
  await heading(page, "holidays");
  await page.goto(`${url}/calendars/holidays?year=2027`);
  const year = page.getByRole("region", { name: "Days of 2027 without runs" });
  // 52 Sundays, a Monday in April, the 25th of December, and three days in August of which a part is out.
  await year.locator(".year-off").nth(56).waitFor(WAIT);
  assert.equal(await year.locator(".year-off.state-failed").count(), 54);
  assert.equal(await year.locator(".year-off.state-scheduled").count(), 3);
  await page.screenshot({ path: join(pictures, "calendar.png") });
  await button(page, "Delete").click();
  await dialog(page).getByRole("textbox").fill("holidays");
  await button(dialog(page), "Delete the calendar").click();
  await page.getByText("No calendars yet").waitFor(WAIT);
}

async function theServerTellsOfItself(page) {
  await page.goto(`${url}/settings`);
  await page.getByText("Oldest client that it serves").waitFor(WAIT);
  await part(page, "Configuration");
  await page.getByLabel("Search settings").fill("encrypts secrets");
  await row(page, "HEADRACE_SERVER_ENCRYPTION_KEY").first().getByText("hidden").waitFor(WAIT);
  assert.ok(!(await page.content()).includes("1f1f1f1f"));
  await page.getByLabel("Search settings").fill("days that log records");
  await row(page, "HEADRACE_SERVER_LOG_RETENTION_DAYS").getByText("30", { exact: true }).waitFor(WAIT);
  await gone(row(page, "HEADRACE_SERVER_PORT"));
  await page.waitForURL(/text=days/);
  await part(page, "Storage");
  await row(page, "flow_run").first().waitFor(WAIT);
  await button(page, "New rule").click();
  await dialog(page).getByLabel("Only with the tag").fill("places");
  await dialog(page).getByLabel("Days").fill("30");
  await button(dialog(page), "Save").click();
  await list(page, "Rules").getByText("Flow runs with the tag places").waitFor(WAIT);
}

async function logsAreLimitedAndSentOn(page) {
  await part(page, "Logs");
  await page.getByText("as many as they like").waitFor(WAIT);
  await button(page, "Change").click();
  await dialog(page).getByLabel("Lines a second, by each server process").fill("500");
  await dialog(page).getByLabel("Megabytes a day").fill("20");
  await button(dialog(page), "Save").click();
  await page.getByText("500 lines a second").waitFor(WAIT);
  await page.getByText("20.0 MB a day").waitFor(WAIT);
  await button(page, "New rule").click();
  await dialog(page).getByLabel("Days").fill("2");
  await button(dialog(page), "Save").click();
  await item(page, "Rules for logs", "Debug and below").getByText("2 days").waitFor(WAIT);
  await button(page, "Remove the rule for Debug and below").click();
  await gone(item(page, "Rules for logs", "Debug and below"));
  await button(page, "Undo").click();
  await item(page, "Rules for logs", "Debug and below").waitFor(WAIT);
  await page.getByText("Lines stay here").waitFor(WAIT);
  await button(page, "New sink").click();
  await dialog(page).getByLabel("Name*").fill("archive");
  await dialog(page).getByLabel("Lines go to").selectOption({ label: "files on the server" });
  await button(dialog(page), "Save").click();
  const sink = item(page, "Sinks", "archive");
  await sink.getByText("all lines").waitFor(WAIT);
  await button(page, "Change archive").click();
  await dialog(page).getByLabel("Only", { exact: true }).selectOption({ label: "warning and above" });
  await button(dialog(page), "Save").click();
  await sink.getByText("warning and above").waitFor(WAIT);
  await button(page, "Pause archive").click();
  await sink.getByText("Paused").waitFor(WAIT);
  await button(page, "Delete archive").click();
  await dialog(page).getByRole("textbox").fill("archive");
  await button(dialog(page), "Delete the sink").click();
  await page.getByText("Lines stay here").waitFor(WAIT);
}

async function peopleComeAndGo(page) {
  await part(page, "People");
  await row(page, "ada@example.org").getByText("Active").waitFor(WAIT);
  await button(page, "Invite").click();
  await dialog(page).getByLabel("E-mail address*").fill("bob@example.org");
  await dialog(page).getByLabel("Role").selectOption("developer");
  await button(dialog(page), "Invite").click();
  await dialog(page).locator("code", { hasText: "/sign-in/invitation#" }).waitFor(WAIT);
  await button(dialog(page), "Close").last().click();
  await item(page, "Invited", "bob@example.org").getByText("developer").waitFor(WAIT);
  await button(page, "Take back the invitation of bob@example.org").click();
  await gone(item(page, "Invited", "bob@example.org"));
  await api("POST", "/v1/users", { email: "carol@example.org", display_name: "Carol" });
  await page.getByLabel("Search users").fill("carol");
  await row(page, "Carol").waitFor(WAIT);
  await gone(row(page, "ada@example.org"));
  await button(page, "Shut out Carol").click();
  await row(page, "Carol").getByText("Shut out", { exact: true }).first().waitFor(WAIT);
  await button(page, "Let in Carol").click();

  await part(page, "Teams");
  await page.locator(".empty pre", { hasText: "headrace team create" }).waitFor(WAIT);
  await button(page, "New team").click();
  await dialog(page).getByLabel("Handle*").fill("data");
  await button(dialog(page), "Save").click();
  await button(page, "data").click();
  await page.getByText("Nobody is in it yet.").waitFor(WAIT);
  await page.waitForURL(/team=data/);
  await page.getByLabel("Put somebody in").selectOption({ label: "Carol (carol@example.org)" });
  await button(page, "Put in").click();
  await list(page, "In data").getByText("carol@example.org").waitFor(WAIT);
  await button(page, "Take Carol out of data").click();
  await page.getByText("Nobody is in it yet.").waitFor(WAIT);
}

async function programsGetKeys(page) {
  await part(page, "Service accounts");
  await page.locator(".empty pre", { hasText: "headrace service-account create" }).waitFor(WAIT);
  await button(page, "New service account").click();
  await dialog(page).getByLabel("Handle*").fill("nightly");
  await button(dialog(page), "Make it").click();
  await page.getByText("Keys of nightly").waitFor(WAIT);
  await page.waitForURL(/account=nightly/);
  await button(page, "New key").click();
  await dialog(page).getByLabel("What it is for*").fill("worker on host a");
  await button(dialog(page), "Make the key").click();
  const made = await dialog(page).locator(".once code").textContent();
  const answer = await fetch(`${url}/v1/me`, { headers: { authorization: `Bearer ${made}` } });
  assert.equal((await answer.json()).display_name, "nightly");
  await button(dialog(page), "I have kept it").click();
  await row(page, "worker on host a").getByText("Works", { exact: true }).waitFor(WAIT);
  await button(page, "Replace worker on host a").click();
  await button(dialog(page), "Make another key").click();
  await button(dialog(page), "I have kept it").click();
  await row(page, "worker on host a").nth(1).waitFor(WAIT);
  await part(page, "Keys");
  await page.getByLabel("Search keys").fill("host a");
  await row(page, "worker on host a").first().getByText("nightly").waitFor(WAIT);
  await button(page, "Revoke worker on host a").first().click();
  await button(dialog(page), "Revoke the key").click();
  await row(page, "worker on host a").getByText("Revoked").waitFor(WAIT);
}

async function rolesAreGiven(page) {
  await part(page, "Roles");
  await item(page, "Roles", "comes with the server").first().waitFor(WAIT);
  await button(page, "New role").click();
  await dialog(page).getByLabel("Handle*").fill("on-call");
  await button(dialog(page), "Save").click();
  await dialog(page).getByText("Choose at least one permission.").waitFor(WAIT);
  await dialog(page).getByLabel("Runs view").check();
  await dialog(page).getByLabel("Logs view").check();
  await button(dialog(page), "Save").click();
  await item(page, "Roles", "on-call").getByText("2 permissions").waitFor(WAIT);
  await part(page, "Grants of roles");
  await row(page, "nightly").getByText("worker").waitFor(WAIT);
  await button(page, "Give a role").click();
  await dialog(page).getByLabel("To").selectOption({ label: "Carol (carol@example.org)" });
  await dialog(page).getByLabel("Role", { exact: true }).selectOption("on-call");
  await button(dialog(page), "Give the role").click();
  await row(page, "carol@example.org").getByText("in this workspace").waitFor(WAIT);
  await button(page, "Take on-call from carol@example.org").click();
  await gone(row(page, "carol@example.org"));
  await button(page, "Undo").click();
  await row(page, "carol@example.org").waitFor(WAIT);
}

async function othersVouch(page) {
  await part(page, "Sign-in");
  await page.locator(".empty pre", { hasText: "headrace identity-provider set-oidc" }).waitFor(WAIT);
  await button(page, "For machines (tokens)").click();
  await dialog(page).getByLabel("Handle*").fill("ci");
  await dialog(page).getByLabel("Issuer*").fill("https://ci.example.org");
  await dialog(page).getByLabel("Which token acts as which service account").fill("sub = repo:mill/* : nobody");
  await button(dialog(page), "Save").click();
  await dialog(page).getByText("There is no service account nobody").waitFor(WAIT);
  await dialog(page).getByLabel("Which token acts as which service account").fill("sub = repo:mill/* : nightly");
  await button(dialog(page), "Save").click();
  const provider = item(page, "Identity providers", "ci");
  await provider.getByText("machines, by tokens of https://ci.example.org").waitFor(WAIT);
  await button(page, "Turn ci off").click();
  await provider.getByText("Off", { exact: true }).waitFor(WAIT);
  await button(page, "Change ci").click();
  assert.equal(await dialog(page).getByLabel("Which token acts as which service account").inputValue(), "sub = repo:mill/* : nightly");
  await page.keyboard.press("Escape");
}

async function workspacesAreApart(page) {
  await part(page, "Workspaces");
  await button(page, "New workspace").click();
  await dialog(page).getByLabel("Handle*").fill("research");
  await dialog(page).getByLabel("Name", { exact: true }).fill("Research");
  await button(dialog(page), "Make the workspace").click();
  await item(page, "Workspaces", "research").waitFor(WAIT);
  await api("PUT", "/v1/variables/only-here", { value: 1 });
  await page.goto(`${url}/variables`);
  await row(page, "only-here").waitFor(WAIT);
  await page.getByRole("button", { name: /^Workspace: / }).click();
  await page.getByRole("menuitem", { name: "Research" }).click();
  await page.waitForURL(`${url}/w/research/`);
  await button(page, "Workspace: Research").waitFor(WAIT);
  await page.getByRole("link", { name: "Variables", exact: true }).click();
  await page.waitForURL(`${url}/w/research/variables`);
  await page.getByText("No variables yet").waitFor(WAIT);
  await page.reload();
  await page.getByText("No variables yet").waitFor(WAIT);
  await page.goto(`${url}/variables`);
  await row(page, "only-here").waitFor(WAIT);
}

async function changesAreInTheAuditLog(page) {
  await page.goto(`${url}/settings?tab=audit`);
  await row(page, "SetVariable").first().getByText("Done").waitFor(WAIT);
  await page.getByLabel("Search what was done").fill("AssignRole");
  await row(page, "RoleService.AssignRole").first().getByRole("button", { name: "RoleService.AssignRole" }).click();
  await dialog(page).getByText("members edit").waitFor(WAIT);
  await page.waitForURL(/entry=\d+/);
  await button(dialog(page), "All by who did this").click();
  await page.waitForURL(/principal=/);
  await button(page, "Check that it is whole").click();
  await page.getByText(/Whole: \d/).waitFor(WAIT);
}

async function oneLooksAfterOneself(browser, page) {
  await part(page, "Account");
  await button(page, "Dark").click();
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "dark");
  await button(page, "As the system says").click();
  await item(page, "Sessions", "this one").waitFor(WAIT);
  await button(page, "Set up one-time codes").click();
  await dialog(page).getByLabel("Your password*").fill(password);
  await button(dialog(page), "Go on").click();
  const secret = (await dialog(page).locator(".once code").textContent()).replaceAll(" ", "");
  const drawn = await readCode(dialog(page).getByRole("img", { name: "The secret as a QR code" }));
  assert.equal(drawn, await dialog(page).getByRole("link", { name: "open the app of this device" }).getAttribute("href"));
  assert.equal(new URL(drawn).searchParams.get("secret"), secret);
  await page.screenshot({ path: join(pictures, "one-time-codes.png") });
  await dialog(page).getByLabel("The code that it shows now*").fill(codeOf(secret));
  await button(dialog(page), "Turn them on").click();
  const codes = dialog(page).getByRole("list", { name: "Recovery codes" }).getByRole("listitem");
  await codes.first().waitFor(WAIT);
  assert.equal(await codes.count(), 10);
  const spare = await codes.allTextContents();
  await button(dialog(page), "I have kept them").click();
  // From now on a password alone does not do: the browser is told, and so is the console.
  play.isOutage = true;
  const other = await open(browser, "light", 1440);
  await signIn(other, () => spare[0].trim());
  await item(page, "Sessions", "this one").waitFor(WAIT);
  await page.reload();
  await item(page, "Sessions", "Sign it out").first().getByRole("button").click();
  await other.goto(`${url}/variables`);
  await other.getByRole("heading", { name: "Sign in" }).waitFor(WAIT);
  await other.context().close();
  await button(page, "Do without codes").click();
  await dialog(page).getByLabel("Your password*").fill(password);
  await dialog(page).getByLabel("A code*").fill(spare[1].trim());
  await button(dialog(page), "Turn codes off").click();
  await page.getByText("Your password alone does again").waitFor(WAIT);
  await button(page, "Sign out").click();
  await page.getByRole("heading", { name: "Sign in" }).waitFor(WAIT);
}

/** Somebody with a role in one workspace only, and then in none. */
async function whoHasOneWorkspaceComesThere(browser) {
  const invited = await api("POST", "/v1/workspaces/research/invitations", { email: "dan@example.org", role: "viewer" });
  const page = await open(browser, "light", 1440);
  await page.goto(`${url}/sign-in/invitation#${invited.token}`);
  await page.getByLabel("Your name").fill("Dan");
  await page.getByLabel("Choose a password*").fill(password);
  await button(page, "Come in").click();
  await page.waitForURL(`${url}/w/research/`, WAIT);
  await button(page, "Workspace: Research").waitFor(WAIT);
  await page.goto(`${url}/runs?state=failed`);
  await page.waitForURL(`${url}/w/research/runs?state=failed`, WAIT);
  await heading(page, "Runs");
  const { role_assignments: grants } = await api("GET", "/v1/workspaces/research/role-assignments");
  for (const { role_assignment_id: id } of grants.filter(({ role }) => role === "viewer")) await api("DELETE", `/v1/workspaces/research/role-assignments/${id}`);
  // What the page asked for before it knew is refused, which the console tells.
  play.isOutage = true;
  await page.goto(`${url}/`);
  await page.getByText("You have no role in a workspace yet").waitFor(WAIT);
  await page.screenshot({ path: join(pictures, "no-role.png") });
  await button(page, "Sign out").click();
  await page.getByRole("heading", { name: "Sign in" }).waitFor(WAIT);
  await page.context().close();
  play.isOutage = false;
}

const browser = await launch(executablePath, pictures);
try {
  const page = await open(browser, "light", 1440);
  // The first page is refused, which the console tells.
  play.isOutage = true;
  await signIn(page);
  play.isOutage = false;
  for (const play of [
    webhooksTakeCalls,
    calendarsTakeDaysOut,
    theServerTellsOfItself,
    logsAreLimitedAndSentOn,
    peopleComeAndGo,
    programsGetKeys,
    rolesAreGiven,
    othersVouch,
    workspacesAreApart,
    changesAreInTheAuditLog,
  ]) {
    const began = Date.now();
    await play(page);
    console.log(`${play.name}: fine, ${Date.now() - began} ms`);
  }
  await whoHasOneWorkspaceComesThere(browser);
  await oneLooksAfterOneself(browser, page);
} catch (error) {
  await tellPages(browser);
  throw error;
} finally {
  await browser.close();
}
assert.deepEqual(faults, []);
process.exit(0);
