import { useMutation } from "@tanstack/react-query";
import { useState, type SubmitEvent } from "react";
import { call, errorOf } from "../api/client.ts";
import { TextField } from "../parts/Fields.tsx";

const SHORTEST = 12;

/** Makes a call with a key in place of the session. */
async function callWith(key: string, path: string, request: Record<string, string>): Promise<void> {
  const answer = await fetch(path, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify(request),
  });
  if (!answer.ok) throw errorOf(await answer.json().catch(() => undefined), answer.status);
}

/** Where somebody who was invited chooses a password. */
export function InvitationPage() {
  // Behind the #: no server on the way was told of it.
  const [token] = useState(() => window.location.hash.slice(1));
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const { mutate, isPending, error } = useMutation({
    mutationFn: async () => {
      const { user, key } = await call("AcceptInvitation", { token, display_name: name });
      // Who is known already has a password, and gets no key.
      if (key === "" || user === undefined) return;
      await callWith(key, "/v1/password", { new_password: password });
      await callWith(key, `/v1/api-keys/${key.split("_")[1] ?? ""}:revoke`, {});
      await call("SignIn", { email: user.email, password });
    },
    onSuccess: () => window.location.replace("/"),
  });
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    mutate();
  };
  return (
    <form onSubmit={submit} className="dialog-form">
      <h1>Welcome to Headrace</h1>
      <TextField label="Your name" value={name} onChange={setName} />
      <TextField
        label="Choose a password"
        type="password"
        hint={`At least ${SHORTEST} characters.`}
        value={password}
        onChange={setPassword}
        isRequired
      />
      {error !== null && (
        <p className="field-error" role="alert">
          {error.message}
        </p>
      )}
      <button type="submit" className="button button-main" disabled={isPending || password.length < SHORTEST || token === ""}>
        Come in
      </button>
    </form>
  );
}
