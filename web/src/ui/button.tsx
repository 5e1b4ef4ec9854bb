import { createLink } from '@tanstack/react-router';
import type { ComponentProps, ReactNode } from 'react';

type Look = 'primary' | 'plain' | 'quiet' | 'danger';

const SHAPE =
  'inline-flex shrink-0 items-center justify-center gap-2 rounded-control px-3.5 font-medium whitespace-nowrap transition-colors md:px-3 disabled:opacity-55 [&_svg]:size-4 [&_svg]:shrink-0';

/** A button beside a field is as high as the field. */
const HEIGHTS = { row: 'h-9 md:h-8', field: 'h-10 md:h-9' };

const LOOKS: Record<Look, string> = {
  primary: 'bg-accent text-on-accent hover:bg-accent/88',
  plain: 'border border-control bg-surface text-ink hover:bg-sunk',
  quiet: 'text-ink-soft hover:bg-line/60 hover:text-ink',
  danger: 'border border-failed/60 bg-surface text-failed hover:bg-failed/10',
};

interface ButtonProps extends ComponentProps<'button'> {
  look?: Look;
  height?: keyof typeof HEIGHTS;
  /** The call is under way: the button waits and says so to screen readers. */
  busy?: boolean;
  icon?: ReactNode;
}

export function Button({
  look = 'plain',
  height = 'row',
  busy = false,
  icon,
  className = '',
  children,
  disabled,
  ...rest
}: ButtonProps) {
  return (
    <button
      type="button"
      className={`${SHAPE} ${HEIGHTS[height]} ${LOOKS[look]} ${className}`}
      disabled={disabled || busy}
      aria-busy={busy}
      {...rest}
    >
      {icon}
      {children}
    </button>
  );
}

interface AnchorProps extends ComponentProps<'a'> {
  look?: Look;
  icon?: ReactNode;
}

/** A link to another page that looks like a button. */
export const ButtonLink = createLink(
  ({ look = 'plain', icon, className = '', children, ...rest }: AnchorProps) => (
    <a className={`${SHAPE} ${HEIGHTS.row} ${LOOKS[look]} ${className}`} {...rest}>
      {icon}
      {children}
    </a>
  ),
);

/** A square button with only a picture; the label is its name. */
export function IconButton({
  label,
  className = '',
  children,
  ...rest
}: ComponentProps<'button'> & { label: string }) {
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      className={`inline-flex size-9 shrink-0 items-center justify-center rounded-control text-ink-soft transition-colors hover:bg-line/60 hover:text-ink md:size-8 [&_svg]:size-4 ${className}`}
      {...rest}
    >
      {children}
    </button>
  );
}
