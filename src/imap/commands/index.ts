import type { Command } from '../command.ts'

const COMMANDS: readonly Command[] = []

/** Every command by the name a client says, `UID COPY` too. */
export const commands: ReadonlyMap<string, Command> = new Map(
  COMMANDS.flatMap((each) =>
    each.uidForm
      ? [
          [each.name, each],
          [`UID ${each.name}`, each],
        ]
      : [[each.name, each]],
  ),
)
