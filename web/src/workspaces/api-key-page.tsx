import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { call } from '../api.ts';
import { Button } from '../ui/button.tsx';
import { CodeBlock, Secret } from '../ui/code.tsx';
import { Confirm } from '../ui/dialog.tsx';
import { Notice, Problem } from '../ui/notice.tsx';
import { LoadingRows, Page } from '../ui/page.tsx';
import { Time } from '../ui/time.tsx';
import { sendLine } from './curl.ts';
import { apiKeysQuery, type KeyView, meQuery } from './queries.ts';

export function ApiKeyPage() {
  const keys = useQuery(apiKeysQuery);
  const { data: me } = useQuery(meQuery);
  const [fresh, setFresh] = useState<string>();
  const rcpt = me?.user?.email ?? 'you@example.com';
  return (
    <Page
      title="API key"
      width="form"
      intro="Your programs send mail with it. Only a hash is stored, so it cannot be shown again."
    >
      {keys.error && <Problem error={keys.error} onRetry={() => void keys.refetch()} />}
      {keys.isPending && <LoadingRows rows={1} />}
      {fresh && (
        <div className="mb-4">
          <Notice alert tone="sent" title="The new key works now. The old one has stopped.">
            <p>Copy it before you leave this page; it is shown once.</p>
            <div className="mt-3 text-ink">
              <Secret label="API key" value={fresh} />
            </div>
          </Notice>
        </div>
      )}
      <ul className="space-y-2">
        {keys.data?.map((key) => (
          <KeyRow key={key.id} apiKey={key} onFresh={setFresh} />
        ))}
      </ul>
      <div className="mt-8">
        <CodeBlock label="Send a message" code={sendLine(location.origin, { rcpt })} />
      </div>
    </Page>
  );
}

function KeyRow({ apiKey, onFresh }: { apiKey: KeyView; onFresh: (key: string) => void }) {
  const queryClient = useQueryClient();
  const [asking, setAsking] = useState(false);
  const regenerate = useMutation({
    mutationFn: () => call<{ key: string }>('POST', `/v1/api-keys/${apiKey.id}/regenerate`),
    onSuccess: async ({ key }) => {
      setAsking(false);
      onFresh(key);
      await queryClient.invalidateQueries({ queryKey: apiKeysQuery.queryKey });
    },
  });
  return (
    <li className="flex flex-wrap items-center justify-between gap-3 rounded-card border border-line bg-surface px-4 py-3">
      <div>
        <p className="font-medium">{apiKey.name}</p>
        <p className="text-ink-soft text-sm">
          <code className="font-mono">…{apiKey.ending}</code> · made <Time at={apiKey.createdAt} />
        </p>
      </div>
      <Button onClick={() => setAsking(true)}>Regenerate key</Button>
      <Confirm
        title="Regenerate the API key?"
        open={asking}
        onClose={() => setAsking(false)}
        action="Regenerate key"
        busy={regenerate.isPending}
        onConfirm={() => regenerate.mutate()}
      >
        <p>
          The key ending in <code className="font-mono text-ink">{apiKey.ending}</code> stops at once.
          Programs that use it get the answer 401 until you give them the new one.
        </p>
        {regenerate.error && <Problem error={regenerate.error} />}
      </Confirm>
    </li>
  );
}
