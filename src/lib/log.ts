/** Structured log as a port; pino's loggers fit it as they are. Never given secrets or bodies. */
export interface Log {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  /** `fields.err` holds the fault, if there is one. */
  error(fields: object, message: string): void
  /** The same log with fields that every line carries. */
  child(fields: Record<string, unknown>): Log
}

/** Says nothing; for tests. */
export const silentLog: Log = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLog,
}
