/** A command was called in a way it does not know. One line on stderr, and 64 (EX_USAGE of sysexits). */
export class UsageError extends Error {}
