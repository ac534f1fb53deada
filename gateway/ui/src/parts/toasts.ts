import { Toast } from "@base-ui/react/toast";
import { CallError } from "../api/client.ts";

/** Short messages at the edge of the page; read out, and gone by themselves. */
export const toasts = Toast.createToastManager();

/**
 * Tells that something was done.
 *
 * @param undo Takes it back; the message stays longer then, with a button.
 */
export function tell(title: string, undo?: () => Promise<unknown>): void {
  if (undo === undefined) {
    toasts.add({ title, timeout: 4_000 });
    return;
  }
  const id = toasts.add({
    title,
    timeout: 10_000,
    actionProps: {
      children: "Undo",
      onClick: () => {
        toasts.close(id);
        undo().then(
          () => tell("Undone"),
          (error: unknown) => tellFault("That could not be undone", error),
        );
      },
    },
  });
}

/** Tells that something could not be done, and why. */
export function tellFault(title: string, error: unknown): void {
  const description = error instanceof CallError ? error.message : String(error);
  toasts.add({ title, description, type: "fault", timeout: 10_000, priority: "high" });
}
