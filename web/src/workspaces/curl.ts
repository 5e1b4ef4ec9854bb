/** The line that sends a first message, ready to paste. */
export function sendLine(
  origin: string,
  message: { rcpt: string; templateSlug?: string; variables?: Record<string, string> },
): string {
  const { rcpt, templateSlug, variables } = message;
  const body = templateSlug
    ? { rcpt, templateSlug, ...(variables && Object.keys(variables).length > 0 && { variables }) }
    : { rcpt, subject: 'Hello', text: 'The first of many.' };
  return [
    `curl -X POST ${origin}/v1/messages \\`,
    '  -H "Authorization: Bearer <API key>" \\',
    '  -H "Content-Type: application/json" \\',
    `  -d '${JSON.stringify(body).replaceAll("'", "'\\''")}'`,
  ].join('\n');
}
