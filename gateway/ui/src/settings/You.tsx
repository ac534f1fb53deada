import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../api/client.ts";
import type { GetCallerResponse, PrincipalKind } from "../api/contract.gen.ts";
import { Icon } from "../parts/Icon.tsx";
import { Fault, Loading } from "../parts/Notice.tsx";
import { Facts } from "../parts/PageHead.tsx";
import { THEMES, chooseTheme, useTheme, type Theme } from "../shell/theme.ts";
import { KeyDialog, KeyList } from "./KeyList.tsx";
import { Password } from "./Password.tsx";
import { Sessions } from "./Sessions.tsx";
import { grouped, permissionWord } from "./permissions.ts";

const KINDS: Record<PrincipalKind, string> = {
  PRINCIPAL_KIND_UNSPECIFIED: "somebody",
  PRINCIPAL_KIND_USER: "a user",
  PRINCIPAL_KIND_SERVICE_ACCOUNT: "a service account",
  PRINCIPAL_KIND_LOCAL: "whoever is at this machine",
  PRINCIPAL_KIND_SYSTEM: "the server itself",
};
const LOOKS: Record<Theme, string> = { system: "As the system says", light: "Light", dark: "Dark" };
const OWN = {};

/** Who one is to the server, how one signs in, what one may do, and how pages look. */
export function You() {
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["caller"],
    queryFn: ({ signal }) => call("GetCaller", {}, signal),
  });
  return (
    <div className="sections">
      <Look />
      {error !== null && <Fault error={error} onRetry={() => void refetch()} />}
      {isPending && <Loading what="who you are" />}
      {data !== undefined && (
        <>
          <Who caller={data} />
          {data.kind === "PRINCIPAL_KIND_USER" && (
            <>
              <Password />
              <Sessions />
              <OwnKeys />
            </>
          )}
          <May caller={data} />
        </>
      )}
    </div>
  );
}

function Look() {
  const [theme] = useTheme();
  return (
    <section>
      <h2>Look</h2>
      <div className="segments" role="group" aria-label="Theme">
        {THEMES.map((one) => (
          <button key={one} type="button" aria-pressed={one === theme} onClick={() => chooseTheme(one)}>
            <Icon name={one} /> {LOOKS[one]}
          </button>
        ))}
      </div>
      <p className="field-hint">Kept in this browser. The key t changes it, too.</p>
    </section>
  );
}

function Who({ caller }: { caller: GetCallerResponse }) {
  return (
    <section>
      <h2>Who you are</h2>
      <Facts
        facts={{
          Name: caller.display_name,
          Kind: KINDS[caller.kind],
          Workspace: caller.workspace?.name ?? "",
          Id: caller.principal_id === "" ? undefined : <code>{caller.principal_id}</code>,
        }}
      />
      {caller.kind === "PRINCIPAL_KIND_LOCAL" && (
        <p className="quiet">This server asks nobody who they are: passwords, sessions and keys come with <code>headrace server start --auth on</code>.</p>
      )}
    </section>
  );
}

function May({ caller }: { caller: GetCallerResponse }) {
  return (
    <section>
      <h2>{`What you may do (${caller.permissions.length})`}</h2>
      {caller.permissions.length === 0 ? (
        <p className="quiet">Nothing in this workspace: ask who administers it for a role.</p>
      ) : (
        <Facts
          facts={Object.fromEntries(
            grouped(caller.permissions).map(({ label, permissions }) => [label, permissions.map((one) => permissionWord(one, label)).join(", ")]),
          )}
        />
      )}
    </section>
  );
}

function OwnKeys() {
  const [isMaking, setMaking] = useState(false);
  return (
    <section>
      <div className="panel-head">
        <h2>Your keys</h2>
        <button type="button" className="button" onClick={() => setMaking(true)}>
          <Icon name="plus" />
          New key
        </button>
      </div>
      <KeyList of={OWN} isWithDead={false} />
      {isMaking && <KeyDialog onClose={() => setMaking(false)} />}
    </section>
  );
}
