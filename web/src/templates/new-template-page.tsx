import { TemplateEditor } from './template-editor.tsx';

export function NewTemplatePage() {
  return <TemplateEditor template={undefined} />;
}
