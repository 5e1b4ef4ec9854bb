import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query';
import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  RouterProvider,
  redirect,
} from '@tanstack/react-router';
import { ApiError } from './api.ts';
import type { BlockFilters } from './audience/queries.ts';
import { Frame } from './frame.tsx';
import type { MessageFilters } from './messages/queries.ts';
import { OpenFrame } from './reference/open-frame.tsx';
import { Lost, Stopped } from './stopped.tsx';
import { Toasts } from './ui/toast.tsx';
import { meQuery, setupQuery } from './workspaces/queries.ts';

const FRESH_MS = 2_000;
const TRIES = 2;

const signedOut = (error: Error) => {
  if (error instanceof ApiError && error.status === 401) void leave();
};

const queryClient = new QueryClient({
  queryCache: new QueryCache({ onError: signedOut }),
  mutationCache: new MutationCache({ onError: signedOut }),
  defaultOptions: {
    queries: {
      staleTime: FRESH_MS,
      // An answer that names a fault would be the same again; a missing one may come.
      retry: (failures, error) =>
        failures < TRIES && !(error instanceof ApiError && error.status >= 400 && error.status < 500),
    },
  },
});

const root = createRootRoute({
  component: () => (
    <>
      <Outlet />
      <Toasts />
    </>
  ),
  notFoundComponent: Lost,
});

const setup = createRoute({
  getParentRoute: () => root,
  path: '/setup',
  validateSearch: (search): { token?: string } => texts(search, ['token']),
  component: lazyRouteComponent(() => import('./workspaces/setup-page.tsx'), 'SetupPage'),
});

const signIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  validateSearch: (search): { next?: string } => texts(search, ['next']),
  component: lazyRouteComponent(() => import('./workspaces/sign-in-page.tsx'), 'SignInPage'),
});

/** Everything inside the frame needs somebody who is signed in. */
const framed = createRoute({
  getParentRoute: () => root,
  id: 'framed',
  component: Frame,
  beforeLoad: async ({ location }) => {
    try {
      await queryClient.ensureQueryData(meQuery);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) throw error;
      const { needed } = await queryClient.fetchQuery(setupQuery);
      throw needed
        ? redirect({ to: '/setup' })
        : redirect({ to: '/sign-in', search: { next: location.href } });
    }
  },
});

/** For everybody; who is signed in keeps the frame around it. */
const open = createRoute({
  getParentRoute: () => root,
  id: 'open',
  beforeLoad: async () => ({
    isSignedIn: await queryClient.ensureQueryData(meQuery).then(
      () => true,
      () => false,
    ),
  }),
  component: function Open() {
    return open.useRouteContext().isSignedIn ? <Frame /> : <OpenFrame />;
  },
});

const reference = createRoute({
  getParentRoute: () => open,
  path: '/docs',
  component: lazyRouteComponent(() => import('./reference/reference-page.tsx'), 'ReferencePage'),
});

const home = createRoute({
  getParentRoute: () => root,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: '/messages' });
  },
});

const messages = createRoute({
  getParentRoute: () => framed,
  path: '/messages',
  validateSearch: (search): MessageFilters =>
    texts(search, ['status', 'q', 'template', 'server', 'type', 'tag']),
  component: lazyRouteComponent(() => import('./messages/messages-page.tsx'), 'MessagesPage'),
});

const message = createRoute({
  getParentRoute: () => framed,
  path: '/messages/$id',
  component: lazyRouteComponent(() => import('./messages/message-page.tsx'), 'MessagePage'),
});

const templates = createRoute({
  getParentRoute: () => framed,
  path: '/templates',
  component: lazyRouteComponent(() => import('./templates/templates-page.tsx'), 'TemplatesPage'),
});

const newTemplate = createRoute({
  getParentRoute: () => framed,
  path: '/templates/new',
  component: lazyRouteComponent(() => import('./templates/new-template-page.tsx'), 'NewTemplatePage'),
});

const template = createRoute({
  getParentRoute: () => framed,
  path: '/templates/$slug',
  component: lazyRouteComponent(() => import('./templates/template-page.tsx'), 'TemplatePage'),
});

const servers = createRoute({
  getParentRoute: () => framed,
  path: '/settings/email-servers',
  component: lazyRouteComponent(() => import('./servers/servers-page.tsx'), 'ServersPage'),
});

const newServer = createRoute({
  getParentRoute: () => framed,
  path: '/settings/email-servers/new',
  validateSearch: (search): { type?: string } => texts(search, ['type']),
  component: lazyRouteComponent(() => import('./servers/new-server-page.tsx'), 'NewServerPage'),
});

const server = createRoute({
  getParentRoute: () => framed,
  path: '/settings/email-servers/$id',
  component: lazyRouteComponent(() => import('./servers/server-page.tsx'), 'ServerPage'),
});

const blocked = createRoute({
  getParentRoute: () => framed,
  path: '/audience/blocked',
  validateSearch: (search): BlockFilters => texts(search, ['q', 'reason']),
  component: lazyRouteComponent(() => import('./audience/blocked-page.tsx'), 'BlockedPage'),
});

const notices = createRoute({
  getParentRoute: () => framed,
  path: '/notices',
  component: lazyRouteComponent(() => import('./notices/notices-page.tsx'), 'NoticesPage'),
});

const apiKey = createRoute({
  getParentRoute: () => framed,
  path: '/settings/api-key',
  component: lazyRouteComponent(() => import('./workspaces/api-key-page.tsx'), 'ApiKeyPage'),
});

const router = createRouter({
  routeTree: root.addChildren([
    home,
    setup,
    signIn,
    open.addChildren([reference]),
    framed.addChildren([
      messages,
      message,
      templates,
      newTemplate,
      template,
      blocked,
      notices,
      servers,
      newServer,
      server,
      apiKey,
    ]),
  ]),
  defaultPreload: 'intent',
  defaultErrorComponent: Stopped,
  scrollRestoration: true,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}

export function App() {
  return (
    <QueryClientProvider client={queryClient}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  );
}

/** A session that ended leads to the sign-in page and from there back. */
async function leave(): Promise<void> {
  const { pathname, href } = router.state.location;
  // Before anybody was signed in there is no session to lose; the frame's own check leads the way.
  if (pathname === '/sign-in' || pathname === '/setup' || !queryClient.getQueryData(meQuery.queryKey)) return;
  queryClient.clear();
  await router.navigate({ to: '/sign-in', search: { next: href } });
}

/** The named parameters of the address that are texts and not empty. */
function texts<Name extends string>(
  search: Record<string, unknown>,
  names: Name[],
): Partial<Record<Name, string>> {
  return Object.fromEntries(
    names.flatMap((name) => (search[name] || search[name] === 0 ? [[name, String(search[name])]] : [])),
  ) as Partial<Record<Name, string>>;
}
