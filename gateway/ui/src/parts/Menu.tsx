import { Menu as Kit } from "@base-ui/react/menu";
import type { ReactNode } from "react";
import { Icon, type IconName } from "./Icon.tsx";

export interface MenuItem {
  label: string;
  icon?: IconName;
  onSelect: () => void;
  isDanger?: boolean;
  isDisabled?: boolean;
}

interface MenuProps {
  /** What the button says. */
  label: ReactNode;
  /** The name of the button where it only shows a picture. */
  name?: string;
  /** Groups of what can be done; a line between them. */
  groups: readonly (readonly MenuItem[])[];
  /** Called when it opens. */
  onOpen?: () => void;
}

/** A button that opens a list of what can be done. */
export function Menu({ label, name, groups, onOpen }: MenuProps) {
  const shown = groups.filter((items) => items.length > 0);
  return (
    <Kit.Root onOpenChange={(isOpen) => isOpen && onOpen?.()}>
      <Kit.Trigger className="button" aria-label={name}>
        {label}
      </Kit.Trigger>
      <Kit.Portal>
        <Kit.Positioner sideOffset={6} align="end" collisionPadding={12} className="over">
          <Kit.Popup className="menu">
            {shown.map((items, index) => (
              <Kit.Group key={index}>
                {index > 0 && <Kit.Separator className="menu-line" />}
                {items.map((item) => (
                  <Kit.Item
                    key={item.label}
                    className={`menu-item ${item.isDanger === true ? "menu-danger" : ""}`}
                    disabled={item.isDisabled === true}
                    onClick={item.onSelect}
                  >
                    {item.icon !== undefined && <Icon name={item.icon} />}
                    {item.label}
                  </Kit.Item>
                ))}
              </Kit.Group>
            ))}
          </Kit.Popup>
        </Kit.Positioner>
      </Kit.Portal>
    </Kit.Root>
  );
}
