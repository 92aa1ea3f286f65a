/** MTA-STS from the DNS and the web to what `malle queue` says: a running server, mail servers and a policy server of others. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:https'
import path from 'node:path'
import { test } from 'node:test'
import { createSecureContext, type SecureContext } from 'node:tls'
import { openQueue } from '#adapters/sqlite/queue.ts'
import { QueueFiles } from '#adapters/sqlite/queue-files.ts'
import type { QueueHistoryView } from '#server/queue-views.ts'
import { newMessage, stageBody } from '#store/queue.contract.ts'
import { MailSink } from '#testing/mail-sink.ts'
import { serverAuthority } from '#testing/server-certificates.ts'
import { startZoneServer } from '#testing/zone-server.ts'
import { Place } from './cli-process.ts'

const FRENCH = { env: { LC_ALL: 'fr_FR.UTF-8' } }
/** Domains, and the policy each has: the mail server of all is `mx.DOMAIN`. */
const DOMAINS: Readonly<Record<string, { readonly mode: 'enforce' | 'testing'; readonly mx: string }>> = {
  'right.example': { mode: 'enforce', mx: 'mx.right.example' },
  'foreign.example': { mode: 'enforce', mx: '*.foreign.example' },
  'unlisted.example': { mode: 'enforce', mx: 'mx2.unlisted.example' },
  'trying.example': { mode: 'testing', mx: 'mx.trying.example' },
  // whoever answers for it cannot show that it is the domain's web server
  'forged.example': { mode: 'enforce', mx: 'mx2.forged.example' },
}
const NAMES = Object.keys(DOMAINS)

/** Policies over HTTPS. @returns its port. */
async function policyServer(contextOf: (name: string) => SecureContext): Promise<AsyncDisposable & { port: number }> {
  const server = createServer({ SNICallback: (name, found) => found(null, contextOf(name)) }, (request, response) => {
    const { mode, mx } = DOMAINS[(request.headers.host ?? '').replace(/^mta-sts\.|:\d+$/g, '')] ?? {}
    response.setHeader('content-type', 'text/plain')
    response.end(`version: STSv1\nmode: ${mode}\nmx: ${mx}\nmax_age: 604800\n`)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    async [Symbol.asyncDispose]() {
      server.close()
      await once(server, 'close')
    },
  }
}

test('mail waits for servers that are not whom an MTA-STS policy tells of, and malle queue says why; to others it goes', async () => {
  const ours = await serverAuthority()
  const other = await serverAuthority()
  const hosts = NAMES.map((name) => `mx.${name}`)
  await using trusted = await MailSink.start({ tls: createSecureContext(await ours.issue(hosts)) })
  await using untrusted = await MailSink.start({
    tls: createSecureContext(await other.issue(hosts)),
    address: '127.0.0.2',
    port: trusted.port,
  })
  const names = NAMES.map((name) => `mta-sts.${name}`)
  const web = createSecureContext(await ours.issue(names))
  const forged = createSecureContext(await other.issue(names))
  await using policies = await policyServer((name) => (name === 'mta-sts.forged.example' ? forged : web))
  const shownByUntrusted = ['foreign.example', 'trying.example']
  await using zone = await startZoneServer(
    NAMES.flatMap((name) => [
      `${name}. MX 10 mx.${name}.`,
      `mx.${name}. A ${shownByUntrusted.includes(name) ? '127.0.0.2' : '127.0.0.1'}`,
      `_mta-sts.${name}. TXT "v=STSv1; id=1"`,
      `mta-sts.${name}. A 127.0.0.1`,
    ]).join('\n'),
  )
  const { host, port } = zone.server
  await using place = await Place.make(
    `[dns]\nservers = ["${host}:${port}"]\n` +
      `[queue]\nport = ${trusted.port}\nhttps_port = ${policies.port}\nca = "authorities.pem"\n`,
  )
  const refused = await place.malle(['serve'])
  assert.equal(refused.code, 78)
  assert.match(refused.stderr, /authorities\.pem/)
  // another one before it: all in the file count
  await place.file('authorities.pem', `${(await serverAuthority()).ca}\n${ours.ca}\n`)
  {
    const directory = path.join(place.data, 'queue')
    const files = new QueueFiles(directory)
    await using store = await openQueue({ directory, historyDays: 30 })
    for (const [index, name] of NAMES.entries()) {
      const body = await stageBody({ stage: () => files.stage() })
      await store.enqueue([newMessage(`q.${index}`, body, [`bob@${name}`], { at: Date.now() })])
    }
  }
  const server = await place.serve()
  for (const name of NAMES) await server.logged(`"recipient":"bob@${name}"`)

  // what went is not listed any more
  const recipients = (list: string): string[] =>
    list.split('\n').flatMap((line) => /^ {4}(.*)$/.exec(line)?.slice(1) ?? [])
  const [english, french, shown, history] = await Promise.all([
    place.malle(['queue', 'list']),
    place.malle(['queue', 'list'], FRENCH),
    place.malle(['queue', 'show', 'q.1'], FRENCH),
    place.ok(['queue', 'show', 'q.0', '--json']),
  ])
  const foreign = `mx.foreign.example [127.0.0.2]:${trusted.port}`
  assert.deepEqual(recipients(english.stdout).map(undated), [
    `bob@foreign.example  waiting, next try DATE, 1 try: ${foreign}: 4.7.5 MTA-STS of foreign.example (enforce): the certificate of mx.foreign.example comes from an authority that is not known`,
    'bob@unlisted.example  waiting, next try DATE, 1 try: 4.7.5 MTA-STS of unlisted.example (enforce): mx.unlisted.example is not in its policy',
  ])
  const unknown =
    '4.7.5 MTA-STS de foreign.example (enforce) : le certificat de mx.foreign.example vient d’une autorité inconnue'
  assert.deepEqual(recipients(french.stdout).map(undated), [
    `bob@foreign.example  en attente, prochain essai DATE, 1 essai : ${foreign} : ${unknown}`,
    'bob@unlisted.example  en attente, prochain essai DATE, 1 essai : 4.7.5 MTA-STS de unlisted.example (enforce) : mx.unlisted.example n’est pas dans sa politique',
  ])
  assert.ok(shown.stdout.endsWith(`différé  ${foreign} : ${unknown}\n`), shown.stdout)

  const got = ({ messages }: MailSink): string[] => messages.map(({ to, secure }) => `${to[0]?.address} ${secure}`)
  assert.deepEqual(got(trusted).sort(), ['bob@forged.example true', 'bob@right.example true'])
  assert.deepEqual(got(untrusted), ['bob@trying.example true'])
  // a policy that nobody can vouch for is none
  assert.match(await server.logged('"sts-webpki-invalid"'), /"domain":"forged\.example"/)
  assert.match(await server.logged('"recipient":"bob@forged.example"'), /"tls":"TLSv1\.3"/)
  const { tries } = history as QueueHistoryView
  assert.equal(tries[0]?.tls, 'TLSv1.3 mta-sts')
})

function undated(line: string): string {
  return line.replace(/\d{4}-\d\d-\d\d \d\d:\d\d/, 'DATE')
}
