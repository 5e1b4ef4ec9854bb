import { relative } from 'node:path';
import { root } from './processes.ts';

/** What V8 writes (https://chromedevtools.github.io/devtools-protocol/tot/Profiler/#type-Profile). */
export interface Profile {
  nodes: {
    id: number;
    callFrame: { functionName: string; url: string; lineNumber: number };
    children?: number[];
  }[];
  samples: number[];
  /** Microseconds since the sample before. */
  timeDeltas: number[];
}

type Node = Profile['nodes'][number];

/** Prints self time by room, by file and by function, and by room with all that it called. */
export function tell(profile: Profile, top: number): void {
  const self = selfTimes(profile);
  const idle = new Set(profile.nodes.filter((node) => node.callFrame.functionName === '(idle)'));
  const busy = [...self].filter(([node]) => !idle.has(node));
  const total = busy.reduce((sum, [, micros]) => sum + micros, 0);
  process.stdout.write(`\nBusy for ${(total / 1e6).toFixed(1)} s\n`);
  print(
    'Self time by room or package',
    grouped(busy, ({ callFrame }) => roomOf(callFrame)),
    total,
    top,
  );
  print('With what it called, by room', inclusive(profile, self, idle), total, top);
  print(
    'Self time by file',
    grouped(busy, ({ callFrame }) => fileOf(callFrame)),
    total,
    top,
  );
  print(
    'Self time by function',
    grouped(busy, ({ callFrame }) => `${callFrame.functionName || '(anonymous)'}  ${placeOf(callFrame)}`),
    total,
    top,
  );
}

function selfTimes({ nodes, samples, timeDeltas }: Profile): Map<Node, number> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const times = new Map<Node, number>();
  for (const [at, id] of samples.entries()) {
    const node = byId.get(id)!;
    times.set(node, (times.get(node) ?? 0) + (timeDeltas[at] ?? 0));
  }
  return times;
}

function grouped(times: readonly [Node, number][], name: (node: Node) => string): Map<string, number> {
  const sums = new Map<string, number>();
  for (const [node, micros] of times) sums.set(name(node), (sums.get(name(node)) ?? 0) + micros);
  return sums;
}

/** A room's time is every moment in which one of its functions was on the stack. Time behind an await counts below. */
function inclusive(profile: Profile, self: Map<Node, number>, idle: Set<Node>): Map<string, number> {
  const byId = new Map(profile.nodes.map((node) => [node.id, node]));
  const sums = new Map<string, number>();
  const visit = (node: Node, rooms: ReadonlySet<string>): void => {
    if (idle.has(node)) return;
    const own = roomOf(node.callFrame);
    const here = own.startsWith('src/') ? new Set(rooms).add(own) : rooms;
    for (const room of here) sums.set(room, (sums.get(room) ?? 0) + (self.get(node) ?? 0));
    for (const child of node.children ?? []) visit(byId.get(child)!, here);
  };
  visit(profile.nodes[0]!, new Set());
  return sums;
}

function print(title: string, sums: Map<string, number>, total: number, top: number): void {
  process.stdout.write(`\n${title}\n`);
  const largest = [...sums].sort(([, a], [, b]) => b - a).slice(0, top);
  for (const [name, micros] of largest)
    process.stdout.write(`  ${((100 * micros) / total).toFixed(1).padStart(5)} %  ${name}\n`);
}

function fileOf({ url, functionName }: Node['callFrame']): string {
  if (url === '') return functionName.startsWith('(') ? functionName : '(native)';
  if (!url.startsWith('file:')) return url;
  return relative(root, new URL(url).pathname);
}

function placeOf(frame: Node['callFrame']): string {
  return frame.url === '' ? '' : `${fileOf(frame)}:${frame.lineNumber + 1}`;
}

/** `src/engine`, `package kysely`, `node net`. */
function roomOf(frame: Node['callFrame']): string {
  const file = fileOf(frame);
  const [, name] = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file) ?? [];
  if (name) return `package ${name}`;
  if (file.startsWith('node:')) return `node ${file.slice(5).replace(/^internal\//, '')}`;
  if (!file.startsWith('src/')) return file;
  const parts = file.split('/');
  return parts.length > 2 ? `src/${parts[1]}` : file;
}
