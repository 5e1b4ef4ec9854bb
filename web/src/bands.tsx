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

/** Why nothing is sent; absent or null while sending goes on. */
type MaybePaused = MeView['state'] & { paused?: { code: string; reason: string } | null };

function PausedBand({ state: { paused } }: { state: MaybePaused }) {
  if (!paused) return null;
  return (
    <Band tone="deferred">
      <p>
        <span className="font-medium">Sending is paused.</span> {paused.code !== 'held' && paused.reason}{' '}
        {paused.code === 'disk_full' ? (
          'Free some space: it goes on by itself.'
        ) : (
          <>
            Mail is accepted and waits.{' '}
            {paused.code === 'restored' && (
              <>
                <Link to="/messages" search={{ status: 'queued' }} className="underline underline-offset-2">
                  Look at what is queued
                </Link>
                , cancel what has gone out; then{' '}
              </>
            )}
            <code className="font-mono">bin/mailwright queue release</code> ends the pause.
          </>
        )}
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
