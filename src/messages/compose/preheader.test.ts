import { expect, test } from 'vitest';
import { insertPreheader } from './preheader.ts';

test.each([
  ['<html><body><p>x</p></body></html>', '<html><body>|<p>x</p></body></html>'],
  ['<BODY class="a>b" data-x=\'>\'><p>x</p>', '<BODY class="a>b" data-x=\'>\'>|<p>x</p>'],
  ['<body\n bgcolor=red>x', '<body\n bgcolor=red>|x'],
  ['<head><title>x</title></head ><p>x</p>', '<head><title>x</title></head >|<p>x</p>'],
  ['<p>fragment</p>', '|<p>fragment</p>'],
  ['<bodywork>x</bodywork>', '|<bodywork>x</bodywork>'],
  ['<body class="never closed', '|<body class="never closed'],
])('%j', (html, expected) => {
  const inserted = insertPreheader(html, 'Read <b> & more');
  const hidden = /<div style="display:none;[^"]*">Read &lt;b&gt; &amp; more<\/div>/;
  expect(inserted).toMatch(hidden);
  expect(inserted.replace(hidden, '|')).toBe(expected);
});
