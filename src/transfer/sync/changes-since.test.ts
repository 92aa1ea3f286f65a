/** What changed since an earlier run, as the side tells it, and all that is there as it is: the same. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { ImapClient } from '#client/imap/imap-client.ts'
import { ByteProxy } from '#testing/byte-proxy.ts'
import { Random } from '#testing/random.ts'
import { letterOf, SyncPair } from '#testing/sync-pair.ts'
import { type WholeServer, wholeServer } from '#testing/whole-server.ts'
import { ImapSide } from './imap-side.ts'
import type { KnownMessages } from './side.ts'

let started: Promise<WholeServer> | undefined
const whole = (): Promise<WholeServer> =>
  (started ??= wholeServer({ auth: { allow_plaintext: true }, limits: { exempt: ['127.0.0.0/8'] } }))
after(async () => (await started)?.[Symbol.asyncDispose]())

const FLAGS = ['\\Seen', '\\Flagged', '\\Answered', 'Mine']

/** Some flags, deletions and new messages. */
async function change(client: ImapClient, random: Random, there: Iterable<string>, round: number): Promise<void> {
  await client.select('INBOX')
  const uids = [...there].map(Number)
  for (const uid of random.some(uids, 0.1)) {
    const flag = random.pick(FLAGS)
    await client.store(uid, random.chance(0.6) ? { add: [flag] } : { remove: [flag] })
  }
  const gone = random.some(uids, 0.05)
  if (gone.length > 0) {
    await client.store(gone, { add: ['\\Deleted'] })
    await client.expunge(gone)
  }
  for (let n = 0; n < random.below(4); n += 1)
    await client.append('INBOX', { body: letterOf(`${round}-${n}`), flags: random.some(FLAGS, 0.3) })
}

for (const enable of [['QRESYNC'], ['CONDSTORE'], []]) {
  test(`messages of which some are known are all of them, with ${enable.join() || 'nothing'} enabled`, async () => {
    await using pair = await SyncPair.make(await whole())
    await using proxy = await ByteProxy.start((await whole()).port('imap'))
    const random = new Random(20_260)
    await pair.left.appendAll(
      'INBOX',
      Array.from({ length: 120 }, (_, n) => ({ body: letterOf(n), flags: random.some(FLAGS, 0.3) })),
    )
    await using side = await ImapSide.connect('left', () => pair.connect('left', { enable }, proxy.port))
    const [inbox] = (await side.list()).filter(({ name }) => name === 'INBOX')
    assert.ok(inbox !== undefined)
    let known: KnownMessages | undefined
    const cost = { told: 0, read: 0 }
    for (let round = 0; round < 12; round += 1) {
      await using open = await side.open(inbox, true)
      const before = proxy.octets.down
      const told = await open.messages(known)
      const between = proxy.octets.down
      const read = await open.messages()
      if (round > 0) {
        cost.told += between - before
        cost.read += proxy.octets.down - between
      }
      assert.deepEqual([...told], [...read], `round ${round}`)
      assert.ok(open.since !== undefined)
      // as a run leaves it that knows all, or not all, or more than there is
      const [first] = read
      const flags = new Map(read)
      if (round % 3 === 1 && first !== undefined) flags.delete(first[0])
      if (round % 3 === 2) flags.set('9', [])
      known = { since: open.since, flags, whole: round % 3 === 0 }
      await change(pair.left, random, read.keys(), round)
    }
    assert.ok(cost.told < cost.read / 2, `${cost.told} octets for what changed, ${cost.read} for all`)
  })
}

test('a mailbox that was left as it is recorded is not opened again, although the run itself changed it', async () => {
  await using pair = await SyncPair.make(await whole())
  await using proxy = await ByteProxy.start((await whole()).port('imap'))
  const ports = [(await whole()).port('imap'), proxy.port] as const
  for (let n = 0; n < 5; n += 1) await pair.left.append('INBOX', { body: letterOf(n) })
  await pair.right.append('INBOX', { body: letterOf('right') })
  const twoWay = { twoWay: true, ports }
  const first = await pair.run(twoWay)
  assert.deepEqual([first.copied, first.flagged, first.removed], [6, 0, 0])
  /** Octets of a run that has nothing to do. */
  const nothing = async (): Promise<number> => {
    const before = proxy.octets.up
    const report = await pair.run(twoWay)
    assert.deepEqual([report.copied, report.flagged, report.removed], [0, 0, 0])
    return proxy.octets.up - before
  }
  // the second one at the latest would not open it
  assert.equal(await nothing(), await nothing())
  await pair.right.select('INBOX')
  await pair.right.store('1:*', { add: ['\\Seen'] })
  const flagged = await pair.run(twoWay)
  assert.equal(flagged.flagged, 6)
  assert.equal(await nothing(), await nothing())
})
