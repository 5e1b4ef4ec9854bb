import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mask, TOKEN, unmask } from './mask.ts';
import { anyTemplate } from './testing.ts';

describe('mask', () => {
  test('leaves no brace of a tag, and nothing that has a case or a space', () => {
    const { text, originals } = mask('<p>Hi {{ name | "my friend" }}{{#a}}!{{/a}}</p>');
    expect(text.replace(TOKEN, 'T')).toBe('<p>Hi TT!T</p>');
    expect(text.match(TOKEN)!.every((token) => token === token.toUpperCase() && !/\s/.test(token))).toBe(
      true,
    );
    expect(originals.map(({ source }) => source)).toEqual(['{{ name | "my friend" }}', '{{#a}}', '{{/a}}']);
  });

  test('gives equal tags equal tokens', () => {
    const [first, second, third] = mask('{{a}}{{ a }}{{a}}').text.match(TOKEN)!;
    expect(third).toBe(first);
    expect(second).not.toBe(first);
  });

  test('does not mistake a source that looks masked', () => {
    const source = '\ue0000\ue001{{a}}\ue001\ue000';
    const { text, originals } = mask(source);
    expect(unmask(text, originals)).toBe(source);
    expect(unmask('\ue00099\ue001', originals)).toBe('\ue00099\ue001');
  });

  test('and back is the same source', () => {
    const bracket = fc.constantFrom('', '\ue000', '\ue001', '\ue0000\ue001');
    fc.assert(
      fc.property(anyTemplate, bracket, anyTemplate, (before, between, after) => {
        const source = before + between + after;
        const { text, originals } = mask(source);
        expect(text).not.toContain('{{');
        expect(unmask(text, originals)).toBe(source);
      }),
    );
  });
});
