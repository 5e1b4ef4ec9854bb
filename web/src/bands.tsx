import { useQuery } from '@tanstack/react-query';
import { Link, useLocation } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { type Tone, WASH } from './ui/notice.tsx';
import { type MeView, meQuery } from './workspaces/queries.ts';

/** The state of the workspace, above every page, while it is not the ordinary one. */
export function Bands() {
  const { data: me } = useQuery(meQuery);
  if (!me) return null;
  return (
    <>
      <PausedBand state={me.state} />
      {me.workspace.mode === 'sandbox' && <SandboxBand />}
      <NoticesBand count={me.state.notices} />
    </>
  );
}

/** An installation that cannot pause has no such word in its state. */
type MaybePaused = MeView['state'] & { paused?: boolean | { reason?: string | null } | null };

function PausedBand({ state }: { state: MaybePaused }) {
  const { paused } = state;
  if (!paused) return null;
  const reason = typeof paused === 'object' ? paused.reason : undefined;
  return (
    <Band tone="deferred">
      <p>
        <span className="font-medium">Sending is paused.</span> {reason && `${reason} `}Mail is accepted and
        waits. Whoever runs this installation lets it go on with{' '}
        <code className="font-mono">bin/mailwright queue release</code>.
      </p>
    </Band>
  );
}

function SandboxBand() {
  return (
    <Band tone="captured">
      <p>Sandbox: mail is kept here. Connect a server to go live.</p>
      <Link to="/settings/email-servers/new" className="font-medium underline underline-offset-2">
        Add server
      </Link>
    </Band>
  );
}

/** Phones have no rail, where the bell stands. */
function NoticesBand({ count }: { count: number }) {
  const { pathname } = useLocation();
  if (count === 0 || pathname === '/notices') return null;
  return (
    <div className="md:hidden">
      <Band tone="failed">
        <Link to="/notices" className="font-medium underline underline-offset-2">
          {count === 1 ? 'A notice needs you' : `${count} notices need you`}
        </Link>
      </Band>
    </div>
  );
}

function Band({ tone, children }: { tone: Tone; children: ReactNode }) {
  return (
    <div
      className={`flex flex-wrap items-center gap-x-4 border-current/25 border-b px-4 py-1.5 text-sm md:px-6 ${WASH[tone]}`}
    >
      {children}
    </div>
  );
}
