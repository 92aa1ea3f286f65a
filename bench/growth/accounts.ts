/** One server with ever more accounts, of which few do something at a time. @module */
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { loadConfig } from '#config/load.ts'
import { openAdministration } from '#server/open-administration.ts'
import type { Administration } from '#server/verbs.ts'
import { DOMAIN } from '../compare/contestant.ts'
import { DriverImap } from '../compare/imap-driver.ts'
import { plainMessage } from '../compare/mail.ts'
import { deliver, openLmtp, percentile } from '../kit.ts'
import { Installation, type ServerProcess } from '../raw.ts'
import { accountsFile, memoryOf, started, syncMs } from './installations.ts'
import { clocked, Figures, type Manner, type Measure, type Point } from './measures.ts'

export const ACCOUNT_MEASURES: readonly Measure[] = [
  { name: 'accounts from a file', unit: 'ms', rule: 'with-size' },
  { name: 'start-up', unit: 'ms', rule: 'flat' },
  { name: 'delivery to anyone', unit: 'ms', rule: 'flat' },
  { name: 'first log-in, with hashing', unit: 'ms', rule: 'flat' },
  { name: 'log-in', unit: 'ms', rule: 'flat' },
  { name: 'LIST', unit: 'ms', rule: 'flat' },
  { name: 'SELECT', unit: 'ms', rule: 'flat' },
  { name: 'account show', unit: 'ms', rule: 'flat' },
  { name: 'account add', unit: 'ms', rule: 'flat' },
  { name: 'alias add', unit: 'ms', rule: 'flat' },
  { name: 'domain list', unit: 'ms', rule: 'with-size' },
  { name: 'status', unit: 'ms', rule: 'flat' },
  { name: 'account list', unit: 'ms', rule: 'with-size' },
  { name: 'longest turn of account list', unit: 'ms', rule: 'none' },
  { name: 'a sync of the disk alone', unit: 'ms', rule: 'none' },
  { name: 'at rest', unit: 'MB', rule: 'flat' },
  { name: 'after all of this', unit: 'MB', rule: 'with-size' },
]

/** Accounts that do something. */
const ACTIVE = 300
const LOGINS = 30
const OFTEN = 20
const SELDOM = 3
const TICK_MS = 10

/** Makes the accounts in `folder`, unless they are there from last time, and measures. */
export async function measureAccounts(folder: string, accounts: number, { nodeArguments }: Manner): Promise<Point> {
  console.log(`${accounts.toLocaleString('en')} accounts`)
  const installation = await Installation.make(folder)
  const taken = new Figures(ACCOUNT_MEASURES)
  const made = path.join(folder, 'made')
  if (!existsSync(made)) {
    await installation.verb('domain', 'add', DOMAIN)
    const file = await accountsFile(folder, names(accounts))
    taken.set('accounts from a file', await clocked(() => installation.verb('account', 'add', '--from', file)))
    await writeFile(made, '')
  }
  const rests: number[] = []
  const { server, startMs } = await started(installation, nodeArguments, async (fresh) => {
    await delay(1_000)
    rests.push(await memoryOf(fresh))
  })
  taken.set('start-up', startMs)
  taken.set('at rest', percentile(rests, 0.5))
  taken.set('a sync of the disk alone', await syncMs(folder))
  const active = Array.from({ length: Math.min(accounts, ACTIVE) }, (_, index) => addressOf(index, accounts))
  // Code that never ran is not what is measured.
  const quietly = new Figures(ACCOUNT_MEASURES, 'quietly')
  await delivering(server, active, quietly)
  await loggingIn(server, active.slice(LOGINS, 2 * LOGINS), quietly)
  await administering(installation, accounts, quietly)
  await delivering(server, active, taken)
  await loggingIn(server, active.slice(0, LOGINS), taken)
  await administering(installation, accounts, taken)
  await listing(installation, server, accounts, taken)
  taken.set('after all of this', await memoryOf(server))
  await server.stop()
  return { size: accounts, figures: taken.figures }
}

function* names(accounts: number): Generator<string, void, void> {
  for (let number = 0; number < accounts; number += 1) yield `p${number}`
}

/** Accounts from everywhere, each once. */
function addressOf(index: number, accounts: number): string {
  const step = Math.max(1, Math.floor(accounts / ACTIVE))
  return `p${(index * step) % accounts}@${DOMAIN}`
}

async function delivering(server: ServerProcess, active: readonly string[], taken: Figures): Promise<void> {
  const lmtp = await openLmtp(server.endpoint('lmtp'))
  const waits: number[] = []
  while (waits.length < ACTIVE)
    for (const address of active)
      waits.push(await clocked(() => deliver(lmtp, address, plainMessage(waits.length + 1, 1_000))))
  await lmtp.ok('QUIT')
  taken.set('delivery to anyone', percentile(waits, 0.5))
}

async function loggingIn(server: ServerProcess, addresses: readonly string[], taken: Figures): Promise<void> {
  const first: number[] = []
  const later: number[] = []
  const lists: number[] = []
  const selects: number[] = []
  for (const address of addresses) {
    first.push(await clocked(async () => (await DriverImap.login(server, address)).close()))
    const begun = performance.now()
    const imap = await DriverImap.login(server, address)
    later.push(performance.now() - begun)
    lists.push(await clocked(() => imap.ok('LIST "" "*" RETURN (STATUS (MESSAGES UNSEEN))')))
    selects.push(await clocked(() => imap.ok('SELECT INBOX')))
    imap.close()
  }
  taken.set('first log-in, with hashing', percentile(first, 0.5))
  taken.set('log-in', percentile(later, 0.5))
  taken.set('LIST', percentile(lists, 0.5))
  taken.set('SELECT', percentile(selects, 0.5))
}

/** Asks the running server as every verb of the command line does. */
async function asking<T>(installation: Installation, work: (admin: Administration) => Promise<T>): Promise<T> {
  const config = await loadConfig(installation.config)
  if (!config.ok) throw new Error(`The configuration is wrong: ${JSON.stringify(config.error)}`)
  await using admin = await openAdministration(config.value)
  return await work(admin)
}

async function administering(installation: Installation, accounts: number, taken: Figures): Promise<void> {
  const own = `x${Date.now()}`
  let added = 0
  await taken.time('account show', OFTEN, () =>
    asking(installation, (admin) => admin.ask('account.show', { address: addressOf(7, accounts) })),
  )
  await taken.time('account add', OFTEN, () =>
    asking(installation, (admin) =>
      admin.ask('account.add', { address: `${own}-${added++}@${DOMAIN}`, password: null }),
    ),
  )
  await taken.time('alias add', OFTEN, () =>
    asking(installation, (admin) =>
      admin.ask('alias.set', {
        address: `${own}-alias${added++}@${DOMAIN}`,
        targets: [addressOf(3, accounts)],
        create: true,
      }),
    ),
  )
  await taken.time('domain list', OFTEN, () => asking(installation, (admin) => admin.ask('domain.list', {})))
  await taken.time('status', OFTEN, () => asking(installation, (admin) => admin.ask('status', {})))
  for (let number = 0; number < OFTEN; number += 1)
    await asking(installation, (admin) => admin.ask('account.remove', { address: `${own}-${number}@${DOMAIN}` }))
}

async function listing(
  installation: Installation,
  server: ServerProcess,
  accounts: number,
  taken: Figures,
): Promise<void> {
  await server.metric('nodejs_eventloop_lag_max_seconds')
  await taken.time('account list', SELDOM, () =>
    asking(installation, async (admin) => {
      const { length } = await admin.ask('account.list', {})
      if (length < accounts) throw new Error(`${length} accounts are listed, and there are ${accounts}`)
    }),
  )
  const lag = await server.metric('nodejs_eventloop_lag_max_seconds')
  taken.set('longest turn of account list', Math.max(0, lag * 1_000 - TICK_MS))
}
