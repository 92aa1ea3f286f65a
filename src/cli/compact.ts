/** `malle compact`: gives back the space of mail that is gone. @module */
import { Command } from 'commander'
import type { Verbs } from '#server/verbs.ts'
import { administer, type CommonOptions, show, withListing } from './context.ts'
import { formatBytes, say } from './language.ts'

export function compactCommand(): Command {
  return withListing(new Command('compact'))
    .description(
      say(
        'give back the space of deleted mail past its retention',
        'récupérer la place du courrier supprimé dont la durée de conservation est passée',
      ),
    )
    .action(async (options: CommonOptions) => {
      const done = await administer(options, (admin) => admin.ask('compact', {}))
      show(options, done, () => `${purged(done.messages)} ${givenBack(done)}`)
    })
}

function purged(messages: number): string {
  if (messages === 0)
    return say(
      'No deleted mail is past its retention.',
      'Aucun courrier supprimé n’a dépassé sa durée de conservation.',
    )
  return say(
    `Deleted messages past their retention that went for good: ${messages}.`,
    `Messages supprimés définitivement, leur durée de conservation étant passée : ${messages}.`,
  )
}

function givenBack({ bytes, inSeconds }: Verbs['compact']['value']): string {
  const size = formatBytes(bytes)
  if (bytes === 0) return say('There is nothing to give back.', 'Il n’y a pas de place à récupérer.')
  if (inSeconds === 0) return say(`Gave back ${size}.`, `Place récupérée : ${size}.`)
  const minutes = Math.ceil(inSeconds / 60)
  return say(
    `Compacted; ${size} will be given back in ${minutes} minutes, as sessions may still read the old files.`,
    `Compacté ; ${size} seront récupérés dans ${minutes} minutes, car des sessions peuvent encore lire les anciens fichiers.`,
  )
}
