/** Server processes and raw clients, shared with the crash suite. @module */
export * from '../test/crash/connection.ts'
export * from '../test/crash/server-process.ts'
