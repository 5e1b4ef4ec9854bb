/** Plain letters stand for a service; foreign logos are not ours to use. */
const LETTERS: Record<string, string> = {
  aws_ses: 'SES',
  gmail: 'G',
  mailchimp: 'Mc',
  postmark: 'P',
  turbosmtp: 'T',
  generic: '@',
};

export function TypeMark({ type }: { type: string }) {
  return (
    <span
      aria-hidden="true"
      className="flex size-9 shrink-0 items-center justify-center rounded-control border border-line bg-sunk font-mono font-semibold text-ink-soft text-sm"
    >
      {LETTERS[type] ?? type[0]?.toUpperCase()}
    </span>
  );
}
