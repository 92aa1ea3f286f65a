/**
 * Debian's Postfix with moods: a policy server has it defer, refuse and hang up, and a relay before it cuts connections.
 * What has arrived is what lies in its mailboxes. @module
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Random } from '#testing/random.ts'
import { Postfix } from '../../peers/foreign/postfix.ts'
import { type CutMoment, CuttingRelay } from './cutting-relay.ts'
import { type PolicyFacts, startPolicyServer } from './policy-server.ts'
import { type Arrival, DOMAINS, type Mood, Moods, SENDER_DOMAIN, type Unruly } from './unruly.ts'

/** `protocol_state` of Postfix. */
type State = 'CONNECT' | 'MAIL' | 'RCPT' | 'DATA' | 'END-OF-MESSAGE'

const MOODS: readonly Mood<State>[] = [
  ['CONNECT', 0.02, '421 4.3.2 busy'],
  ['MAIL', 0.02, '451 4.3.0 not now'],
  ['MAIL', 0.01, '421 4.3.2 enough for today'],
  ['RCPT', 0.03, 'DEFER later'],
  ['RCPT', 0.03, 'DEFER_IF_PERMIT later'],
  ['RCPT', 0.02, 'REJECT nobody'],
  ['RCPT', 0.02, '550 5.1.1 nobody'],
  ['RCPT', 0.01, '421 4.3.2 enough for today'],
  ['DATA', 0.02, '421 4.3.2 enough for today'],
  ['END-OF-MESSAGE', 0.03, '452 4.3.1 full'],
  ['END-OF-MESSAGE', 0.03, '554 5.6.0 never'],
  ['END-OF-MESSAGE', 0.02, '421 4.3.2 enough for today'],
]
const CUTS: readonly Mood<CutMoment>[] = (
  [
    ['greeting', 0.02],
    ['ehlo', 0.02],
    ['in the message', 0.03],
    ['behind the message', 0.03],
    ['before its 250', 0.03],
  ] as const
).map(([moment, share]) => [moment, share, 'cut'])

const DELIVERY_MS = 60_000
const LOOKS_MS = 100

/** Throws where a Postfix is lacking: see `postfixLacking`. */
export async function startUnrulyPostfix(random: Random): Promise<Unruly> {
  const moods = new Moods(random, MOODS)
  const cuts = new Moods(random, CUTS)
  await using started = new AsyncDisposableStack()
  const decide = (facts: PolicyFacts): string => moods.at(stateOf(facts), facts.get('sender') === '') ?? 'DUNNO'
  const policy = started.use(await startPolicyServer(decide))
  const postfix = started.use(await Postfix.start(optionsFor(policy.port)))
  const relay = started.use(
    await CuttingRelay.start({
      port: postfix.port,
      cuts: (moment) => cuts.at(moment, false) !== undefined,
      hidesChunking: () => random.chance(0.5),
      takenAs: (reply) => /^250 2\.0\.0 Ok: .*queued as (\w+)/.exec(reply)?.[1],
    }),
  )
  const resources = started.move()
  return {
    port: relay.port,
    get mischief() {
      return { ...moods.mischief, ...cuts.mischief }
    },
    tame() {
      moods.tame = true
      cuts.tame = true
    },
    get taken() {
      return relay.taken.size
    },
    async arrivals() {
      await deliveredAll(postfix)
      return (await postfix.delivered()).map((message) => arrivalOf(String(message), relay)).sort((a, b) => a.at - b.at)
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  }
}

function stateOf(facts: PolicyFacts): State {
  const said = facts.get('protocol_state')
  const known = MOODS.find(([state]) => state === said)
  if (known === undefined) throw new Error(`Postfix asks at ${said}`)
  return known[0]
}

/** Names of queue files are not used twice, so that each tells of one transaction. */
function optionsFor(policyPort: number): Parameters<typeof Postfix.start>[0] {
  const ask = `check_policy_service inet:127.0.0.1:${policyPort}`
  return {
    main: `virtual_mailbox_domains = ${[...DOMAINS, SENDER_DOMAIN].join(' ')}
virtual_mailbox_maps = regexp:$config_directory/all
enable_long_queue_ids = yes
smtpd_tls_security_level = none
smtpd_discard_ehlo_keywords =
smtpd_delay_reject = no
smtpd_client_restrictions = ${ask}
smtpd_sender_restrictions = ${ask}
smtpd_relay_restrictions =
smtpd_recipient_restrictions = ${ask}, permit_mynetworks, reject
smtpd_data_restrictions = ${ask}
smtpd_end_of_data_restrictions = ${ask}
smtpd_error_sleep_time = 0
`,
    files: { all: '/./ all/\n' },
  }
}

/** Waits until nothing is on its way in Postfix. */
async function deliveredAll(postfix: Postfix): Promise<void> {
  const end = performance.now() + DELIVERY_MS
  for (;;) {
    const queue = postfix.command('postqueue', '-p')
    if (queue.includes('Mail queue is empty')) return
    if (performance.now() > end) throw new Error(`Postfix does not deliver what it has taken:\n${queue}`)
    await delay(LOOKS_MS)
  }
}

/** A file in a mailbox: trace lines, and in the first Received the name under which it was taken. */
function arrivalOf(text: string, { taken }: CuttingRelay): Arrival {
  const [, sender] = /^Return-Path: <([^>\n]*)>$/m.exec(text) ?? []
  const [, recipient] = /^Delivered-To: (.+)$/m.exec(text) ?? []
  const [, name = ''] = /^Received: from [^]*?\(Postfix\) with \w+ id (\w+)/m.exec(text) ?? []
  const how = taken.get(name)
  if (sender === undefined || recipient === undefined || how === undefined)
    throw new Error(`Nobody saw how this came into Postfix:\n${text.slice(0, 2_000)}`)
  return { isReport: sender === '', recipient, body: text, at: how.at, dropped: how.cut }
}
