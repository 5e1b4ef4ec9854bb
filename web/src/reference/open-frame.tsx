import { Link, Outlet } from '@tanstack/react-router';
import { Mark } from '../ui/mark.tsx';

/** Around pages that need nobody to be signed in. */
export function OpenFrame() {
  return (
    <>
      <header className="border-line border-b bg-sunk">
        <div className="mx-auto flex max-w-[1168px] items-center gap-2.5 px-4 py-3 md:px-6">
          <Mark />
          <span className="font-semibold">Mailwright</span>
          <Link
            to="/sign-in"
            search={{ next: '/docs' }}
            className="ml-auto text-accent underline underline-offset-2"
          >
            Sign in
          </Link>
        </div>
      </header>
      <main>
        <Outlet />
      </main>
    </>
  );
}
