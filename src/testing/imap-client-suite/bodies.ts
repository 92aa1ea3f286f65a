/** Messages in and out, byte for byte. @module */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { decodeHeaderText, uidsOf } from '#client/index.ts'
import { hash, inPieces, large, MULTIPART, message } from '../suite-messages.ts'
import type { Bench } from './bench.ts'

export function bodyTests(bench: Bench): void {
  test('what is appended is what is fetched: bytes, flags, date', async () => {
    await bench.inMailbox([], async (client, mailbox) => {
      const date = new Date(Date.UTC(2020, 1, 29, 12, 34, 56))
      const body = Buffer.from(`${message(1)}8 bit: \xe9\xff\r\n`, 'latin1')
      const appended = await client.append(mailbox, { body, flags: ['\\Seen', 'Keyword'], date })
      const query = {
        flags: true,
        internalDate: true,
        size: true,
        envelope: true,
        body: true,
        headers: ['subject'],
      } as const
      await client.noop()
      const [uid] = uidsOf((await client.search({})).uids)
      assert.ok(uid !== undefined)
      if (appended !== undefined) assert.deepEqual(appended, { uidValidity: client.mailbox?.uidValidity, uid })
      const fetched = await client.fetchOne(uid, query)
      assert.ok(fetched?.body !== undefined)
      assert.deepEqual(await fetched.body.bytes(), body)
      assert.equal(fetched.size, body.length)
      assert.equal(fetched.internalDate.time, date.getTime())
      assert.equal(fetched.envelope.subject, 'number 1')
      assert.match(Buffer.from(fetched.headers ?? []).toString(), /^subject: number 1\r\n\r\n$/i)
      const flags = fetched.flags.filter((flag) => flag !== '\\Recent')
      assert.deepEqual(flags.toSorted(), ['Keyword', '\\Seen'])
      assert.equal(await client.fetchOne(uid + 1, query), undefined)
    })
  })

  test('a large message streams both ways', async () => {
    await bench.inMailbox([], async (client, mailbox) => {
      const bytes = large(3_000_000, 1)
      await client.append(mailbox, { body: inPieces(bytes), size: bytes.length })
      await client.select(mailbox)
      for await (const { body } of client.fetch('1:*', { body: true })) {
        assert.ok(body !== undefined)
        assert.equal(body.size, bytes.length)
        const digest = createHash('sha256')
        let chunks = 0
        for await (const chunk of body) {
          digest.update(chunk)
          chunks += 1
        }
        assert.ok(chunks > 5)
        assert.equal(digest.digest('hex'), hash(bytes))
      }
      const part = await client.fetchOne(1, { body: { offset: 1_000_000, length: 100_000 } })
      assert.deepEqual(await part?.body?.bytes(), bytes.subarray(1_000_000, 1_100_000))
    })
  })

  test('hundreds of messages are appended at once and told one by one', async () => {
    const bodies = Array.from({ length: 250 }, (_, n) => message(n + 1))
    await bench.inMailbox(bodies, async (client) => {
      const seen: number[] = []
      for await (const { number, envelope, flags, size } of client.fetch('1:*', {
        envelope: true,
        flags: true,
        size: true,
      })) {
        seen.push(number)
        assert.ok(Array.isArray(flags))
        assert.equal(envelope.subject, `number ${number}`)
        assert.equal(size, bodies[number - 1]?.length)
        assert.equal(envelope.from?.[0]?.mailbox, 'ann')
      }
      assert.deepEqual(
        seen,
        Array.from({ length: 250 }, (_, n) => n + 1),
      )
      assert.equal(client.mailbox?.exists, 250)
      const odd = bodies.map((_, n) => n + 1).filter((n) => n % 2 === 1)
      let count = 0
      for await (const { uid } of client.fetch(odd, { flags: true })) count += uid % 2
      assert.equal(count, 125)
    })
  })

  test('other commands may be run while bodies are read, however large those are', async () => {
    const bodies = Array.from({ length: 6 }, (_, n) => large(1_500_000 + n, n))
    await bench.inMailbox(bodies, async (client) => {
      const seen: string[] = []
      for await (const { uid, body } of client.fetch('1:*', { body: true })) {
        // before, within and behind the body
        await client.store(uid, { add: ['\\Flagged'] })
        const digest = createHash('sha256')
        let first = true
        for await (const chunk of body ?? []) {
          digest.update(chunk)
          if (first) await client.noop()
          first = false
        }
        seen.push(digest.digest('hex'))
        await client.store(uid, { add: ['\\Seen'] })
      }
      assert.deepEqual(seen, bodies.map(hash))
      const { count } = await client.search({ seen: true, flagged: true }, { countOnly: true })
      assert.equal(count, 6)
    })
  })

  test('bodies that nobody wants are skipped, and a loop may be left', async () => {
    await bench.inMailbox([large(900_000, 1), large(900_000, 2), message(3)], async (client) => {
      const sizes: number[] = []
      for await (const { body } of client.fetch('1:*', { body: true })) sizes.push(body?.size ?? 0)
      assert.deepEqual(sizes, [900_000, 900_000, message(3).length])
      for await (const { body } of client.fetch('1:*', { body: true })) {
        for await (const _ of body ?? []) break
        break
      }
      for await (const { uid } of client.fetch('1:*', { flags: true })) if (uid === 1) break
      assert.equal((await client.search({})).count, 3)
    })
  })

  test('structure and parts', async () => {
    await bench.inMailbox([MULTIPART], async (client) => {
      const parts = [{ part: [1] }, { part: [2], text: 'MIME' }, { part: [2] }, { part: [9] }] as const
      const fetched = await client.fetchOne(1, { bodyStructure: true, envelope: true, parts })
      assert.ok(fetched?.bodyStructure.kind === 'multipart')
      assert.equal(fetched.bodyStructure.parts.length, 2)
      assert.equal(decodeHeaderText(fetched.envelope.subject ?? ''), 'Grüße')
      const texts = new Map<string, string>()
      for await (const { part, text, body } of fetched.parts) {
        const bytes = await body?.bytes()
        if (bytes !== undefined) texts.set(`${part.join('.')} ${text ?? ''}`, bytes.toString())
      }
      assert.equal(texts.get('1 '), 'Hello')
      assert.match(texts.get('2 MIME') ?? '', /octet-stream/)
      assert.equal(texts.get('2 '), 'AAECAwQ=')
      if (!client.capabilities.has('BINARY')) return
      const decoded = await client.fetchOne(1, { parts: [{ part: [2], decoded: true }] })
      for await (const { body, decoded: plain } of decoded?.parts ?? []) {
        assert.equal(plain, true)
        assert.deepEqual([...((await body?.bytes()) ?? [])], [0, 1, 2, 3, 4])
      }
    })
  })
}
