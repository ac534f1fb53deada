import { Toast } from "@base-ui/react/toast";
import { Icon } from "../parts/Icon.tsx";
import { toasts } from "../parts/toasts.ts";

function List() {
  const { toasts: shown } = Toast.useToastManager();
  return shown.map((toast) => (
    <Toast.Root key={toast.id} toast={toast} className={`toast ${toast.type === "fault" ? "toast-fault" : ""}`}>
      <Toast.Content className="toast-content">
        <Toast.Title className="toast-title" />
        <Toast.Description className="toast-text" />
      </Toast.Content>
      {toast.actionProps !== undefined && <Toast.Action className="button toast-action" />}
      <Toast.Close className="button button-bare" aria-label="Dismiss">
        <Icon name="close" />
      </Toast.Close>
    </Toast.Root>
  ));
}

/** Where messages show up. */
export function Toasts() {
  return (
    <Toast.Provider toastManager={toasts}>
      <Toast.Portal>
        <Toast.Viewport className="toasts">
          <List />
        </Toast.Viewport>
      </Toast.Portal>
    </Toast.Provider>
  );
}
