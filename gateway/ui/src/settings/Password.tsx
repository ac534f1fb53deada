import { useState } from "react";
import { call } from "../api/client.ts";
import { CopyButton } from "../parts/CopyButton.tsx";
import { TextField } from "../parts/Fields.tsx";
import { FormDialog } from "../parts/FormDialog.tsx";
import { Modal } from "../parts/Modal.tsx";
import { QrCode } from "../parts/QrCode.tsx";
import { useChange } from "../parts/useChange.ts";

/** How one signs in with a password of this server, and with one-time codes on top of it. */
export function Password() {
  const [asked, setAsked] = useState<"password" | "codes" | "without">();
  const close = () => setAsked(undefined);
  return (
    <section>
      <h2>Password and one-time codes</h2>
      <p className="quiet lead">
        Who signs in with a provider needs neither. With one-time codes a password alone does not do any more: an app on your phone
        shows a new code every 30 seconds.
      </p>
      <span className="actions wrapping">
        <button type="button" className="button" onClick={() => setAsked("password")}>
          Change the password
        </button>
        <button type="button" className="button" onClick={() => setAsked("codes")}>
          Set up one-time codes
        </button>
        <button type="button" className="button" onClick={() => setAsked("without")}>
          Do without codes
        </button>
      </span>
      {asked === "password" && <PasswordDialog onClose={close} />}
      {asked === "codes" && <CodesDialog onClose={close} />}
      {asked === "without" && <WithoutDialog onClose={close} />}
    </section>
  );
}

function PasswordDialog({ onClose }: { onClose: () => void }) {
  const [old, setOld] = useState("");
  const [next, setNext] = useState("");
  const [again, setAgain] = useState("");
  const save = useChange({
    run: () => {
      if (next !== again) throw new Error("The two new passwords differ.");
      return call("SetPassword", { old_password: old, new_password: next });
    },
    changes: ["sessions"],
    done: "The password holds; you are signed out everywhere else",
    onDone: onClose,
  });
  return (
    <FormDialog title="Change the password" save={save} onClose={onClose}>
      <TextField label="The password now" hint="Empty where there is none yet." type="password" autoFocus value={old} onChange={setOld} />
      <TextField label="New password" hint="At least 12 characters." type="password" isRequired value={next} onChange={setNext} />
      <TextField label="New password again" type="password" isRequired value={again} onChange={setAgain} />
    </FormDialog>
  );
}

/** Sets one-time codes up: password, then a first code, then what to keep for when the phone is lost. */
function CodesDialog({ onClose }: { onClose: () => void }) {
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const begin = useChange({ run: () => call("BeginTotp", { password }), changes: [] });
  const confirm = useChange({ run: () => call("ConfirmTotp", { code: code.trim() }), changes: [] });
  if (confirm.data !== undefined) {
    const codes = confirm.data.recovery_codes;
    return (
      <Modal title="One-time codes are on" isOpen onClose={onClose}>
        <p>Should your phone be lost, each of these takes the place of a code once. They are shown only now.</p>
        <ul className="codes" aria-label="Recovery codes">
          {codes.map((one) => (
            <li key={one}>
              <code>{one}</code>
            </li>
          ))}
        </ul>
        <div className="modal-foot">
          <CopyButton text={codes.join("\n")} label="Copy them" isBare={false} />
          <button type="button" className="button button-main" onClick={onClose}>
            I have kept them
          </button>
        </div>
      </Modal>
    );
  }
  if (begin.data === undefined)
    return (
      <FormDialog title="Set up one-time codes" action="Go on" save={begin} onClose={onClose}>
        <TextField label="Your password" type="password" isRequired autoFocus value={password} onChange={setPassword} />
      </FormDialog>
    );
  return (
    <FormDialog title="Set up one-time codes" action="Turn them on" save={confirm} onClose={onClose}>
      <p>
        Scan this with your app (Aegis, 1Password, Google Authenticator …), or <a href={begin.data.uri}>open the app of this device</a>.
      </p>
      <QrCode text={begin.data.uri} label="The secret as a QR code" />
      <p className="quiet">It cannot be scanned? Type the secret in, as a time-based one:</p>
      <p className="once">
        <code>{begin.data.secret.replace(/(.{4})(?=.)/g, "$1 ")}</code> <CopyButton text={begin.data.secret} label="Copy the secret" />
      </p>
      <TextField label="The code that it shows now" isRequired isCode autoFocus value={code} onChange={setCode} />
    </FormDialog>
  );
}

function WithoutDialog({ onClose }: { onClose: () => void }) {
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const save = useChange({
    run: () => call("RemoveTotp", { password, code: code.trim() }),
    changes: [],
    done: "Your password alone does again",
    onDone: onClose,
  });
  return (
    <FormDialog title="Do without codes" action="Turn codes off" save={save} onClose={onClose}>
      <TextField label="Your password" type="password" isRequired autoFocus value={password} onChange={setPassword} />
      <TextField label="A code" hint="From your app, or a recovery code." isRequired isCode value={code} onChange={setCode} />
    </FormDialog>
  );
}
