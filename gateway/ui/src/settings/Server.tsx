import { useQuery } from "@tanstack/react-query";
import { call } from "../api/client.ts";
import { Code } from "../parts/CopyButton.tsx";
import { Fault, Loading } from "../parts/Notice.tsx";
import { Facts, Tags } from "../parts/PageHead.tsx";

/** Which server this is, and how programs reach it. */
export function Server() {
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["system"],
    queryFn: ({ signal }) => call("GetSystem", {}, signal),
  });
  if (error !== null) return <Fault error={error} onRetry={() => void refetch()} />;
  if (isPending) return <Loading what="the server" />;
  const url = window.location.origin;
  const profile = window.location.hostname === "127.0.0.1" ? "local" : (window.location.hostname.split(".")[0] ?? "server");
  const grpc = data.grpc_address.startsWith(":") ? `${window.location.hostname}${data.grpc_address}` : data.grpc_address;
  return (
    <div className="sections">
      <Facts
        facts={{
          Version: data.version,
          "Oldest client that it serves": data.minimum_client_version,
          "HTTP and UI": <code>{url}</code>,
          gRPC: <code>{`${grpc}${data.grpc_tls ? " (TLS)" : ""}`}</code>,
          "Callers sign in": data.authentication_required ? "yes" : "no: whoever reaches it may do anything",
          Installation: <code>{data.installation_id}</code>,
        }}
      />
      <section>
        <h2>What it can do</h2>
        <Tags tags={data.capabilities} />
      </section>
      <section>
        <h2>Let programs use it</h2>
        <Code text={`export HEADRACE_API_URL=${url}\nheadrace version`} />
        <p className="quiet setting-note">Or keep it in a profile, one for each server:</p>
        <Code text={`headrace profile create ${profile}\nheadrace profile use ${profile}\nheadrace config set HEADRACE_API_URL=${url}`} />
      </section>
    </div>
  );
}
