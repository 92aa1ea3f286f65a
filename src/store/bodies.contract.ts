import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { messageOf, patternOf, stage, UNLIMITED, type World } from './kit.contract.ts'
import { DamagedBody } from './mail-store.ts'

const MB = 1_000_000
const MIB = 1024 * 1024
const SIZES = [0, 1, 2, 100, 65_535, 65_536, 262_145, MB - 1, MB, MB + 1, MIB - 1, MIB, MIB + 1, 5 * MB]

/** Bodies: staged, stored, read in ranges. */
export function bodiesContract(world: () => World): void {
  for (const size of SIZES)
    test(`a body of ${size} octets comes back whole`, async () => {
      const person = await world().person()
      const { store, ref } = person
      const inbox = await person.inbox()
      const bytes = patternOf(size, size + 1)
      const staged = await stage(store, ref.shard, bytes, 50_000)
      await person.add(inbox.key, [messageOf({ staged, trace: 'T: 1\r\n' })])
      const row = await person.email(inbox.key, 1)
      assert.equal(row.size, size + 6)
      assert.equal(row.place.length, size)
      assert.ok(Buffer.from(await person.body(row)).equals(bytes))
      const body = store.body(ref, row.place)
      assert.equal(body.size, size)
      const middle = Math.floor(size / 2)
      for (const [start, end] of [
        [0, Math.min(size, 10)],
        [0, Math.min(size, MIB)],
        [middle, Math.min(size, middle + 70_000)],
        [Math.max(0, size - 3), size],
        [size, size],
        [middle, middle],
      ] as const)
        assert.ok(
          Buffer.from(await body.read(start, end)).equals(bytes.subarray(start, end)),
          `octets ${start} to ${end}`,
        )
      const chunks: Uint8Array[] = []
      const from = Math.floor(size / 3)
      for await (const chunk of body.stream(from, size)) {
        assert.ok(chunk.length <= 256 * 1024)
        chunks.push(Uint8Array.from(chunk))
      }
      assert.ok(Buffer.concat(chunks).equals(bytes.subarray(from, size)))
    })

  test('a stream may be left in the middle, and two may be read at once', async () => {
    const person = await world().person()
    const inbox = await person.inbox()
    const bytes = patternOf(2 * MB)
    await person.add(inbox.key, [messageOf({ staged: await stage(person.store, person.ref.shard, bytes) })])
    const { place } = await person.email(inbox.key, 1)
    for await (const chunk of person.store.body(person.ref, place).stream(0, bytes.length)) {
      assert.ok(chunk.length > 0)
      break
    }
    const [one, two] = await Promise.all([person.body({ place }), person.body({ place })])
    assert.ok(Buffer.from(one).equals(bytes))
    assert.ok(Buffer.from(two).equals(bytes))
  })

  test('several messages of one append have their own bodies, large and small', async () => {
    const person = await world().person()
    const inbox = await person.inbox()
    const bodies = [10, 2 * MB, 0, 300_000, 1_200_000].map((size) => patternOf(size, size + 7))
    const staged = await Promise.all(bodies.map((bytes) => stage(person.store, person.ref.shard, bytes)))
    await person.add(
      inbox.key,
      staged.map((each) => messageOf({ staged: each })),
    )
    for (const [index, row] of (await person.emails(inbox.key)).entries())
      assert.ok(Buffer.from(await person.body(row)).equals(bodies[index] ?? Buffer.of()), `message ${index + 1}`)
  })

  test('a staged body may be abandoned at any time, and more than once', async () => {
    const { store } = world()
    const untouched = store.stage(0)
    await untouched.abandon()
    for (const size of [10, 2 * MB]) {
      const begun = store.stage(0)
      await begun.write(patternOf(size))
      await begun.abandon()
      await begun.abandon()
      const finished = store.stage(0)
      await finished.write(patternOf(size))
      await finished.finish()
      await finished.abandon()
      await finished.abandon()
    }
  })

  test('restage gives the same octets for another shard', async () => {
    const ann = await world().person(UNLIMITED, 0)
    const bob = await world().person(UNLIMITED, world().shards - 1)
    for (const [index, size] of [20, 2 * MB].entries()) {
      const bytes = patternOf(size)
      const staged = await stage(ann.store, ann.ref.shard, bytes)
      const again = await ann.store.restage(staged, bob.ref.shard)
      if (staged.kind === 'bytes') assert.deepEqual(again, staged)
      await bob.add((await bob.inbox()).key, [messageOf({ staged: again })])
      await ann.add((await ann.inbox()).key, [messageOf({ staged })])
      for (const person of [ann, bob]) {
        const row = await person.email((await person.inbox()).key, index + 1)
        assert.ok(Buffer.from(await person.body(row)).equals(bytes))
      }
    }
  })

  test('the octets of a staged body can be read where stagedBytes says, until a request names it', async () => {
    const { store } = world()
    for (const size of [0, 20, 2 * MB]) {
      const bytes = patternOf(size)
      const place = store.stagedBytes(structuredClone(await stage(store, 0, bytes)))
      const read =
        place.kind === 'bytes'
          ? place.bytes
          : (await readFile(place.path)).subarray(place.offset, place.offset + place.size)
      assert.ok(Buffer.from(read).equals(bytes))
    }
  })

  test('a staged body can be sent to another thread', async () => {
    const person = await world().person()
    const inbox = await person.inbox()
    for (const size of [20, 2 * MB]) {
      const bytes = patternOf(size)
      const staged = structuredClone(await stage(person.store, person.ref.shard, bytes))
      await person.add(inbox.key, [messageOf({ staged })])
    }
    const rows = await person.emails(inbox.key)
    assert.ok(Buffer.from(await person.body(structuredClone(rows[1] ?? assert.fail()))).equals(patternOf(2 * MB)))
  })

  test('what the caller does to the octets after the answer does not reach the store', async () => {
    const person = await world().person()
    const inbox = await person.inbox()
    const bytes = patternOf(500)
    await person.add(inbox.key, [messageOf({ body: bytes })])
    bytes.fill(0)
    const row = await person.email(inbox.key, 1)
    assert.ok(Buffer.from(await person.body(row)).equals(patternOf(500)))
  })

  test('a body that is not there throws DamagedBody at read, not at opening', async () => {
    const person = await world().person()
    for (const place of [
      { kind: 'big', id: '0123456789', length: 10 },
      { kind: 'segment', segment: 999_999, offset: 0, length: 10 },
    ] as const) {
      const body = person.store.body(person.ref, place)
      await assert.rejects(async () => body.read(0, 10), DamagedBody)
      await assert.rejects(async () => {
        for await (const _ of body.stream(0, 10));
      }, DamagedBody)
    }
  })
}
