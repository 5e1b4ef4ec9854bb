import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, Outlet, useLocation, useNavigate } from '@tanstack/react-router';
import { Ban, Bell, BookOpen, Ellipsis, FileText, KeyRound, LogOut, Mail, Server } from 'lucide-react';
import { type ReactNode, useEffect, useRef } from 'react';
import { call } from './api.ts';
import { Bands } from './bands.tsx';
import { useKeys } from './keys.ts';
import { THEMES, useTheme } from './theme.ts';
import { Mark } from './ui/mark.tsx';
import { type Tone, WASH } from './ui/notice.tsx';
import { meQuery } from './workspaces/queries.ts';

const MAIN = [
  { to: '/messages', label: 'Messages', short: 'Messages', keys: 'g m', Icon: Mail },
  { to: '/templates', label: 'Templates', short: 'Templates', keys: 'g t', Icon: FileText },
] as const;
const BLOCKED = {
  to: '/audience/blocked',
  label: 'Blocked addresses',
  short: 'Blocked addresses',
  keys: 'g b',
  Icon: Ban,
} as const;
const NOTICES = { to: '/notices', label: 'Notices', short: 'Notices', keys: 'g n', Icon: Bell } as const;
const SETTINGS = [
  { to: '/settings/email-servers', label: 'Email Servers', short: 'Servers', keys: 'g s', Icon: Server },
  { to: '/settings/api-key', label: 'API key', short: 'API key', keys: 'g a', Icon: KeyRound },
] as const;
const REFERENCE = {
  to: '/docs',
  label: 'API reference',
  short: 'API reference',
  keys: 'g r',
  Icon: BookOpen,
} as const;
/** The cells of the bottom bar; the others stand behind "More" there. */
const CELLS = [...MAIN, ...SETTINGS];
const MORE = [NOTICES, BLOCKED, REFERENCE];
const ENTRIES = [...CELLS, ...MORE];

type Entry = (typeof ENTRIES)[number];

/** The rail, the state of the workspace, and the page. */
export function Frame() {
  const navigate = useNavigate();
  useKeys(Object.fromEntries(ENTRIES.map(({ keys, to }) => [keys, () => void navigate({ to })])));
  return (
    <div className="min-h-dvh pb-16 md:pb-0 md:pl-[232px]">
      <a
        href="#content"
        className="sr-only z-50 rounded-control bg-accent px-3 py-2 text-on-accent focus:not-sr-only focus:fixed focus:top-2 focus:left-2"
      >
        Skip to content
      </a>
      <Rail />
      <div className="flex min-h-dvh flex-col">
        <Bands />
        <main ref={useFocusOnPage()} id="content" tabIndex={-1} className="flex-1 outline-none">
          <Outlet />
        </main>
      </div>
      <BottomBar />
    </div>
  );
}

/** A new page takes the focus, so that the keyboard and the screen reader go on there. */
function useFocusOnPage() {
  const { pathname } = useLocation();
  const main = useRef<HTMLElement>(null);
  const shown = useRef(pathname);
  useEffect(() => {
    if (shown.current === pathname) return;
    shown.current = pathname;
    if (!main.current?.contains(document.activeElement)) main.current?.focus({ preventScroll: true });
  }, [pathname]);
  return main;
}

function Rail() {
  const { data: me } = useQuery(meQuery);
  return (
    <aside className="fixed inset-y-0 left-0 hidden w-[232px] flex-col border-line border-r bg-sunk px-3 py-4 md:flex">
      <div className="flex items-center gap-2.5 px-2">
        <Mark />
        <div className="min-w-0 flex-1 leading-tight">
          <p className="font-semibold">Mailwright</p>
          <p className="truncate text-ink-soft text-xs">{me?.workspace.name}</p>
        </div>
        <NoticeBell count={me?.state.notices ?? 0} />
      </div>
      <nav aria-label="Main" className="mt-6 flex flex-1 flex-col gap-0.5">
        {[...MAIN, BLOCKED].map((entry) => (
          <RailLink key={entry.to} entry={entry} />
        ))}
        <p className="mt-5 mb-1 border-line border-t px-2 pt-4 text-ink-faint text-xs">Settings</p>
        {[...SETTINGS, REFERENCE].map((entry) => (
          <RailLink key={entry.to} entry={entry} />
        ))}
      </nav>
      <Account email={me?.user?.email} />
    </aside>
  );
}

function NoticeBell({ count }: { count: number }) {
  return (
    <Link
      to={NOTICES.to}
      aria-label={count === 0 ? 'Notices' : `Notices, ${count} not seen`}
      title={`Notices (${NOTICES.keys})`}
      className="relative inline-flex size-8 shrink-0 items-center justify-center rounded-control text-ink-soft transition-colors hover:bg-line/60 hover:text-ink data-[status=active]:bg-line/80 data-[status=active]:text-ink"
    >
      <Bell className="size-4" aria-hidden="true" />
      {count > 0 && (
        <span className="-top-0.5 -right-0.5 absolute flex h-4 min-w-4 items-center justify-center rounded-full bg-failed px-1 font-semibold text-[10px] text-surface tabular-nums">
          {count > 99 ? '99+' : count}
        </span>
      )}
    </Link>
  );
}

function RailLink({ entry: { to, label, keys, Icon } }: { entry: Entry }) {
  return (
    <div className="relative">
      <Link
        to={to}
        title={`${label} (${keys})`}
        className="flex h-8 items-center gap-2.5 rounded-control px-2 text-ink-soft transition-colors hover:bg-line/60 hover:text-ink data-[status=active]:bg-line/80 data-[status=active]:font-medium data-[status=active]:text-ink"
      >
        <Icon className="size-4" aria-hidden="true" />
        {label}
      </Link>
      <span className="absolute inset-y-0 right-1.5 flex items-center">
        <Attention of={to} />
      </span>
    </div>
  );
}

/** What waits for a person, beside the entry where it can be dealt with. */
function Attention({ of }: { of: Entry['to'] }) {
  const { data: me } = useQuery(meQuery);
  if (!me) return null;
  const { uncertain, unwellServers } = me.state;
  if (of === '/messages' && uncertain > 0) {
    return (
      <Link to="/messages" search={{ status: 'uncertain' }} title="Their fate needs your decision">
        <Count tone="uncertain">{uncertain} uncertain</Count>
      </Link>
    );
  }
  if (of === '/settings/email-servers' && unwellServers.length > 0) {
    return (
      <Link to="/settings/email-servers" title={unwellServers.map(({ name }) => name).join(', ')}>
        <Count tone="deferred">{unwellServers.length} unwell</Count>
      </Link>
    );
  }
  return null;
}

function Count({ tone, children }: { tone: Tone; children: ReactNode }) {
  return (
    <span
      className={`flex h-5 items-center rounded-full px-2 font-medium text-xs tabular-nums ${WASH[tone]}`}
    >
      {children}
    </span>
  );
}

function Account({ email }: { email: string | undefined }) {
  const [theme, setTheme] = useTheme();
  const signOut = useSignOut();
  return (
    <div className="space-y-3 border-line border-t pt-3">
      <label className="flex items-center justify-between px-2 text-ink-soft text-sm">
        Theme
        <select
          className="rounded-control border border-transparent bg-transparent py-0.5 pl-1 text-ink capitalize hover:border-control"
          value={theme}
          onChange={(event) => setTheme(THEMES.find((one) => one === event.target.value) ?? 'system')}
        >
          {THEMES.map((one) => (
            <option key={one} value={one} className="bg-surface text-ink">
              {one[0]?.toUpperCase()}
              {one.slice(1)}
            </option>
          ))}
        </select>
      </label>
      {email && (
        <p className="truncate px-2 text-ink-soft text-sm" title={email}>
          {email}
        </p>
      )}
      <button
        type="button"
        onClick={() => signOut.mutate()}
        className="flex h-9 w-full items-center gap-2.5 rounded-control px-2 text-ink-soft hover:bg-line/60 hover:text-ink md:h-8"
      >
        <LogOut className="size-4" aria-hidden="true" />
        Sign out
      </button>
    </div>
  );
}

function useSignOut() {
  const queryClient = useQueryClient();
  const navigate = useNavigate();
  return useMutation({
    mutationFn: () => call('DELETE', '/v1/session'),
    onSettled: async () => {
      await navigate({ to: '/sign-in' });
      queryClient.clear();
    },
  });
}

/** The rail of a phone: the entries, and the rest behind "More". */
function BottomBar() {
  const { data: me } = useQuery(meQuery);
  const dots: Partial<Record<Entry['to'], string>> = {
    ...(me?.state.uncertain && { '/messages': 'bg-uncertain' }),
    ...(me?.state.unwellServers.length && { '/settings/email-servers': 'bg-deferred' }),
  };
  const cell =
    'relative flex h-14 flex-1 flex-col items-center justify-center gap-0.5 text-xs text-ink-soft data-[status=active]:font-medium data-[status=active]:text-accent';
  return (
    <nav
      aria-label="Main"
      className="fixed inset-x-0 bottom-0 z-30 flex border-line border-t bg-surface pb-[env(safe-area-inset-bottom)] md:hidden"
    >
      {CELLS.map(({ to, short, Icon }) => (
        <Link key={to} to={to} className={cell}>
          <Icon className="size-5" aria-hidden="true" />
          {short}
          {dots[to] && <span className={`absolute top-2 ml-7 size-2 rounded-full ${dots[to]}`} />}
        </Link>
      ))}
      <details className="group flex-1">
        <summary className={`${cell} group-open:text-accent`}>
          <Ellipsis className="size-5" aria-hidden="true" />
          More
        </summary>
        <div className="fixed inset-x-3 bottom-16 rounded-card border border-line bg-surface p-3 shadow-float">
          <p className="px-2 pb-3 font-medium">{me?.workspace.name}</p>
          {MORE.map(({ to, label, Icon }) => (
            <Link
              key={to}
              to={to}
              onClick={({ currentTarget }) => currentTarget.closest('details')?.removeAttribute('open')}
              className="flex h-9 items-center gap-2.5 rounded-control px-2 text-ink-soft hover:bg-line/60 hover:text-ink"
            >
              <Icon className="size-4" aria-hidden="true" />
              {label}
              {to === NOTICES.to && me && me.state.notices > 0 && (
                <Count tone="failed">{me.state.notices}</Count>
              )}
            </Link>
          ))}
          <div className="mb-2" />
          <Account email={me?.user?.email} />
        </div>
      </details>
    </nav>
  );
}
