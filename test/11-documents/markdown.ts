import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../support/program.ts';

/** A document of the project. */
export interface Page {
  /** From the root of the project. */
  path: string;
  text: string;
}

/** A fenced block (CommonMark §4.5). What it is for stands in a comment above it, which no reader of the page sees. */
export interface Block {
  page: string;
  /** The line of the fence, from 1. */
  line: number;
  language: string;
  /** From `<!-- test: KIND -->` in the line before the fence. */
  kind: string | undefined;
  text: string;
}

const FOLDERS = ['.', 'docs', 'docs/decisions'];

export const pages: readonly Page[] = FOLDERS.flatMap((folder) =>
  readdirSync(join(projectRoot, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => readPage(join(folder, name))),
);

function readPage(path: string): Page {
  return { path, text: readFileSync(join(projectRoot, path), 'utf8') };
}

export function pageAt(path: string): Page {
  const page = pages.find((one) => one.path === path);
  if (!page) throw new Error(`There is no page ${path}.`);
  return page;
}

export const allBlocks: readonly Block[] = pages.flatMap(blocksOf);

export function blocksOf({ path, text }: Page): Block[] {
  const lines = text.split('\n');
  const blocks: Block[] = [];
  for (let at = 0; at < lines.length; at++) {
    const [, indent, language] = /^( *)```(.*)$/.exec(lines[at]!) ?? [];
    if (indent === undefined) continue;
    const end = lines.findIndex((line, later) => later > at && line.startsWith(`${indent}\`\`\``));
    if (end < 0) throw new Error(`${path}:${at + 1} opens a block that does not end.`);
    blocks.push({
      page: path,
      line: at + 1,
      language: language!.trim(),
      kind: /^ *<!-- test: (\S+) -->$/.exec(lines[at - 1] ?? '')?.[1],
      text: lines
        .slice(at + 1, end)
        .map((line) => line.slice(indent.length))
        .join('\n'),
    });
    at = end;
  }
  return blocks;
}

/** The one block of a kind. @throws Error when there are more or none */
export function blockOf(kind: string): string {
  const found = allBlocks.filter((block) => block.kind === kind);
  if (found.length !== 1) throw new Error(`There are ${found.length} blocks of the kind ${kind}, not one.`);
  return found[0]!.text;
}

/** The page without its blocks and comments; lines and characters keep their places. */
export function proseOf({ text }: Page): string {
  return text
    .replace(/^( *)```[\s\S]*?^\1```$/gm, (block) => block.replace(/[^\n]/g, ' '))
    .replace(/<!--.*?-->/g, (comment) => ' '.repeat(comment.length));
}

/** From a heading to the next one of its level or above. */
export function sectionOf(page: Page, heading: string): Page {
  const marks = [...proseOf(page).matchAll(/^(#+) (.*)$/gm)];
  const start = marks.findIndex((mark) => mark[2] === heading);
  if (start < 0) throw new Error(`${page.path} has no heading "${heading}".`);
  const end = marks.slice(start + 1).find((mark) => mark[1]!.length <= marks[start]![1]!.length);
  return { path: page.path, text: page.text.slice(marks[start]!.index, end?.index) };
}

/** The rows of all its tables without their heads, as cells. */
export function rowsOf({ text }: Page): string[][] {
  const lines = text.split('\n').filter((line) => line.startsWith('|'));
  return lines
    .filter((line, at) => !isRule(line) && !isRule(lines[at + 1] ?? ''))
    .map((line) =>
      line
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

function isRule(line: string): boolean {
  return /^\|[-|]+$/.test(line);
}

/** What stands in backticks. */
export function quotedIn(text: string): string[] {
  return [...text.matchAll(/`([^`\n]+)`/g)].map((match) => match[1]!);
}
