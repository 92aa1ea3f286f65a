import { pino } from 'pino'
import type { Log } from '#services/session-deps.ts'

/** A log of JSON lines on standard error; every thread has its own. What could be a secret prints as `***`. */
export function createLog(level: 'debug' | 'info' | 'warn' | 'error', bindings: object = {}): Log {
  const log = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: ['password', '*.password', 'secret', '*.secret', 'token', '*.token'], censor: '***' },
      serializers: { error: pino.stdSerializers.err },
    },
    pino.destination({ fd: 2, sync: true }),
  )
  return log.child(bindings)
}
