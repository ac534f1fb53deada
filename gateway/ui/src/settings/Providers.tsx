import { useState } from "react";
import { call } from "../api/client.ts";
import type { IdentityProvider, Input } from "../api/contract.gen.ts";
import { usePaged } from "../api/paged.ts";
import { ConfirmDialog } from "../parts/ConfirmDialog.tsx";
import { Icon } from "../parts/Icon.tsx";
import { IconButton } from "../parts/IconButton.tsx";
import { Listing } from "../parts/Listing.tsx";
import { Empty } from "../parts/Notice.tsx";
import { Mark } from "../parts/PageHead.tsx";
import { useChange } from "../parts/useChange.ts";
import { ProviderDialog, type ProviderKind } from "./ProviderDialog.tsx";

const EXAMPLE = `headrace identity-provider set-oidc company --name "The company" \\
  --issuer https://login.example.org --client-id headrace --client-secret \\
  --group-role admins=admin --creates-users < secret.txt`;

function providerText(provider: IdentityProvider): string {
  const parts = [
    provider.oidc === undefined ? "" : `people, by ${provider.oidc.issuer}`,
    provider.ldap === undefined ? "" : `people, by the directory ${provider.ldap.url}`,
    provider.jwt === undefined ? "" : `machines, by tokens of ${provider.jwt.issuer}`,
    provider.creates_users ? "whoever it vouches for becomes a user" : "",
    provider.group_roles.length > 0 ? `${provider.group_roles.length} groups with roles` : "",
  ];
  return parts.filter((part) => part !== "").join(" · ");
}

/** Without a name of its own it is called by its handle. */
function nameOf(provider: IdentityProvider | undefined): string {
  return provider === undefined || provider.name === "" ? (provider?.handle ?? "") : provider.name;
}

function kindOf(provider: IdentityProvider): ProviderKind {
  if (provider.ldap !== undefined) return "ldap";
  return provider.jwt === undefined ? "oidc" : "jwt";
}

/** What is sent to keep a provider as it is. */
function kept({ created_at: _made, updated_at: _changed, ...provider }: IdentityProvider): Input<IdentityProvider> {
  return provider;
}

/** Who else vouches for people and machines. */
export function Providers() {
  const [asked, setAsked] = useState<{ kind: ProviderKind; provider: IdentityProvider | undefined }>();
  const [doomed, setDoomed] = useState<IdentityProvider>();
  const list = usePaged("ListIdentityProviders", "providers", {}, (page) => page.providers);
  const flip = useChange({
    run: (provider: IdentityProvider) => call("SetIdentityProvider", { provider: { ...kept(provider), enabled: !provider.enabled } }),
    changes: ["providers"],
    failed: "The provider could not be changed",
  });
  const remove = useChange({
    run: () => call("DeleteIdentityProvider", { handle: doomed?.handle ?? "" }),
    changes: ["providers"],
    done: "The provider was deleted",
  });
  return (
    <>
      <div className="panel-head">
        <h2 className="panel-title">Identity providers</h2>
        <button type="button" className="button" onClick={() => setAsked({ kind: "oidc", provider: undefined })}>
          <Icon name="plus" />
          For people (OpenID Connect)
        </button>
        <button type="button" className="button" onClick={() => setAsked({ kind: "ldap", provider: undefined })}>
          <Icon name="plus" />
          For people (LDAP)
        </button>
        <button type="button" className="button" onClick={() => setAsked({ kind: "jwt", provider: undefined })}>
          <Icon name="plus" />
          For machines (tokens)
        </button>
      </div>
      <Listing
        list={list}
        what="providers"
        empty={
          <Empty title="Nobody else vouches for anybody" code={EXAMPLE}>
            <p>People sign in with a password of this server. With your identity provider they sign in as everywhere else, and their groups give them roles. Its address to come back to is:</p>
            <p>
              <code>{`${window.location.origin}/sign-in/callback`}</code>
            </p>
          </Empty>
        }
      >
        {(providers) => (
          <ul className="cards" aria-label="Identity providers">
            {providers.map((provider) => (
              <li key={provider.handle} className="card">
                <div className="card-text">
                  <p className="card-title">
                    {nameOf(provider)}
                    {provider.enabled ? <Mark look="completed" label="On" /> : <Mark look="paused" label="Off" />}
                  </p>
                  <p className="quiet">{providerText(provider)}</p>
                </div>
                <span className="actions wrapping">
                  <button
                    type="button"
                    className="button"
                    aria-label={`Turn ${nameOf(provider)} ${provider.enabled ? "off" : "on"}`}
                    disabled={flip.isPending}
                    onClick={() => flip.mutate(provider)}
                  >
                    {provider.enabled ? "Turn off" : "Turn on"}
                  </button>
                  <IconButton
                    icon="edit"
                    label={`Change ${nameOf(provider)}`}
                    onClick={() => setAsked({ kind: kindOf(provider), provider })}
                  />
                  <IconButton icon="trash" label={`Delete ${nameOf(provider)}`} onClick={() => setDoomed(provider)} />
                </span>
              </li>
            ))}
          </ul>
        )}
      </Listing>
      {asked !== undefined && <ProviderDialog {...asked} onClose={() => setAsked(undefined)} />}
      <ConfirmDialog
        title={`Delete ${nameOf(doomed)}?`}
        action="Delete the provider"
        typedName={doomed?.handle}
        isOpen={doomed !== undefined}
        onClose={() => setDoomed(undefined)}
        onConfirm={() => remove.mutateAsync()}
      >
        <p>Users that came from it stay, and cannot sign in with it any more. This cannot be undone.</p>
      </ConfirmDialog>
    </>
  );
}
