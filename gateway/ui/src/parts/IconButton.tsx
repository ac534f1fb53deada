import { Icon, type IconName } from "./Icon.tsx";

interface IconButtonProps {
  icon: IconName;
  /** What it does, and with what. */
  label: string;
  onClick: () => void;
  isDisabled?: boolean;
}

/** A button that shows a picture in place of words. */
export function IconButton({ icon, label, onClick, isDisabled = false }: IconButtonProps) {
  return (
    <button type="button" className="button" aria-label={label} title={label} disabled={isDisabled} onClick={onClick}>
      <Icon name={icon} />
    </button>
  );
}
