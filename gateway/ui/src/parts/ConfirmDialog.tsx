import { useMutation } from "@tanstack/react-query";
import { useId, useState, type ReactNode } from "react";
import { Fault } from "./Notice.tsx";
import { Modal } from "./Modal.tsx";

interface ConfirmDialogProps {
  title: string;
  /** What will happen. */
  children: ReactNode;
  /** What the button says: the verb of what will happen. */
  action: string;
  isDanger?: boolean;
  /** What cannot be undone is done only after this was typed. */
  typedName?: string;
  isOpen: boolean;
  onClose: () => void;
  /** Does it; the dialog closes when it is done, and says what went wrong otherwise. */
  onConfirm: () => Promise<unknown>;
}

/** Asks before something is done. */
export function ConfirmDialog(props: ConfirmDialogProps) {
  return props.isOpen ? <Asking {...props} /> : null;
}

function Asking({ title, children, action, isDanger = true, typedName, onClose, onConfirm }: ConfirmDialogProps) {
  const field = useId();
  const [typed, setTyped] = useState("");
  const { mutate, isPending, error } = useMutation({ mutationFn: onConfirm, onSuccess: onClose });
  const isReady = typedName === undefined || typed.trim() === typedName;
  return (
    <Modal title={title} isOpen onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (isReady && !isPending) mutate();
        }}
      >
        <div className="confirm-text">{children}</div>
        {typedName !== undefined && (
          <div className="form-field">
            <label htmlFor={field}>
              To confirm, type <code>{typedName}</code>
            </label>
            <input
              id={field}
              className="field"
              value={typed}
              autoFocus
              autoComplete="off"
              spellCheck={false}
              onChange={(event) => setTyped(event.target.value)}
            />
          </div>
        )}
        {error !== null && <Fault error={error} />}
        <div className="modal-foot">
          <button type="button" className="button" onClick={onClose}>
            Keep as it is
          </button>
          <button
            type="submit"
            className={`button ${isDanger ? "button-danger" : "button-main"}`}
            disabled={!isReady || isPending}
          >
            {action}
          </button>
        </div>
      </form>
    </Modal>
  );
}
