/** What a client shows in a list of 100,000 messages: envelopes and structures, header fields, previews. @module */
import { readdir, rm } from 'node:fs/promises'
import path from 'node:path'
import type { Contestant } from '../contestant.ts'
import { DriverImap } from '../imap-driver.ts'
import { fillLarge, LARGE_ACCOUNT, LARGE_ADDRESS, LARGE_MESSAGES, mailboxOf } from '../large-mailbox.ts'
import type { Scenario } from '../scenario.ts'

interface Asked {
  readonly name: string
  readonly title: string
  readonly items: string
  readonly messages: number
  /** Of the first time and of those after it. */
  readonly goals?: readonly [first: number, warm: number]
}

const WARMED_UP = 10_000
const FIELDS = 'BODY.PEEK[HEADER.FIELDS (DATE FROM TO SUBJECT MESSAGE-ID REFERENCES)]'

const ASKED: readonly Asked[] = [
  {
    name: 'envelopes',
    title: 'envelope and structure',
    items: 'ENVELOPE BODYSTRUCTURE',
    messages: LARGE_MESSAGES,
    goals: [20, 3],
  },
  { name: 'fields', title: 'six header fields', items: FIELDS, messages: LARGE_MESSAGES, goals: [20, 2] },
  { name: 'previews', title: 'PREVIEW', items: 'PREVIEW', messages: 10_000 },
]

export const fetch: readonly Scenario[] = ASKED.flatMap((asked) => [asking(asked, 'first'), asking(asked, 'warm')])

function asking({ name, title, items, messages, goals }: Asked, when: 'first' | 'warm'): Scenario {
  const goal = goals?.[when === 'first' ? 0 : 1]
  const command = `UID FETCH 1:${messages} (UID ${items})`
  return {
    name: `fetch/${name}-${when}`,
    title: `FETCH ${title}, ${messages.toLocaleString('en')} messages, ${when}`,
    unit: 's',
    more: false,
    ...(goal === undefined ? {} : { goal }),
    ...(when === 'first' ? { rounds: 1 } : {}),
    accounts: [LARGE_ACCOUNT],
    async prepare(server) {
      await fillLarge(server)
      if (when === 'first') return
      const imap = await opened(server)
      await imap.ok(command)
      imap.close()
    },
    before: async (server) => {
      if (when !== 'first') return
      await server.restart({}, () => forgetCaches(server))
      // a server that has been at work, though not on this mailbox
      const imap = await opened(server, mailboxOf(WARMED_UP))
      for (let time = 0; time < 2; time += 1) await imap.ok(`UID FETCH 1:* (UID ${items})`)
      imap.close()
    },
    async round(server, watch) {
      const imap = await opened(server)
      const { seconds, value } = await watch(() => imap.ok(command, ' FETCH ('))
      imap.close()
      return { figure: seconds, answers: value.count, errors: value.count === messages ? 0 : 1 }
    },
  }
}

async function opened(server: Contestant, mailbox = 'INBOX'): Promise<DriverImap> {
  const imap = await DriverImap.login(server, LARGE_ADDRESS)
  await imap.ok(`SELECT ${mailbox}`)
  return imap
}

/** Dovecot forgets what it has found out about messages. Malle finds it out as they arrive: it has nothing to forget. */
async function forgetCaches(server: Contestant): Promise<void> {
  if (server.name !== 'dovecot') return
  const files = await readdir(server.mail, { recursive: true })
  const caches = files.filter((file) => path.basename(file) === 'dovecot.index.cache')
  if (caches.length === 0) throw new Error('Dovecot has no caches')
  for (const cache of caches) await rm(path.join(server.mail, cache))
}
