import assert from 'node:assert/strict'
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { testCertificate } from '#testing/test-certificate.ts'
import { examineAuthorities } from './doctor-authorities.ts'

test('doctor names the authorities of clients, of other servers and of routes: until when they are good, or what is wrong', async () => {
  await using made = await testCertificate(['mail.example.org'])
  const folder = await mkdtemp(path.join(tmpdir(), 'malle-doctor-'))
  const place = (name: string): string => path.join(folder, name)
  try {
    await copyFile(made.ca, place('good.pem'))
    await writeFile(place('empty.pem'), 'no certificate')
    await writeFile(place('old.pem'), OLD)
    await writeFile(place('both.pem'), `${OLD}\n${await readFile(made.ca, 'utf8')}`)
    const none = { tls: { clientCa: undefined }, queue: { ca: undefined }, routes: [{ ca: undefined }] }
    assert.deepEqual(await examineAuthorities(none), [])
    const states = async (ca: string): Promise<string> => {
      const [one, ...others] = await examineAuthorities({ ...none, queue: { ca: place(ca) } })
      assert.deepEqual(others, [])
      assert.ok(one !== undefined)
      assert.ok(one.message.includes(place(ca)) && one.message.includes('queue.ca'), one.message)
      return one.state
    }
    assert.equal(await states('good.pem'), 'ok')
    assert.equal(await states('old.pem'), 'failed')
    assert.equal(await states('both.pem'), 'warning')
    assert.equal(await states('empty.pem'), 'failed')
    assert.equal(await states('not-there.pem'), 'failed')
    const several = await examineAuthorities({
      tls: { clientCa: place('good.pem') },
      queue: { ca: undefined },
      routes: [{ ca: place('empty.pem') }, { ca: undefined }, { ca: place('empty.pem') }],
    })
    assert.deepEqual(
      several.map(({ state, message }) => [state, /tls\.client_ca|route\.ca/.exec(message)?.[0]]),
      [
        ['ok', 'tls.client_ca'],
        ['failed', 'route.ca'],
      ],
    )
  } finally {
    await rm(folder, { recursive: true })
  }
})

/** Ended in 2020. */
const OLD = `-----BEGIN CERTIFICATE-----
MIIBAzCBqgIBATAKBggqhkjOPQQDAjAOMQwwCgYDVQQDDANPbGQwHhcNMTkwMTAx
MDAwMDAwWhcNMjAwMTAxMDAwMDAwWjAOMQwwCgYDVQQDDANPbGQwWTATBgcqhkjO
PQIBBggqhkjOPQMBBwNCAARkOs9HjvArJOH9Dyd7s6ns9mTTVKPqtFlMujmerVm6
BvdWCnwxLvyz2kdtzMiek88YHw4gc9bImQlLhGtFWkr0MAoGCCqGSM49BAMCA0gA
MEUCIQCFPYeYhF9WDgenPmcRYAv9yrQxXM+2zeHmni2DmRdPTgIgOO5I0Dvae+1v
wIFIHuICKV30+EwFuRmwqq2JQ57wK5c=
-----END CERTIFICATE-----`
