/**
 * What a session reads commands with, and behind it every command: most of the code of IMAP. It is loaded when the first
 * client has been greeted and says something, or when a server that has just started has time for it (`warm-up.ts`).
 * @module
 */
import type { readHead, tagOf } from './command-head.ts'
import type { joinAhead } from './joining.ts'

export interface CommandReading {
  readonly readHead: typeof readHead
  readonly tagOf: typeof tagOf
  readonly joinAhead: typeof joinAhead
}

let loaded: CommandReading | undefined

/** `undefined`: not loaded yet. */
export function commandReading(): CommandReading | undefined {
  return loaded
}

/** Loads it, unless it is. */
export async function loadCommandReading(): Promise<CommandReading> {
  const [head, joining] = await Promise.all([import('./command-head.ts'), import('./joining.ts')])
  loaded ??= { readHead: head.readHead, tagOf: head.tagOf, joinAhead: joining.joinAhead }
  return loaded
}
