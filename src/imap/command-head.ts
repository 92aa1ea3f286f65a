import type { Frame } from '#wire/imap/frame.ts'
import { CommandReader } from '#wire/imap/reader.ts'
import { SyntaxFault } from '#wire/imap/syntax-fault.ts'
import type { Command, Enabled } from './command.ts'
import { commands } from './commands/index.ts'

/** Beginning of a command: enough to choose how to go on. */
export interface Head {
  readonly tag: string
  /** Upper case, `UID FETCH`. */
  readonly name: string
  /** `undefined`: unknown. */
  readonly command: Command | undefined
  /** Stands behind the name. */
  readonly reader: CommandReader
}

/** Reads tag and name of a command, which may not have come to its end yet; or gives what is wrong with them. */
export function readHead(frame: Frame, { utf8 }: Enabled): Head | SyntaxFault {
  const reader = new CommandReader(frame, { utf8 })
  try {
    const tag = reader.tag()
    const name = reader.sp().commandName()
    return { tag, name, command: commands.get(name), reader }
  } catch (error) {
    if (error instanceof SyntaxFault) return error
    throw error
  }
}

/** The tag of a command that cannot be read, `*` where it has none. */
export function tagOf(text: string): string {
  return /^[^\0-\x20\x7f-\xff\ue000(){%*+"\\]+(?= )/.exec(text)?.[0] ?? '*'
}
