import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MailboxKey } from '#mail/ids.ts'
import { messageOf, type Person, uids, World } from '#store/kit.contract.ts'
import { openMemoryStore } from '../memory/memory-store.ts'
import { openTestStore } from './test-kit.ts'

const STEPS = 400
const NAMES = ['INBOX', 'a', 'a/b', 'c', 'c/d/e'] as const
const FLAGS = ['\\Seen', '\\Deleted', '\\Flagged', '$Work', 'later'] as const

/** Numbers that are the same at every run. */
function random(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 4_294_967_296) * below)
  }
}

/** What readers see, by names: keys are each adapter's own. */
async function picture(person: Person, since: number): Promise<unknown> {
  const { lastEmail: _, ...state } = (await person.store.state(person.ref)) ?? { lastEmail: undefined }
  const seen: unknown[] = [state]
  for (const { key, ...mailbox } of await person.store.mailboxes(person.ref)) {
    const { changed, vanished, complete, modseq } = await person.store.changes(person.ref, key, since as never)
    const rows = (await person.emails(key)).map(({ uid, size, gone, savedAt }) => [uid, size, gone, savedAt])
    const changes = [[...changed.uids], await person.flagNames(changed.flags), vanished, complete, modseq]
    seen.push([mailbox, await person.messages(key), rows, changes])
  }
  return seen
}

test('the same requests leave the same picture in the embedded store and in memory', async () => {
  await using store = await openTestStore({ tuning: { sliceMessages: 1_000 } })
  const memory = openMemoryStore({ clock: store.clock })
  const both = [
    await store.world.person(),
    await new World({ store: memory, close: () => memory[Symbol.asyncDispose]() }).person(),
  ]
  const pick = random(4)
  for (let step = 0; step < STEPS; step += 1) {
    store.clock.time += pick(3_000)
    const [kind, name, other, from, to, flag, since] = [
      pick(10),
      NAMES[pick(NAMES.length)] ?? 'INBOX',
      NAMES[pick(NAMES.length)] ?? 'INBOX',
      1 + pick(30),
      pick(12),
      FLAGS[pick(FLAGS.length)] ?? '\\Seen',
      pick(step + 1),
    ]
    const set = uids([from, from + to])
    const action = (['add', 'remove', 'replace'] as const)[pick(3)] ?? 'add'
    const guarded = pick(3) === 0
    const answers = await Promise.all(
      both.map(async (person) => {
        const box = (await person.store.mailboxByName(person.ref, name))?.key ?? (9_999 as MailboxKey)
        const target = (await person.store.mailboxByName(person.ref, other))?.key ?? (9_999 as MailboxKey)
        const answer = await (async () => {
          switch (kind) {
            case 0:
              return person.write('createMailbox', { name, specialUse: undefined })
            case 1:
              return step % 4 === 0 ? person.write('deleteMailbox', { mailbox: box }) : undefined
            case 2:
              return step % 3 === 0 ? person.write('renameMailbox', { from: name, to: other }) : undefined
            case 3:
              return person.write('copy', { mailbox: box, uids: set, target })
            case 4:
              return person.write('move', { mailbox: box, uids: set, target })
            case 5:
              return person.write('expunge', { mailbox: box, uids: to > 6 ? undefined : set, which: 'deleted' })
            case 6:
            case 7: {
              const own = { mailbox: box, uids: set, action, unchangedSince: guarded ? (since as never) : undefined }
              const system = { '\\Seen': 1, '\\Deleted': 8, '\\Flagged': 4 }[flag as string] ?? 0
              const keywords = system === 0 ? [flag] : []
              return person.write('changeFlags', { ...own, flags: { system, keywords } })
            }
            default:
              return person.write('append', {
                mailbox: box,
                messages: Array.from({ length: 1 + (to % 4) }, () => messageOf({ flags: [flag] })),
              })
          }
        })()
        if (answer === undefined) return undefined
        // Numbers of keyword sets and keys are each adapter's own.
        const {
          mailbox: _,
          changed: __,
          ...value
        } = { ...(answer.ok ? answer.value : answer.error) } as Record<string, unknown>
        return { ok: answer.ok, value }
      }),
    )
    const where = `step ${step}: ${kind} ${name} ${other} ${from}:${from + to} ${flag}`
    assert.deepEqual(answers[0], answers[1], where)
    if (step % 10 === 0) {
      const [embedded, inMemory] = await Promise.all(both.map((person) => picture(person, since)))
      assert.deepEqual(embedded, inMemory, where)
    }
  }
  assert.deepEqual(await store.check(), [])
  await memory[Symbol.asyncDispose]()
})
