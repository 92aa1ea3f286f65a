/** What `malle collect` says of a run. @module */
import type { CollectReport } from '#transfer/collect/collect.ts'
import type { CollectAccount, CollectPlace } from './collect-accounts.ts'
import { counted, formatBytes, say } from './language.ts'
import type { StoreName } from './store-name.ts'

/** What was done, for people. */
export function collectSentences(
  { from, to, policy }: CollectAccount,
  report: CollectReport,
  dryRun: boolean,
): string[] {
  const place = placeOf(to)
  const where = `${from.login} (${from.host})`
  const said: string[] = report.refused.map(({ id, why }) =>
    say(`Message ${id} was not taken: ${why}`, `Le message ${id} n’a pas été pris : ${why}`),
  )
  said.push(...report.notes.map(({ id, note }) => say(`Message ${id}: ${note}`, `Message ${id} : ${note}`)))
  if (report.maybeTwice > 0) {
    const n = counted(report.maybeTwice, ['message', 'messages'], ['message', 'messages'])
    said.push(
      say(
        `An earlier run ended over ${n}, which may be there twice now.`,
        `Une relève précédente s’est interrompue sur ${n}, peut-être en double maintenant.`,
      ),
    )
  }
  if (dryRun) {
    const there = messages(report.left)
    said.push(
      say(
        `${where} has ${there} to fetch and ${messages(report.known)} that are here already.`,
        `${where} : ${there} à relever, ${messages(report.known)} déjà ici.`,
      ),
    )
    return said
  }
  const size = report.taken === 0 ? '' : ` (${formatBytes(report.octets)})`
  const removed =
    report.removed === 0 ? '' : say(`, ${report.removed} deleted there`, `, ${report.removed} effacés là-bas`)
  const kept =
    report.known === 0 || policy.kind === 'delete' ? '' : say(`, ${report.known} known`, `, ${report.known} connus`)
  said.push(
    report.taken === 0
      ? say(`Nothing new from ${where}${kept}${removed}.`, `Rien de nouveau chez ${where}${kept}${removed}.`)
      : say(
          `Fetched ${messages(report.taken)}${size} from ${where} into ${place}${kept}${removed}.`,
          `Relevé ${messages(report.taken)}${size} de ${where} dans ${place}${kept}${removed}.`,
        ),
  )
  return said
}

function placeOf(to: CollectPlace): string {
  switch (to.kind) {
    case 'maildir':
    case 'mbox':
      return to.path
    case 'command':
      return to.command
    case 'lmtp':
      return `${to.recipient} (${to.host})`
    case 'store':
      return placeOfStore(to.store)
  }
}

function placeOfStore(store: StoreName): string {
  if (store.kind === 'folder') return store.path
  const at = store.mailbox === undefined ? '' : ` (${store.mailbox})`
  return say(`the mailbox of ${store.address}${at}`, `la boîte de ${store.address}${at}`)
}

function messages(count: number): string {
  return counted(count, ['message', 'messages'], ['message', 'messages'])
}
