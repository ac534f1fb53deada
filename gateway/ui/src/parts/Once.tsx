import type { ReactNode } from "react";
import { CopyButton } from "./CopyButton.tsx";
import { Modal } from "./Modal.tsx";

interface OnceProps {
  title: string;
  /** What it is, for the button that copies it. */
  what: string;
  text: string;
  onClose: () => void;
  /** What to do with it. */
  children?: ReactNode;
}

/** A secret that the server tells once. */
export function Once({ title, what, text, onClose, children }: OnceProps) {
  return (
    <Modal title={title} isOpen onClose={onClose}>
      <p>Keep it well: it is shown only now.</p>
      <p className="once">
        <code>{text}</code> <CopyButton text={text} label={`Copy ${what}`} />
      </p>
      {children}
      <div className="modal-foot">
        <button type="button" className="button button-main" onClick={onClose}>
          I have kept it
        </button>
      </div>
    </Modal>
  );
}
