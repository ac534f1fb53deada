import type { ReactNode } from "react";
import { Modal } from "./Modal.tsx";
import { Fault } from "./Notice.tsx";

interface FormDialogProps {
  title: string;
  /** What the button says. */
  action?: string;
  /** What is done with what was filled in; the dialog says what went wrong. */
  save: { mutate: () => void; isPending: boolean; error: Error | null };
  /** Returns whether what was filled in can be sent. */
  check?: () => boolean;
  /** For a form with much in it. Its fields say by themselves what is wrong with them. */
  isWide?: boolean;
  isReady?: boolean;
  onClose: () => void;
  children: ReactNode;
}

/** A form in front of the page. */
export function FormDialog(props: FormDialogProps) {
  const { title, action = "Save", save, check, isWide = false, isReady = true, onClose, children } = props;
  return (
    <Modal title={title} isOpen onClose={onClose}>
      <form
        className={isWide ? "wide" : "form"}
        noValidate={isWide && check !== undefined}
        onSubmit={(event) => {
          event.preventDefault();
          if (check === undefined || check()) save.mutate();
        }}
      >
        {children}
        {save.error !== null && <Fault error={save.error} />}
        <div className="modal-foot">
          <button type="button" className="button" onClick={onClose}>
            Close
          </button>
          <button type="submit" className="button button-main" disabled={save.isPending || !isReady}>
            {action}
          </button>
        </div>
      </form>
    </Modal>
  );
}
