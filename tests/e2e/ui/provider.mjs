// A certified OpenID Connect provider: node provider.mjs <callback address>
//
// Writes "issuer <address>" once it listens. "rotate" on standard input makes it sign with a new key; it ends with its
// input. Everybody can sign in, with any password: the name is the subject, and names that begin with "admin" are in
// the group "admins".

import { generateKeyPairSync, randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const require = createRequire(new URL("../../../gateway/ui/package.json", import.meta.url));
const { Provider } = await import(pathToFileURL(require.resolve("oidc-provider")));
const [callback] = process.argv.slice(2);

function signingKey() {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return { ...privateKey.export({ format: "jwk" }), kid: randomUUID(), use: "sig", alg: "RS256" };
}

function makeProvider(issuer) {
  return new Provider(issuer, {
    clients: [{ client_id: "headrace", client_secret: "a secret: with signs", redirect_uris: [callback] }],
    jwks: { keys: [signingKey()] },
    cookies: { keys: [randomUUID()] },
    scopes: ["openid", "email", "profile", "groups"],
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"], groups: ["groups"] },
    pkce: { required: () => true },
    findAccount: (_, subject) => ({
      accountId: subject,
      claims: () => ({
        sub: subject,
        email: `${subject}@example.org`,
        email_verified: !subject.startsWith("unverified"),
        name: `The ${subject}`,
        groups: subject.startsWith("admin") ? ["admins"] : ["staff"],
      }),
    }),
  });
}

let answer;
const server = createServer((request, response) => answer(request, response));
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  answer = makeProvider(issuer).callback();
  console.log(`issuer ${issuer}`);
  const lines = createInterface({ input: process.stdin });
  lines.on("line", (line) => {
    if (line !== "rotate") return;
    answer = makeProvider(issuer).callback();
    console.log("rotated");
  });
  lines.on("close", () => process.exit(0));
});
