import type { ReactNode, SubmitEvent } from "react";
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
  /** What the button says that leaves everything as it is. */
  leave?: string;
  /** The way back, where the form has steps. */
  onBack?: (() => void) | undefined;
  onClose: () => void;
  children: ReactNode;
}

/** Goes to the first field with something wrong, once what is wrong is shown. */
function showWrong(form: HTMLFormElement) {
  requestAnimationFrame(() => form.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus());
}

/** A form in front of the page. */
export function FormDialog(props: FormDialogProps) {
  const { title, action = "Save", save, check, isWide = false, isReady = true, leave = "Close", onBack, onClose, children } = props;
  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (check === undefined || check()) save.mutate();
    else showWrong(event.currentTarget);
  };
  return (
    <Modal title={title} isOpen onClose={onClose}>
      <form
        className={isWide ? "wide" : "form"}
        noValidate={isWide && check !== undefined}
        onSubmit={submit}
      >
        {children}
        {save.error !== null && <Fault error={save.error} />}
        <div className="modal-foot">
          {onBack !== undefined && (
            <button type="button" className="button" onClick={onBack}>
              Back
            </button>
          )}
          <button type="button" className="button" onClick={onClose}>
            {leave}
          </button>
          <button type="submit" className="button button-main" disabled={save.isPending || !isReady}>
            {action}
          </button>
        </div>
      </form>
    </Modal>
  );
}
