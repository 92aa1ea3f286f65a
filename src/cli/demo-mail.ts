/** Example accounts and mail of every kind, for the demo. @module */
import { prepareEmail } from '#mail/prepare.ts'
import { scanMessage } from '#mail/scanner.ts'
import type { LaterAdministration } from '#server/later-administration.ts'
import { flagsOf } from '#store/flags.ts'
import type { MailStore } from '#store/mail-store.ts'
import type { AccountRef, NewMessage } from '#store/types.ts'
import { DEMO_MESSAGES, type DemoMessage } from './demo-messages.ts'

export const DEMO_DOMAIN: string = 'malle.example'

/** The accounts of the demo. Their passwords are public: it listens on loopback only. */
interface DemoUser {
  readonly address: string
  readonly name: string
  readonly password: string
  readonly mailboxes: readonly string[]
}

export const DEMO_USERS: readonly DemoUser[] = [
  {
    address: `claire@${DEMO_DOMAIN}`,
    name: 'Claire Hélène Dupré',
    password: 'diligence',
    mailboxes: ['Projets été', 'Projets été/Réunions', 'Listes/malle-users'],
  },
  {
    address: `hugo@${DEMO_DOMAIN}`,
    name: 'Hugo Weiß',
    password: 'postillon',
    mailboxes: ['Kunden', 'Rechnungen 2026'],
  },
]

const QUOTA_BYTES = 2 * 1024 ** 3

/** Makes what is missing; a demo that has its accounts is left as people made it. */
export async function fillDemo(administration: LaterAdministration, store: MailStore): Promise<void> {
  const domains = await administration.ask('domain.list', {})
  if (!domains.some(({ name }) => name === DEMO_DOMAIN)) {
    await administration.ask('domain.add', { name: DEMO_DOMAIN })
    // what is tried with somebody's real address stays on this machine
    await administration.ask('queue.pause', {})
  }
  const accounts = await administration.ask('account.list', {})
  for (const user of DEMO_USERS) {
    if (accounts.some(({ address }) => address === user.address)) continue
    await administration.ask('account.add', {
      address: user.address,
      name: user.name,
      password: user.password,
      quotaBytes: QUOTA_BYTES,
    })
    const account = await administration.accountRef(user.address)
    for (const name of user.mailboxes) {
      await store.write('createMailbox', { account, by: 'demo', name, specialUse: undefined })
      await store.write('subscribe', { account, by: 'demo', name, subscribed: true })
    }
    await append(
      store,
      account,
      DEMO_MESSAGES.filter(({ to }) => to === user.address),
    )
  }
  const aliases = await administration.ask('alias.list', {})
  if (aliases.length === 0) {
    await administration.ask('alias.set', {
      address: `team@${DEMO_DOMAIN}`,
      targets: DEMO_USERS.map(({ address }) => address),
      create: true,
    })
  }
}

async function append(store: MailStore, account: AccountRef, messages: readonly DemoMessage[]): Promise<void> {
  const { default: MailComposer } = await import('nodemailer/lib/mail-composer')
  const now = Date.now()
  const byMailbox = Map.groupBy(
    [...messages].sort((a, b) => b.minutesAgo - a.minutesAgo),
    ({ mailbox }) => mailbox,
  )
  for (const [name, list] of byMailbox) {
    const mailbox = await store.mailboxByName(account, name)
    if (mailbox === undefined) throw new Error(`The demo has no mailbox "${name}"`)
    const batch: NewMessage[] = []
    for (const message of list) {
      const at = Math.floor((now - message.minutesAgo * 60_000) / 1000) * 1000
      const bytes =
        message.raw?.(at) ??
        (await new MailComposer({ ...message.mail, date: new Date(at), newline: 'windows' }).compile().build())
      const stage = store.stage(account.shard)
      await stage.write(bytes)
      batch.push({
        body: await stage.finish(),
        email: prepareEmail(scanMessage(bytes)),
        trace: new Uint8Array(),
        flags: flagsOf(message.flags ?? []),
        internalDate: at,
        internalZone: 0,
        uidl: undefined,
      })
    }
    const kept = await store.write('append', { account, by: 'demo', mailbox: mailbox.key, messages: batch })
    if (!kept.ok) throw new Error(`The demo's mail cannot be kept: ${kept.error.kind}`)
  }
}
