// A provider of OpenID Connect made by others, on a port of this machine: node provider.mjs PORT KEY CERT CALLBACK
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { Provider } from "oidc-provider";

const [port, key, cert, callback] = process.argv.slice(2);
const issuer = `https://127.0.0.1:${port}`;
const provider = new Provider(issuer, {
  clients: [{ client_id: "deskbell", client_secret: "a secret of the provider", redirect_uris: [callback] }],
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "groups"] },
  conformIdTokenClaims: false,
  cookies: { keys: ["only for a test"] },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, email: `${id}@desk.example`, email_verified: id !== "eve", groups: ["desk-admins"] }),
  }),
});
createServer({ key: readFileSync(key), cert: readFileSync(cert) }, provider.callback()).listen(
  Number(port), "127.0.0.1", () => console.log("ready"),
);
