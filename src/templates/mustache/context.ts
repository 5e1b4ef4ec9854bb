/** What a template renders: JSON values by name. */
export type Context = Readonly<Record<string, unknown>>;

/** A value that names are looked up in, and around it those of the enclosing sections. */
export interface Scope {
  readonly value: unknown;
  readonly outer: Scope | undefined;
}

/** The parts of a dotted name; none for '.', the item itself. */
type Path = readonly string[];

export function pathOf(name: string): Path {
  return name === '.' ? [] : name.split('.');
}

/**
 * The value of a path, undefined when it leads nowhere. The innermost scope that has the first part decides, also
 * when the rest of the path is missing there (the specification's context precedence).
 */
export function lookup(scope: Scope, path: Path): unknown {
  const first = path[0];
  if (first === undefined) return scope.value;
  let holder: Scope | undefined = scope;
  while (holder && !has(holder.value, first)) holder = holder.outer;
  let value = holder && member(holder.value, first);
  for (let at = 1; at < path.length; at++) value = member(value, path[at]!);
  return value;
}

/** A value as text. What has none (null, lists, objects, functions, NaN) is '': nobody wants to read [object Object]. */
export function textOf(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return value;
    case 'number':
      return Number.isFinite(value) ? String(value) : '';
    case 'boolean':
    case 'bigint':
      return String(value);
    default:
      return value instanceof Date && Number.isFinite(value.getTime()) ? value.toISOString() : '';
  }
}

/** Whether a section shows its content. Hidden by what is missing, null, false, 0, '', NaN, [] and by functions. */
export function isShown(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  return Boolean(value) && typeof value !== 'function';
}

/** Own properties of objects and lists only: never what JavaScript puts there, such as `constructor`. */
function has(value: unknown, key: string): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key);
}

function member(value: unknown, key: string): unknown {
  return has(value, key) ? value[key] : undefined;
}
