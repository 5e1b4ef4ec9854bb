import { expect, test } from 'vitest';
import { joined, type Part } from '../../templates/mustache/index.ts';
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
  const inserted = joined(insertPreheader(html, 'Read <b> & more'));
  const hidden = /<div style="display:none;[^"]*">Read &lt;b&gt; &amp; more<\/div>/;
  expect(inserted).toMatch(hidden);
  expect(inserted.replace(hidden, '|')).toBe(expected);
});

test.each<[string, Part[]]>([
  ['inside of a text of the template', [{ text: '<body><p>' }, 'x', { text: '</p>' }]],
  ['inside of a value', ['<p>x<body><p>', { text: 'x' }]],
  ['behind a value in the tag', [{ text: '<body class="' }, 'a>b', { text: '"><p>x</p>' }]],
  ['between two pieces', [{ text: '<body>' }, 'x']],
  ['behind the last piece', [{ text: '<body ' }, '>']],
  ['in front of all', [{ text: '<p>x</p>' }, 'y']],
  ['in front of nothing', []],
])('in pieces, %s', (_, parts) => {
  const whole = joined(insertPreheader(joined(parts), 'Read'));
  expect(joined(insertPreheader(parts, 'Read'))).toBe(whole);
});

test('the halves of a text of the template are the same objects every time', () => {
  const part = { text: '<body><p>x</p>' };
  const [before, , after] = insertPreheader([part], 'one');
  const [again, , andAfter] = insertPreheader([part], 'two');
  expect([before, after]).toEqual([{ text: '<body>' }, { text: '<p>x</p>' }]);
  expect(again).toBe(before);
  expect(andAfter).toBe(after);
  const [other] = insertPreheader([{ text: '<p>' }, part], 'three');
  expect(other).toEqual({ text: '<p>' });
});
