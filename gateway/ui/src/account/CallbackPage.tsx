import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useAddress } from "../api/address.ts";
import { call } from "../api/client.ts";
import { Loading } from "../parts/Notice.tsx";
import { takeBegun } from "./next.ts";

/** Where a provider sends the browser back to. */
export function CallbackPage() {
  const [{ code = "", state = "", iss: issuer = "", error: refusal, error_description: why }] = useAddress();
  // Read once: what was begun belongs to one return.
  const [begun] = useState(takeBegun);
  const isWhole = begun !== undefined && refusal === undefined && code !== "";
  const { data, error } = useQuery({
    queryKey: ["complete-sign-in", state],
    queryFn: () => call("CompleteProviderSignIn", { flow_token: begun?.flowToken ?? "", state, code, issuer }),
    enabled: isWhole,
    retry: false,
  });
  const next = begun?.next ?? "/";
  useEffect(() => {
    if (data !== undefined) window.location.replace(next);
  }, [data, next]);
  if (isWhole && error === null) return <Loading what="your account" />;
  return (
    <div className="dialog-form">
      <h1>Signing in did not work</h1>
      <p role="alert">
        {error?.message ?? why ?? (refusal === undefined ? "It was not begun in this tab." : `The provider says: ${refusal}.`)}
      </p>
      <a className="button button-main" href="/sign-in">
        Try again
      </a>
    </div>
  );
}
