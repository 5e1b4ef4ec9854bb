import { Link, useRouter } from '@tanstack/react-router';
import { ButtonLink } from './ui/button.tsx';
import { Problem } from './ui/notice.tsx';
import { Page } from './ui/page.tsx';

/** A page that could not be shown, with its reason. */
export function Stopped({ error }: { error: unknown }) {
  const router = useRouter();
  return (
    <main>
      <Page title="This page did not open" width="form">
        <Problem
          error={error instanceof Error ? error : new Error(String(error))}
          onRetry={() => void router.invalidate()}
        />
      </Page>
    </main>
  );
}

/** An address without a page. */
export function Lost() {
  return (
    <main>
      <Page
        title="There is no page here"
        width="form"
        intro="The address may be mistyped, or what it showed was deleted."
      >
        <ButtonLink to="/messages" look="primary">
          Open messages
        </ButtonLink>
        <p className="mt-4 text-ink-soft">
          Or go to{' '}
          <Link className="text-accent underline" to="/templates">
            templates
          </Link>{' '}
          or{' '}
          <Link className="text-accent underline" to="/settings/email-servers">
            email servers
          </Link>
          .
        </p>
      </Page>
    </main>
  );
}
