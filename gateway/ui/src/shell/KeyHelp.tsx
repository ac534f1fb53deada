import { Modal } from "../parts/Modal.tsx";
import type { Shortcut } from "./keys.ts";

interface KeyHelpProps {
  shortcuts: Shortcut[];
  isOpen: boolean;
  onClose: () => void;
}

/** The list of keys. */
export function KeyHelp({ shortcuts, isOpen, onClose }: KeyHelpProps) {
  return (
    <Modal title="Keys" isOpen={isOpen} onClose={onClose}>
      <dl className="keys">
        {shortcuts.map(({ keys, what }) => (
          <div key={keys}>
            <dt>
              {keys.split(/[ +]/).map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
        <div>
          <dt>
            <kbd>Esc</kbd>
          </dt>
          <dd>Close what is open</dd>
        </div>
      </dl>
    </Modal>
  );
}
