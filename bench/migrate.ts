/**
 * A Dovecot account goes to Malle by `malle migrate`, over IMAP and POP3: with unique-ids that are made of UIDs, and
 * with others, where every header is looked at; then once more with nothing to do, and the cut-over. Needs Debian's
 * dovecot-imapd and dovecot-pop3d.
 *
 * ```
 * node bench/migrate.ts [--messages 5000]
 * ```
 * @module
 */
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { ImapClient } from '#client/index.ts'
import { dovecotLacking, startDovecot } from '../test/peers/foreign/dovecot.ts'
import { type PeerAccount, PeerServer } from '../test/peers/server.ts'
import { inFolder, megabytes, report, rounded, textMessage } from './kit.ts'

const { values } = parseArgs({ options: { messages: { type: 'string', default: '5000' } } })
const messages = Number(values.messages)
const KINDS = { uids: '', guids: 'protocol pop3 {\n  pop3_uidl_format = %g\n}' } as const

const missing = dovecotLacking()
if (missing !== false) throw new Error(missing)
await inFolder(measure)

async function measure(folder: string): Promise<void> {
  const malle = await PeerServer.start()
  const times: Record<string, readonly number[]> = {}
  let octets = 0
  for (const [kind, more] of Object.entries(KINDS)) {
    const account = await malle.account()
    await using dovecot = await startDovecot({ accounts: [account], more })
    octets = await fill(dovecot, account)
    const secret = path.join(folder, 'secret')
    await writeFile(secret, account.password)
    const urls = [`imaps://localhost:${dovecot.port('imaps')}`, `pop3s://localhost:${dovecot.port('pop3s')}`]
    const run = async (...options: readonly string[]): Promise<number> => {
      const began = performance.now()
      const args = ['--ca', dovecot.ca, '--password-file', secret, ...options]
      const { stdout } = await malle.malle('migrate', account.address, ...urls, ...args)
      if (!stdout.toString('utf8').includes(`${messages} unique-ids kept, in the same order.`))
        throw new Error(stdout.toString('utf8'))
      return rounded((performance.now() - began) / 1_000)
    }
    times[kind] = [await run(), await run(), await run('--cutover')]
  }
  await malle.stop()
  const [uids = [], guids = []] = [times['uids'], times['guids']]
  report(
    'migrate',
    `${messages} messages (${megabytes(octets)}) of one INBOX from Dovecot to Malle over IMAP and POP3: ${uids[0]} s with unique-ids of UIDs, ${guids[0]} s with others; with nothing to do ${uids[1]} s and ${guids[1]} s, the cut-over ${uids[2]} s and ${guids[2]} s`,
    { messages, octets, times },
  )
}

async function fill(
  host: { readonly ca: string; port(listener: 'imaps'): number },
  { address: login, password }: PeerAccount,
): Promise<number> {
  const tls = { ca: await readFile(host.ca, 'utf8') }
  const credentials = { login, password }
  await using client = await ImapClient.connect({ host: 'localhost', port: host.port('imaps'), tls, credentials })
  let octets = 0
  for (let n = 0; n < messages; n += 100) {
    const batch = Array.from({ length: Math.min(100, messages - n) }, (_, m) => ({
      body: textMessage(2_000 + ((n + m) % 97) * 150, n + m),
    }))
    await client.appendAll('INBOX', batch)
    for (const { body } of batch) octets += body.length
  }
  return octets
}
