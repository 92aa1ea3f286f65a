import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type Attempt,
  MOST_COUNTED,
  type NewMessage,
  type Outcome,
  type QueuedMessage,
  type QueueStage,
  type QueueStore,
  type StagedMessage,
} from './queue.ts'

/** A queue and the way into it. */
export interface OpenQueue extends AsyncDisposable {
  readonly store: QueueStore
  stage(): QueueStage
}

const NOW = 1_700_000_000_000
const HOUR = 3_600_000

/** Stages a body. */
export async function stageBody(
  queue: Pick<OpenQueue, 'stage'>,
  text = 'Subject: x\r\n\r\nHello\r\n',
): Promise<StagedMessage> {
  const stage = queue.stage()
  await stage.write(Buffer.from(text))
  return stage.finish()
}

/** A message as tests make it, from `ann@example.org`. */
export function newMessage(
  id: string,
  body: StagedMessage,
  to: readonly string[],
  rest: Partial<NewMessage> = {},
): NewMessage {
  return {
    id,
    sender: 'ann@example.org',
    account: 'ann@example.org',
    body,
    smtpUtf8: false,
    eightBit: false,
    priority: 0,
    at: NOW,
    language: 'en',
    recipients: to.map((address) => ({ address })),
    ...rest,
  }
}

/** What became of a recipient; `nextAt`: it stays. */
export function outcomeOf(
  id: string,
  recipient: string,
  outcome: Attempt['outcome'],
  rest: Partial<Outcome> & { readonly at?: number } = {},
): Outcome {
  const { at = NOW, ...more } = rest
  const reply = { delivered: '250 2.0.0 Taken', deferred: '451 4.3.0 Later', failed: '550 5.1.1 Nobody' }[outcome]
  return { id, recipient, attempt: { at, recipient, host: 'mx.test [127.0.0.1]:25', outcome, reply }, ...more }
}

/** What every queue must do. */
export function queueContract(open: () => Promise<OpenQueue>): void {
  async function enqueue(
    queue: OpenQueue,
    id: string,
    to: readonly string[],
    rest: Partial<NewMessage> = {},
  ): Promise<void> {
    assert.deepEqual(await queue.store.enqueue([newMessage(id, await stageBody(queue), to, rest)]), {
      ok: true,
      value: undefined,
    })
  }

  async function due(queue: OpenQueue, now: number = NOW, domains?: readonly string[]): Promise<string[]> {
    const list = await queue.store.due(now, 1_000, domains)
    return list.map(({ message }) => `${message.id} ${message.recipients.map(({ address }) => address).join(' ')}`)
  }

  async function states(queue: OpenQueue, id: string): Promise<string[]> {
    const found = await queue.store.history(id)
    return (found?.message.recipients ?? []).map(({ state, held }) => (held === undefined ? state : `${state} ${held}`))
  }

  async function bytesOf(queue: OpenQueue, message: QueuedMessage): Promise<string> {
    const chunks: Uint8Array[] = []
    for await (const chunk of await queue.store.body(message)) chunks.push(chunk)
    return Buffer.concat(chunks).toString()
  }

  test('the queue gives back what was enqueued, with every part of it', async () => {
    await using queue = await open()
    const body = await stageBody(queue, 'Subject: é\r\n\r\nBonjour\r\n')
    const message: NewMessage = {
      ...newMessage('a.1', body, []),
      receivedFrom: 'client.example [192.0.2.1], ESMTPSA',
      smtpUtf8: true,
      eightBit: true,
      tlsOptional: true,
      returns: 'HDRS',
      envelopeId: 'QQ314159',
      priority: 3,
      notBefore: NOW + HOUR,
      language: 'fr',
      recipients: [
        {
          address: 'Bob@Other.Example',
          original: 'rfc822;bob@other.example',
          alias: 'bob@example.org',
          notify: ['SUCCESS', 'DELAY'],
        },
        { address: 'eve@third.example' },
      ],
    }
    assert.deepEqual(await queue.store.enqueue([message]), { ok: true, value: undefined })
    const [found] = await queue.store.list({}, 10)
    assert.ok(found)
    const waits = { state: 'waiting', attempts: 0, nextAt: NOW + HOUR, delayTold: false } as const
    const recipients = message.recipients.map((one) => ({ ...one, ...waits }))
    const kept = { place: found.body.place, size: body.size }
    assert.deepEqual(found, { ...message, body: kept, recipients })
    assert.equal(await bytesOf(queue, found), 'Subject: é\r\n\r\nBonjour\r\n')
    assert.deepEqual(await queue.store.history('a.1'), { message: found, attempts: [] })
    assert.equal(await queue.store.history('a.2'), undefined)
  })

  test('due() is by priority, then by how long, of each destination apart', async () => {
    await using queue = await open()
    await enqueue(queue, 'late', ['a@one.example'], { at: NOW - 1 })
    await enqueue(queue, 'early', ['b@ONE.example', 'c@two.example', 'd@one.example'], { at: NOW - 2 })
    await enqueue(queue, 'report', ['e@one.example'], { at: NOW - 3, priority: -1 })
    await enqueue(queue, 'urgent', ['f@two.example'], { at: NOW, priority: 5 })
    await enqueue(queue, 'later', ['g@one.example', 'h@four.example'], { notBefore: NOW + HOUR })
    const one = ['early b@ONE.example d@one.example', 'late a@one.example', 'report e@one.example']
    const two = ['urgent f@two.example', 'early c@two.example']
    assert.deepEqual(await due(queue, NOW, ['one.example']), one)
    assert.deepEqual(await due(queue, NOW, ['two.example']), two)
    const all = [...one, ...two]
    assert.deepEqual((await due(queue)).sort(), all.toSorted())
    assert.deepEqual((await due(queue, NOW, ['two.example', 'one.example', 'no.example'])).sort(), all.toSorted())
    assert.equal((await due(queue))[0], 'urgent f@two.example')
    assert.equal((await due(queue)).at(-1), 'report e@one.example')
    assert.deepEqual(
      (await queue.store.due(NOW, 2, ['one.example'])).map(({ message }) => message.id),
      ['early', 'late'],
    )
    assert.deepEqual(await queue.store.destinations(NOW), [
      { domain: 'one.example', messages: 3 },
      { domain: 'two.example', messages: 2 },
    ])
    assert.deepEqual(await queue.store.destinations(NOW, 1), [{ domain: 'one.example', messages: 3 }])
    assert.equal(await queue.store.nextDue(NOW), NOW + HOUR)
    assert.equal(await queue.store.nextDue(NOW + HOUR), undefined)
    assert.equal(await queue.store.nextDue(NOW - 3), NOW - 2)
  })

  test('a destination is one domain, however it is written', async () => {
    await using queue = await open()
    await enqueue(queue, 'a', ['x@Exämple.DE', 'y@xn--exmple-cua.de', 'z@[127.0.0.1]'], { smtpUtf8: true })
    assert.deepEqual(await due(queue, NOW, ['xn--exmple-cua.de']), ['a x@Exämple.DE y@xn--exmple-cua.de'])
    assert.deepEqual(await due(queue, NOW, ['[127.0.0.1]']), ['a z@[127.0.0.1]'])
  })

  test(`destinations() counts up to ${MOST_COUNTED}`, async () => {
    await using queue = await open()
    const body = await stageBody(queue)
    const many = Array.from({ length: MOST_COUNTED + 5 }, (_, n) =>
      newMessage(`m${n}`, body, ['a@one.example', 'b@one.example']),
    )
    await queue.store.enqueue(many)
    assert.deepEqual(await queue.store.destinations(NOW), [{ domain: 'one.example', messages: MOST_COUNTED }])
    assert.deepEqual(await queue.store.destinations(NOW, 5, 3), [{ domain: 'one.example', messages: 3 }])
    assert.equal((await queue.store.size()).bytes, body.size)
  })

  test('record() moves recipients on, and a message whose last one is done leaves for its history', async () => {
    await using queue = await open()
    await enqueue(queue, 'a', ['x@one.example', 'y@one.example', 'z@two.example'])
    const [before] = await queue.store.list({}, 1)
    assert.ok(before)
    await queue.store.record(
      [
        outcomeOf('a', 'x@one.example', 'delivered'),
        outcomeOf('a', 'y@one.example', 'deferred', { nextAt: NOW + HOUR, delayTold: true }),
        outcomeOf('a', 'z@two.example', 'failed'),
        outcomeOf('gone', 'z@two.example', 'failed'),
        outcomeOf('a', 'nobody@two.example', 'failed'),
      ],
      [],
    )
    assert.deepEqual(await states(queue, 'a'), ['delivered', 'waiting', 'failed'])
    assert.deepEqual(await due(queue), [])
    assert.deepEqual(await queue.store.destinations(NOW), [])
    assert.equal(await queue.store.nextDue(NOW), NOW + HOUR)
    assert.deepEqual(await due(queue, NOW + HOUR), ['a y@one.example'])
    const [waiting] = await queue.store.list({}, 1)
    assert.deepEqual(waiting?.recipients[1], {
      address: 'y@one.example',
      state: 'waiting',
      attempts: 1,
      nextAt: NOW + HOUR,
      last: outcomeOf('a', 'y@one.example', 'deferred').attempt,
      delayTold: true,
    })
    assert.equal(await bytesOf(queue, before), 'Subject: x\r\n\r\nHello\r\n')
    await queue.store.record([outcomeOf('a', 'y@one.example', 'delivered', { at: NOW + HOUR })], [])
    assert.deepEqual(await queue.store.list({}, 10), [])
    assert.deepEqual(await queue.store.size(), { waiting: 0, held: 0, messages: 0, bytes: 0 })
    const history = await queue.store.history('a')
    assert.deepEqual(
      history?.attempts.map(({ at, recipient, outcome }) => [at, recipient, outcome]),
      [
        [NOW, 'x@one.example', 'delivered'],
        [NOW, 'y@one.example', 'deferred'],
        [NOW, 'z@two.example', 'failed'],
        [NOW + HOUR, 'y@one.example', 'delivered'],
      ],
    )
    assert.deepEqual(
      history?.message.recipients.map(({ nextAt }) => nextAt),
      [undefined, undefined, undefined],
    )
  })

  test('a report is enqueued with the outcome that led to it, or neither is', async () => {
    await using queue = await open()
    await enqueue(queue, 'a', ['x@one.example', 'y@one.example'])
    const report = newMessage('a.r', await stageBody(queue), ['ann@example.org'], { sender: '', priority: -1 })
    await queue.store.record([outcomeOf('a', 'x@one.example', 'failed')], [report])
    assert.deepEqual(await due(queue), ['a y@one.example', 'a.r ann@example.org'])
    await assert.rejects(queue.store.record([outcomeOf('a', 'y@one.example', 'failed')], [report]))
    assert.deepEqual(await states(queue, 'a'), ['failed', 'waiting'])
  })

  for (const size of [0, 200_000])
    test(`a body of ${size} octets and more that messages share goes with the last of them`, () => sharedBody(size))

  async function sharedBody(size: number): Promise<void> {
    await using queue = await open()
    const text = `Subject: x\r\n\r\nHello${'o'.repeat(size)}\r\n`
    const body = await stageBody(queue, text)
    await queue.store.enqueue([newMessage('a', body, ['x@one.example']), newMessage('b', body, ['y@two.example'])])
    await queue.store.record([outcomeOf('a', 'x@one.example', 'delivered')], [])
    const [left] = await queue.store.list({}, 10)
    assert.ok(left)
    assert.equal(await bytesOf(queue, left), text)
    await queue.store.drop({ ids: ['b'] }, NOW)
    assert.deepEqual(await states(queue, 'b'), ['dropped'])
    await assert.rejects(async () => {
      for (let turn = 0; turn < 1_000; turn += 1) await bytesOf(queue, left)
    })
  }

  test('enqueue() takes all or none, and many together', async () => {
    await using queue = await open()
    await enqueue(queue, 'a', ['x@one.example'])
    const again = [
      newMessage('b', await stageBody(queue), ['x@one.example']),
      newMessage('a', await stageBody(queue), ['x@one.example']),
    ]
    const others = await Promise.all(
      Array.from({ length: 20 }, async (_, n) => newMessage(`c${n}`, await stageBody(queue), ['x@one.example'])),
    )
    const [refused, ...taken] = await Promise.allSettled([
      queue.store.enqueue(again),
      ...others.map((one) => queue.store.enqueue([one])),
    ])
    assert.equal(refused?.status, 'rejected')
    assert.ok(taken.every((one) => one.status === 'fulfilled' && one.value.ok))
    const ids = (await queue.store.list({}, 100)).map(({ id }) => id)
    assert.deepEqual(ids.toSorted(), ['a', ...others.map(({ id }) => id)].toSorted())
    await assert.rejects(queue.store.enqueue([newMessage('nobody', await stageBody(queue), [])]))
  })

  test('hold, release, retry and drop are about what a filter says', async () => {
    await using queue = await open()
    await enqueue(queue, 'a', ['x@one.example', 'y@two.example'])
    await enqueue(queue, 'b', ['z@two.example'], { account: 'bob@example.org' })
    await enqueue(queue, 'c', ['v@three.example'], { held: 'outburst' })
    const { store } = queue
    const later = { nextAt: NOW + HOUR }
    const tried = ['x@one.example', 'y@two.example'].map((one) => outcomeOf('a', one, 'deferred', later))
    await store.record(tried, [])
    assert.deepEqual(await states(queue, 'c'), ['held outburst'])
    assert.equal(await store.hold({ domain: 'TWO.example' }, 'administrator'), 2)
    assert.equal(await store.hold({ domain: 'two.example', account: 'bob@example.org' }, 'policy'), 0)
    assert.deepEqual(await states(queue, 'a'), ['waiting', 'held administrator'])
    assert.deepEqual([await store.count({}), await store.count({ held: true, domain: 'two.example' })], [4, 2])
    assert.deepEqual(
      (await store.list({ held: true }, 10)).map(({ id }) => id),
      ['b', 'c', 'a'].toSorted(),
    )
    assert.deepEqual(
      (await store.list({ domain: 'one.example' }, 10)).map(({ id }) => id),
      ['a'],
    )
    assert.deepEqual(
      (await store.list({ account: 'bob@example.org', held: false }, 10)).map(({ id }) => id),
      [],
    )
    assert.deepEqual(
      await store.size().then(({ waiting, held, messages, oldest }) => [waiting, held, messages, oldest]),
      [1, 3, 3, NOW],
    )
    assert.equal(await store.retry({}, NOW), 1)
    assert.deepEqual(await due(queue), ['a x@one.example'])
    assert.equal(await store.release({ account: 'ann@example.org' }), 2)
    assert.deepEqual(await due(queue), ['c v@three.example', 'a x@one.example'].toSorted())
    assert.deepEqual(await due(queue, NOW + HOUR, ['two.example']), ['a y@two.example'])
    assert.equal(await store.drop({ ids: ['a', 'c'], domain: 'three.example' }, NOW), 1)
    assert.equal(await store.drop({ held: true }, NOW), 1)
    assert.deepEqual(
      (await store.list({}, 10)).map(({ id }) => id),
      ['a'],
    )
    assert.deepEqual(await states(queue, 'b'), ['dropped'])
    assert.equal(await store.hold({}, 'administrator'), 2)
    // What was under way when it was held or dropped still became something.
    await store.record(
      [
        outcomeOf('b', 'z@two.example', 'delivered'),
        outcomeOf('a', 'x@one.example', 'deferred', { nextAt: NOW + HOUR }),
      ],
      [],
    )
    assert.deepEqual(await states(queue, 'b'), ['delivered'])
    assert.deepEqual(await states(queue, 'a'), ['held administrator', 'held administrator'])
    assert.deepEqual(await due(queue, NOW + 2 * HOUR), [])
  })

  test('list() ends where there are many recipients, with one message at least', async () => {
    await using queue = await open()
    for (const id of ['a', 'b', 'c']) await enqueue(queue, id, ['x@one.example', 'y@two.example'])
    const listed = async (most: number) => (await queue.store.list({}, 10, most)).map(({ id }) => id)
    assert.deepEqual(await listed(1), ['a'])
    assert.deepEqual(await listed(2), ['a'])
    assert.deepEqual(await listed(3), ['a', 'b'])
    assert.deepEqual(await listed(100), ['a', 'b', 'c'])
  })

  test('retry() lets nothing go before its time (FUTURERELEASE)', async () => {
    await using queue = await open()
    await enqueue(queue, 'a', ['x@one.example'], { notBefore: NOW + HOUR })
    assert.equal(await queue.store.retry({}, NOW), 0)
    assert.equal(await queue.store.retry({ ids: ['a'] }, NOW), 0)
    assert.deepEqual(await due(queue), [])
    assert.deepEqual(await due(queue, NOW + HOUR), ['a x@one.example'])
  })

  test('standing holds are over what is there and what comes, each for itself', async () => {
    await using queue = await open()
    const { store } = queue
    await enqueue(queue, 'a', ['x@one.example', 'y@two.example'])
    const all = { kind: 'all', name: '', since: NOW, reason: 'administrator' } as const
    const account = { kind: 'account', name: 'Ann@example.org', since: NOW + 1, reason: 'outburst' } as const
    const domain = { kind: 'domain', name: 'One.example', since: NOW + 2, reason: 'policy' } as const
    for (const hold of [all, account, domain]) await store.setStandingHold(hold, true)
    assert.deepEqual(await store.standingHolds(), [
      all,
      { ...account, name: 'ann@example.org' },
      { ...domain, name: 'one.example' },
    ])
    const { account: _, ...report } = newMessage('b', await stageBody(queue), ['z@two.example'], { sender: '' })
    await store.enqueue([report])
    await enqueue(queue, 'c', ['z@two.example', 'v@one.example'], { account: 'bob@example.org' })
    assert.deepEqual(
      [await due(queue), await store.destinations(NOW), await store.nextDue(NOW - 1)],
      [[], [], undefined],
    )
    await store.setStandingHold(all, false)
    assert.deepEqual(await due(queue), ['b z@two.example', 'c z@two.example'])
    await store.setStandingHold(account, false)
    assert.deepEqual(await due(queue, NOW, ['two.example']), ['a y@two.example', 'b z@two.example', 'c z@two.example'])
    assert.deepEqual(await due(queue, NOW, ['one.example']), [])
    // One message may go all the same.
    assert.equal(await store.release({ ids: ['c'] }), 1)
    assert.deepEqual(await due(queue, NOW, ['one.example']), ['c v@one.example'])
    await store.hold({ ids: ['a'] }, 'administrator')
    await store.setStandingHold(domain, false)
    assert.deepEqual(await states(queue, 'a'), ['held administrator', 'held administrator'])
    assert.deepEqual(await store.standingHolds(), [])
  })
}
