import { useMutation, useQuery } from "@tanstack/react-query";
import { useState, type SubmitEvent } from "react";
import { useAddress } from "../api/address.ts";
import { CallError, call } from "../api/client.ts";
import { SelectField, TextField } from "../parts/Fields.tsx";
import { Fault, Loading } from "../parts/Notice.tsx";
import { keepBegun, safeNext } from "./next.ts";

interface Directory {
  provider: string;
  name: string;
}

/** Where people say who they are. */
export function SignInPage() {
  const [{ next }] = useAddress();
  const { data, error, refetch } = useQuery({
    queryKey: ["sign-in-options"],
    queryFn: ({ signal }) => call("GetSignInOptions", {}, signal),
  });
  if (error !== null) return <Fault error={error} onRetry={() => void refetch()} />;
  if (data === undefined) return <Loading what="how to sign in" />;
  return (
    <div className="dialog-form">
      <h1>Sign in</h1>
      {!data.sign_in_required && <p className="door-note">This server asks nobody who they are: <a href="/">you are in already</a>.</p>}
      {data.options
        .filter((option) => !option.takes_password)
        .map(({ provider, name }) => (
          <ProviderButton key={provider} provider={provider} name={name} next={safeNext(next)} />
        ))}
      <PasswordForm next={safeNext(next)} directories={data.options.filter((option) => option.takes_password)} />
    </div>
  );
}

function ProviderButton({ provider, name, next }: { provider: string; name: string; next: string }) {
  const { mutate, isPending, error } = useMutation({
    mutationFn: async () => {
      const begun = await call("BeginProviderSignIn", {
        provider,
        redirect_uri: `${window.location.origin}/sign-in/callback`,
      });
      keepBegun({ flowToken: begun.flow_token, next });
      window.location.assign(begun.authorization_url);
    },
  });
  return (
    <>
      <button type="button" className="button" disabled={isPending} onClick={() => mutate()}>
        Sign in with {name}
      </button>
      {error !== null && <p className="field-error" role="alert">{error.message}</p>}
    </>
  );
}

/** Asks for name and password; whose password it is, is up to the person where directories know some, too. */
function PasswordForm({ next, directories }: { next: string; directories: Directory[] }) {
  const [provider, setProvider] = useState(directories[0]?.provider ?? "");
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const [isCodeNeeded, setCodeNeeded] = useState(false);
  const { mutate, isPending, error } = useMutation({
    mutationFn: () => call("SignIn", { email, password, code, provider }),
    onSuccess: () => window.location.assign(next),
    onError: (fault) => setCodeNeeded((before) => before || (fault instanceof CallError && fault.reason === "CODE_NEEDED")),
  });
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    mutate();
  };
  const isAskedForCode = error instanceof CallError && error.reason === "CODE_NEEDED";
  return (
    <form onSubmit={submit} className="dialog-form">
      {directories.length > 0 && (
        <SelectField
          label="Account"
          value={provider}
          onChange={setProvider}
          options={[...directories.map((each) => ({ value: each.provider, label: each.name })), { value: "", label: "Headrace" }]}
        />
      )}
      {provider === "" ? (
        <TextField label="E-mail address" type="email" autoComplete="username" autoFocus value={email} onChange={setEmail} isRequired />
      ) : (
        <TextField label="Name" autoComplete="username" autoFocus value={email} onChange={setEmail} isRequired />
      )}
      <TextField label="Password" type="password" autoComplete="current-password" value={password} onChange={setPassword} isRequired />
      {isCodeNeeded && (
        <TextField label="One-time code" hint="From your app, or a recovery code." autoComplete="one-time-code" autoFocus value={code} onChange={setCode} isRequired isCode />
      )}
      {error !== null && !isAskedForCode && (
        <p className="field-error" role="alert">
          {error.message}
        </p>
      )}
      <button type="submit" className="button button-main" disabled={isPending}>
        Sign in
      </button>
    </form>
  );
}
