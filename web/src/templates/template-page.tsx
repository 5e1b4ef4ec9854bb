import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { ApiError } from '../api.ts';
import { ButtonLink } from '../ui/button.tsx';
import { Notice, Problem } from '../ui/notice.tsx';
import { LoadingRows, Page } from '../ui/page.tsx';
import { templateQuery } from './queries.ts';
import { TemplateEditor } from './template-editor.tsx';

export function TemplatePage() {
  const { slug } = useParams({ from: '/framed/templates/$slug' });
  const template = useQuery(templateQuery(slug));
  // Never a remembered version: the author would start from what others have changed since.
  if (template.data && template.isFetchedAfterMount)
    return <TemplateEditor key={template.data.id} template={template.data} />;

  const gone = template.error instanceof ApiError && template.error.status === 404;
  return (
    <Page title="Template" back={<Link to="/templates">Templates</Link>}>
      {!template.error && <LoadingRows rows={8} />}
      {gone && (
        <Notice
          tone="stopped"
          title={`There is no template "${slug}" in this workspace.`}
          actions={<ButtonLink to="/templates">View templates</ButtonLink>}
        />
      )}
      {template.error && !gone && <Problem error={template.error} onRetry={() => void template.refetch()} />}
    </Page>
  );
}
