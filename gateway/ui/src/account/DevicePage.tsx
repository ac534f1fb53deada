import { useMutation, useQuery } from "@tanstack/react-query";
import { useState, type SubmitEvent } from "react";
import { useAddress } from "../api/address.ts";
import { call } from "../api/client.ts";
import { TextField } from "../parts/Fields.tsx";
import { Fault, Loading } from "../parts/Notice.tsx";

/** Where somebody lets a program act for them. */
export function DevicePage() {
  const [{ code }, change] = useAddress();
  return code === undefined ? <CodeForm onCode={(typed) => change({ code: typed })} /> : <Decision code={code} />;
}

function CodeForm({ onCode }: { onCode: (code: string) => void }) {
  const [typed, setTyped] = useState("");
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    onCode(typed.trim());
  };
  return (
    <form onSubmit={submit} className="dialog-form">
      <h1>Let a program in</h1>
      <TextField label="Code" hint="What the program shows, such as BCDF-GHJK." value={typed} onChange={setTyped} isRequired isCode />
      <button type="submit" className="button button-main">
        Continue
      </button>
    </form>
  );
}

function Decision({ code }: { code: string }) {
  const { data, error, refetch } = useQuery({
    queryKey: ["device-sign-in", code],
    queryFn: ({ signal }) => call("GetDeviceSignIn", { user_code: code }, signal),
    retry: false,
  });
  const decision = useMutation({
    mutationFn: (approve: boolean) => call("DecideDeviceSignIn", { user_code: code, approve }),
    onSuccess: ({ redirect_url: url }) => {
      if (url !== "") window.location.assign(url);
    },
  });
  if (decision.data !== undefined)
    return (
      <div className="dialog-form">
        <h1>{decision.variables ? "The program is in" : "The program was refused"}</h1>
        <p>You can close this page.</p>
      </div>
    );
  if (error !== null) return <Fault error={error} onRetry={() => void refetch()} />;
  if (data === undefined) return <Loading what="the program" />;
  return (
    <div className="dialog-form">
      <h1>Let a program in</h1>
      <p>
        <strong>{data.client_name}</strong>, asking from {data.address}, wants to act for you. Go on only if it shows this code:
      </p>
      <p className="door-code">
        <code>{code}</code>
      </p>
      {decision.error !== null && (
        <p className="field-error" role="alert">
          {decision.error.message}
        </p>
      )}
      <div className="button-row">
        <button type="button" className="button button-main" disabled={decision.isPending} onClick={() => decision.mutate(true)}>
          Let it in
        </button>
        <button type="button" className="button" disabled={decision.isPending} onClick={() => decision.mutate(false)}>
          Refuse
        </button>
      </div>
    </div>
  );
}
