import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

type Rgb = [number, number, number];

const css = readFileSync(new URL('./theme.css', import.meta.url), 'utf8');
const pairs = new Map(
  [...css.matchAll(/--color-([a-z-]+): light-dark\(oklch\(([\d. ]+)\), oklch\(([\d. ]+)\)\)/g)].map(
    ([, name, light, dark]) => [name!, { light: rgbOf(light!), dark: rgbOf(dark!) }],
  ),
);

const THEMES = ['light', 'dark'] as const;
const GROUNDS = ['ground', 'surface', 'sunk'];
const TEXT = ['ink', 'ink-soft', 'ink-faint', 'accent'];
const TONES = [
  'waiting',
  'captured',
  'sent',
  'delivered',
  'deferred',
  'uncertain',
  'bounced',
  'failed',
  'stopped',
];
/** Tags and notices stand on a wash of their own color. */
const WASH = 0.12;

describe.each(THEMES)('the %s theme', (theme) => {
  const color = (name: string) => pairs.get(name)![theme];

  test.each(TEXT.flatMap((text) => GROUNDS.map((ground) => [text, ground])))(
    '%s is legible on %s',
    (text, ground) => {
      expect(contrast(color(text!), color(ground!))).toBeGreaterThanOrEqual(4.5);
    },
  );

  test.each(TONES.flatMap((tone) => GROUNDS.map((ground) => [tone, ground])))(
    '%s is legible on its wash over %s',
    (tone, ground) => {
      const wash = mix(color(tone!), color(ground!), WASH);
      expect(contrast(color(tone!), wash)).toBeGreaterThanOrEqual(4.5);
      expect(contrast(color('ink-soft'), wash)).toBeGreaterThanOrEqual(4.5);
    },
  );

  test('the label of the primary button is legible', () => {
    expect(contrast(color('on-accent'), color('accent'))).toBeGreaterThanOrEqual(4.5);
  });

  test.each(GROUNDS)('the outline of a control shows on %s', (ground) => {
    expect(contrast(color('control'), color(ground))).toBeGreaterThanOrEqual(3);
  });
});

/** OKLCH to linear sRGB, clipped to the gamut (https://www.w3.org/TR/css-color-4/#color-conversion-code). */
function rgbOf(oklch: string): Rgb {
  const [l = 0, c = 0, h = 0] = oklch.split(' ').map(Number);
  const a = c * Math.cos((h * Math.PI) / 180);
  const b = c * Math.sin((h * Math.PI) / 180);
  const long = (l + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const medium = (l - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const short = (l - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const rgb: Rgb = [
    4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
    -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
    -0.0041960863 * long - 0.7034186147 * medium + 1.707614701 * short,
  ];
  return rgb.map((part) => Math.min(1, Math.max(0, part))) as Rgb;
}

/** Browsers lay a translucent color over another in gamma-encoded sRGB. */
function mix(over: Rgb, under: Rgb, share: number): Rgb {
  return over.map((part, at) => decode(encode(part) * share + encode(under[at]!) * (1 - share))) as Rgb;
}

function encode(linear: number): number {
  return linear <= 0.0031308 ? linear * 12.92 : 1.055 * linear ** (1 / 2.4) - 0.055;
}

function decode(encoded: number): number {
  return encoded <= 0.04045 ? encoded / 12.92 : ((encoded + 0.055) / 1.055) ** 2.4;
}

/** https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio */
function contrast(one: Rgb, other: Rgb): number {
  const [bright = 0, dim = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (bright + 0.05) / (dim + 0.05);
}

function luminance([red, green, blue]: Rgb): number {
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
