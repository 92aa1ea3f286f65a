/** `malle compact`: gives back the space of mail that is gone. @module */
import { Command } from 'commander'
import { administer, type CommonOptions, show, withListing } from './context.ts'
import { formatBytes, say } from './language.ts'

export function compactCommand(): Command {
  return withListing(new Command('compact'))
    .description(say('give back the space of deleted mail', 'récupérer la place du courrier supprimé'))
    .action(async (options: CommonOptions) => {
      const done = await administer(options, (admin) => admin.ask('compact', {}))
      show(options, done, () =>
        say(`Gave back ${formatBytes(done.bytes)}.`, `Place récupérée : ${formatBytes(done.bytes)}.`),
      )
    })
}
