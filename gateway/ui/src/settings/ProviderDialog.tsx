import { useState } from "react";
import { call } from "../api/client.ts";
import type { GroupRole, IdentityProvider, Input, JwtMapping, LdapProvider } from "../api/contract.gen.ts";
import { usePaged } from "../api/paged.ts";
import { CheckField, TextField } from "../parts/Fields.tsx";
import { FormDialog } from "../parts/FormDialog.tsx";
import { useChange } from "../parts/useChange.ts";

export type ProviderKind = "oidc" | "ldap" | "jwt";

const TITLES: Record<ProviderKind, string> = {
  oidc: "New provider for people",
  ldap: "New directory",
  jwt: "New provider for machines",
};

interface ProviderDialogProps {
  kind: ProviderKind;
  /** The one to change; undefined makes one. */
  provider: IdentityProvider | undefined;
  onClose: () => void;
}

const linesOf = (text: string) => text.split("\n").map((line) => line.trim()).filter((line) => line !== "");

/** Reads lines such as "admins = admin" and "staff = viewer @ <id of a workspace>". */
function groupsOf(text: string): GroupRole[] {
  return linesOf(text).map((line) => {
    const at = line.lastIndexOf("=");
    const [role = "", workspace = ""] = line.slice(at + 1).split("@").map((part) => part.trim());
    const group = line.slice(0, Math.max(at, 0)).trim();
    if (group === "" || role === "") throw new Error(`"${line}" is no group with a role: write it as "admins = admin".`);
    return { group, role, workspace_id: workspace };
  });
}

const textOfGroups = (groups: GroupRole[]) =>
  groups.map(({ group, role, workspace_id: where }) => `${group} = ${role}${where === "" ? "" : ` @ ${where}`}`).join("\n");

/** Makes or changes an identity provider. */
export function ProviderDialog({ kind, provider, onClose }: ProviderDialogProps) {
  const { oidc, jwt, ldap } = provider ?? {};
  const [handle, setHandle] = useState("");
  const [name, setName] = useState(provider?.name ?? "");
  const [issuer, setIssuer] = useState(oidc?.issuer ?? jwt?.issuer ?? "");
  const [clientId, setClientId] = useState(oidc?.client_id ?? "headrace");
  const [secret, setSecret] = useState("");
  const [scopes, setScopes] = useState(oidc?.scopes.join(" ") ?? "");
  const [claim, setClaim] = useState(oidc?.groups_claim ?? "");
  const [createsUsers, setCreatesUsers] = useState(provider?.creates_users ?? false);
  const [groups, setGroups] = useState(textOfGroups(provider?.group_roles ?? []));
  const [audience, setAudience] = useState(jwt?.audience ?? "headrace");
  const [jwks, setJwks] = useState(jwt?.jwks_url ?? "");
  const [directory, setDirectory] = useState<Input<LdapProvider>>(ldap ?? {});
  const accounts = usePaged("ListServiceAccounts", "service-accounts", {}, (page) => page.service_accounts).rows;
  const handleOf = (id: string) => accounts.find((one) => one.service_account_id === id)?.handle ?? id;
  const [typed, setTyped] = useState<string>();
  const mappings = typed ?? (jwt?.mappings ?? []).map((one) => `${one.claim} = ${one.value} : ${handleOf(one.service_account_id)}`).join("\n");
  const mappingsOf = (): JwtMapping[] =>
    linesOf(mappings).map((line) => {
      const equals = line.indexOf("=");
      const colon = line.lastIndexOf(":");
      const who = line.slice(colon + 1).trim();
      const account = accounts.find((one) => one.handle === who || one.service_account_id === who);
      if (equals < 1 || colon < equals) throw new Error(`"${line}" is no mapping: write it as "sub = repo:mill/* : nightly".`);
      if (account === undefined) throw new Error(`There is no service account ${who} in this workspace.`);
      return { claim: line.slice(0, equals).trim(), value: line.slice(equals + 1, colon).trim(), service_account_id: account.service_account_id };
    });
  const save = useChange({
    run: async () => {
      const made: Input<IdentityProvider> = {
        handle: provider?.handle ?? handle.trim(),
        name: name.trim(),
        enabled: provider?.enabled ?? true,
        creates_users: createsUsers,
        group_roles: groupsOf(groups),
        ...(kind === "ldap" && { ldap: { ...directory, bind_password: secret } }),
        ...(kind === "jwt" && { jwt: { issuer: issuer.trim(), audience: audience.trim(), jwks_url: jwks.trim(), mappings: mappingsOf() } }),
        ...(kind === "oidc" && {
          oidc: {
            issuer: issuer.trim(),
            client_id: clientId.trim(),
            client_secret: secret,
            scopes: scopes.split(/[\s,]+/).filter((scope) => scope !== ""),
            groups_claim: claim.trim(),
          },
        }),
      };
      return call("SetIdentityProvider", { provider: made });
    },
    changes: ["providers"],
    done: provider === undefined ? "The provider was made" : "The provider was changed",
    onDone: onClose,
  });
  return (
    <FormDialog title={provider === undefined ? TITLES[kind] : `Change ${provider.name === "" ? provider.handle : provider.name}`} isWide save={save} onClose={onClose}>
      <div className="form">
        {provider === undefined && (
          <TextField label="Handle" hint="It never changes: lower case letters, digits and dashes." isRequired autoFocus value={handle} onChange={setHandle} />
        )}
        <TextField label="Name" hint="What the button says." value={name} onChange={setName} />
        {kind === "ldap" ? (
          <DirectoryFields directory={directory} secret={secret} isNew={provider === undefined} onChange={setDirectory} onSecret={setSecret} />
        ) : (
          <TextField label="Issuer" hint="Its address, as in its tokens." type="url" isRequired value={issuer} onChange={setIssuer} />
        )}
        {kind === "oidc" && (
          <>
            <TextField label="Client" hint="What it knows this server as." isRequired value={clientId} onChange={setClientId} />
            <TextField
              label="Client secret"
              hint={provider === undefined ? "Empty for a public client." : "Empty: the one that is there stays."}
              type="password"
              value={secret}
              onChange={setSecret}
            />
            <p className="field-hint">
              It has to send people back to <code>{`${window.location.origin}/sign-in/callback`}</code>.
            </p>
          </>
        )}
        {kind !== "jwt" && (
          <>
            <CheckField
              label="Whoever it vouches for becomes a user"
              hint="Otherwise only those come in who are users already."
              isChecked={createsUsers}
              onChange={setCreatesUsers}
            />
            <TextField
              label="Roles of groups"
              hint="One a line: admins = admin holds in the whole account, staff = viewer @ ID in a workspace."
              isCode
              lines={3}
              value={groups}
              onChange={setGroups}
            />
          </>
        )}
        {kind === "jwt" && (
          <>
            <TextField label="Audience" hint="Whom its tokens have to be for." isRequired value={audience} onChange={setAudience} />
            <TextField label="Address of its keys" hint="Empty: the issuer is asked where they are." type="url" value={jwks} onChange={setJwks} />
            <TextField
              label="Which token acts as which service account"
              hint="One a line, the first that fits: sub = repo:mill/* : nightly"
              isCode
              lines={4}
              value={mappings}
              onChange={setTyped}
            />
          </>
        )}
      </div>
      {kind === "oidc" && (
        <details className="more-fields">
          <summary>What it is asked for</summary>
          <div className="field-pair">
            <TextField label="Scopes" hint="Beside openid; empty: email profile." value={scopes} onChange={setScopes} />
            <TextField label="Claim with the groups" hint="Empty: groups." value={claim} onChange={setClaim} />
          </div>
        </details>
      )}
    </FormDialog>
  );
}

interface DirectoryFieldsProps {
  directory: Input<LdapProvider>;
  secret: string;
  isNew: boolean;
  onChange: (directory: Input<LdapProvider>) => void;
  onSecret: (secret: string) => void;
}

/** Where a directory is, and how people and their groups are found in it. */
function DirectoryFields({ directory, secret, isNew, onChange, onSecret }: DirectoryFieldsProps) {
  const field = (name: Exclude<keyof LdapProvider, "in_the_clear" | "bind_password">) => ({
    value: directory[name] ?? "",
    onChange: (value: string) => onChange({ ...directory, [name]: value.trim() }),
  });
  return (
    <>
      <TextField label="Address" hint="ldap://host:389 speaks TLS from StartTLS on, ldaps://host:636 from the beginning." isRequired {...field("url")} />
      <TextField label="People are below" hint="ou=people,dc=example,dc=org" isRequired isCode {...field("user_base")} />
      <TextField label="Who searches" hint="The name of an entry; empty: nobody in particular." isCode {...field("bind_dn")} />
      <TextField label="Its password" hint={isNew ? undefined : "Empty: the one that is there stays."} type="password" value={secret} onChange={onSecret} />
      <TextField label="Groups are below" hint="Empty: they are taken from memberOf of the person." isCode {...field("group_base")} />
      <details className="more-fields">
        <summary>How people and groups are found, and which authorities are believed</summary>
        <TextField label="Finds a person" hint="Empty: (|(uid={name})(mail={name}))" isCode {...field("user_filter")} />
        <TextField label="Finds the groups of a person" hint="Empty: (member={dn})" isCode {...field("group_filter")} />
        <div className="field-pair">
          <TextField label="Known for good by" hint="Empty: entryUUID" {...field("subject_attribute")} />
          <TextField label="E-mail address" hint="Empty: mail" {...field("email_attribute")} />
          <TextField label="Name" hint="Empty: cn" {...field("name_attribute")} />
          <TextField label="Name of a group" hint="Empty: cn" {...field("group_attribute")} />
        </div>
        <TextField label="Authorities (PEM)" hint="Empty: those of the server's machine." isCode lines={3} {...field("ca_certificates")} />
        <CheckField
          label="In the clear"
          hint="Only with a directory on the server's own machine."
          isChecked={directory.in_the_clear ?? false}
          onChange={(isClear) => onChange({ ...directory, in_the_clear: isClear })}
        />
      </details>
    </>
  );
}
