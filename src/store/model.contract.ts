/**
 * A store against a model: random requests, several at once, and readers who follow by changes() alone.
 * `MALLE_SEED` repeats a walk, `MALLE_LONG=1` makes it long.
 * @module
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Random } from '#testing/random.ts'
import { type OpenedStore, type Person, World } from './kit.contract.ts'
import { Reader } from './model-reader.contract.ts'
import { Model, type ModelMailbox } from './model-state.contract.ts'
import { type Outcome, Steps } from './model-steps.contract.ts'

/** How to walk. */
export interface Walk {
  readonly seeds: number
  readonly steps: number
  /** Several requests at once; only for stores that do not cut these small ones into several commits. */
  readonly together: boolean
}

const QUICK: Walk = { seeds: 3, steps: 300, together: true }
const LONG: Walk = { seeds: 20, steps: 5_000, together: true }

/** Walks with several seeds, each with a store of its own. */
export function modelContract(name: string, open: () => Promise<OpenedStore>, own: Partial<Walk> = {}): void {
  const how = { ...(process.env['MALLE_LONG'] === '1' ? LONG : QUICK), ...own }
  const asked = process.env['MALLE_SEED']
  const seeds = asked === undefined ? Array.from({ length: how.seeds }, (_, index) => index + 1) : [Number(asked)]
  for (const seed of seeds)
    test(`${name} comes to what the model says, seed ${seed}, ${how.steps} steps`, async () => {
      const world = new World(await open())
      try {
        await walk(await world.person(), seed, how)
        await world.check()
      } finally {
        await world.close()
      }
    })
}

async function walk(person: Person, seed: number, { steps, together }: Walk): Promise<void> {
  const random = new Random(seed)
  const model = new Model()
  const requests = new Steps(person, model, random)
  const [near, far] = [new Reader(person), new Reader(person)]
  const trail: string[] = []
  await learnKeys(person, model)
  model.marks.push(await person.modseq())
  try {
    for (let step = 0; step < steps; ) {
      const batch = [requests.next()]
      while (together && batch.length < 5 && batch.every((each) => !each.alone) && random.chance(0.6)) {
        const next = requests.next()
        if (!next.alone) batch.push(next)
      }
      trail.push(...batch.map((each, index) => `${step + index}${batch.length > 1 ? ' together' : ''}: ${each.text}`))
      const running = batch.map((each) => each.run())
      if (random.chance(0.2)) await near.follow()
      for (const outcome of inCommitOrder(await Promise.all(running))) {
        outcome.apply()
        if (outcome.modseq !== undefined && model.marks.at(-1) !== outcome.modseq) {
          assert.ok(outcome.modseq > (model.marks.at(-1) ?? 0), 'MODSEQ went back')
          model.marks.push(outcome.modseq)
        }
      }
      if (batch[0]?.alone === true) await learnKeys(person, model)
      step += batch.length
      if (random.chance(0.15)) {
        await near.follow()
        await near.check()
        await near.checkKept()
        await checkAll(person, model, random)
      }
      if (random.chance(0.02)) {
        await far.follow()
        await far.check()
        await far.keep()
      }
    }
    for (const reader of [near, far]) {
      await reader.follow()
      await reader.check()
    }
    await checkAll(person, model, random)
  } catch (cause) {
    throw new Error(`Seed ${seed}, after:\n${trail.slice(-25).join('\n')}`, { cause })
  }
}

/** Answers in the order of their commits; what changed nothing comes behind the change whose MODSEQ it saw. */
function inCommitOrder(outcomes: readonly Outcome[]): Outcome[] {
  return outcomes.toSorted((a, b) => (a.modseq ?? 0) - (b.modseq ?? 0) || Number(b.changed) - Number(a.changed))
}

/** Mailboxes that the model made get the keys that the store gave them. */
async function learnKeys(person: Person, model: Model): Promise<void> {
  for (const mailbox of model.mailboxes.values()) {
    const info = await person.box(mailbox.name)
    mailbox.key ??= info.key
    assert.equal(info.key, mailbox.key, `key of "${mailbox.name}"`)
    model.shows(mailbox.name, info.uidValidity, info.key)
  }
}

async function checkAll(person: Person, model: Model, random: Random): Promise<void> {
  const { store, ref } = person
  const state = await person.state()
  assert.deepEqual(state.usage, model.usage())
  assert.deepEqual(state.limits, model.limits)
  assert.equal(state.modseq, model.marks.at(-1), 'MODSEQ of the account')
  assert.deepEqual(new Set(await person.names()), new Set(model.mailboxes.keys()))
  assert.deepEqual(new Set(await store.subscriptions(ref)), model.subscriptions)
  await person.check()
  for (const mailbox of model.mailboxes.values()) await checkMailbox(person, mailbox, random)
  for (const mailbox of random.some(model.deleted, 0.1)) await checkGone(person, mailbox, random)
}

async function checkMailbox(person: Person, mailbox: ModelMailbox, random: Random): Promise<void> {
  const where = `"${mailbox.name}"`
  const key = mailbox.key ?? assert.fail()
  const info = await person.box(key)
  assert.equal(info.name, mailbox.name)
  assert.equal(info.uidNext, mailbox.uidNext, where)
  const seen = await person.messages(key)
  assert.deepEqual(
    seen.map(({ uid, flags }) => [uid, flags.map((name) => name.toLowerCase()).toSorted()]),
    mailbox.messages.map(({ uid, flags }) => [uid, [...flags].toSorted()]),
    where,
  )
  for (const [index, { modseq }] of seen.entries())
    assert.ok(modseq <= (mailbox.messages[index]?.modseq ?? 0), `MODSEQ of UID ${seen[index]?.uid} of ${where}`)
  const rows = (await person.emails(key)).filter((row) => !row.gone)
  for (const [index, row] of rows.entries()) {
    const email = mailbox.messages[index]?.email ?? assert.fail()
    email.key ??= row.email
    assert.equal(row.email, email.key, `email of UID ${row.uid} of ${where}`)
    assert.equal(row.size, email.size)
    if (random.chance(0.05)) assert.ok(Buffer.from(await person.body(row)).equals(email.body), `body of UID ${row.uid}`)
  }
  await checkGone(person, mailbox, random)
}

async function checkGone(person: Person, mailbox: ModelMailbox, random: Random): Promise<void> {
  const key = mailbox.key ?? assert.fail()
  for (const [uid, email] of random.some([...mailbox.gone], 0.02)) {
    const row = await person.email(key, uid)
    assert.equal(row.gone, true)
    assert.equal(row.size, email.size)
    assert.ok(Buffer.from(await person.body(row)).equals(email.body), `body of UID ${uid}, gone`)
  }
}
