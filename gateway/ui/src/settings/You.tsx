import { useQuery } from "@tanstack/react-query";
import { call } from "../api/client.ts";
import type { PrincipalKind } from "../api/contract.gen.ts";
import { Fault, Loading } from "../parts/Notice.tsx";
import { Facts, Tags } from "../parts/PageHead.tsx";
import { useTheme, type Theme } from "../shell/theme.ts";

const KINDS: Record<PrincipalKind, string> = {
  PRINCIPAL_KIND_UNSPECIFIED: "somebody",
  PRINCIPAL_KIND_USER: "a user",
  PRINCIPAL_KIND_SERVICE_ACCOUNT: "a service account",
  PRINCIPAL_KIND_LOCAL: "whoever is at this machine",
  PRINCIPAL_KIND_SYSTEM: "the server itself",
};
const THEMES: Record<Theme, string> = { system: "as the system says", light: "light", dark: "dark" };

/** Who one is to the server, what one may do, and how pages look. */
export function You() {
  const [theme, nextTheme] = useTheme();
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["caller"],
    queryFn: ({ signal }) => call("GetCaller", {}, signal),
  });
  return (
    <div className="sections">
      <section>
        <h2>Look</h2>
        <p className="actions-line">
          Pages are {THEMES[theme]}.{" "}
          <button type="button" className="button" onClick={nextTheme}>
            Change the theme
          </button>
        </p>
      </section>
      {error !== null && <Fault error={error} onRetry={() => void refetch()} />}
      {isPending && <Loading what="who you are" />}
      {data !== undefined && (
        <>
          <section>
            <h2>Who you are</h2>
            <Facts
              facts={{
                Name: data.display_name,
                Kind: KINDS[data.kind],
                Workspace: data.workspace?.name ?? "",
                Id: data.principal_id === "" ? undefined : <code>{data.principal_id}</code>,
              }}
            />
          </section>
          <section>
            <h2>{`What you may do (${data.permissions.length})`}</h2>
            <Tags tags={data.permissions.map((name) => name.replace("PERMISSION_", "").toLowerCase().replaceAll("_", " "))} />
          </section>
        </>
      )}
    </div>
  );
}
