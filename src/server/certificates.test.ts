import assert from 'node:assert/strict'
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import type { Config } from '#config/config.ts'
import { checkConfig } from '#config/schema.ts'
import { RecentLog } from '#testing/recent-log.ts'
import { AcmeFiles } from './acme/files.ts'
import { NEVER_TRIED } from './acme/plan.ts'
import { certificateViews, readCertificates } from './certificates.ts'
import { createLog } from './log.ts'
import { selfMadeCertificate } from './self-made-certificate.ts'
import { namesOf, ThreadTls } from './tls.ts'

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'malle-certificates-'))
  try {
    await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function configured(data: string, tls: object): Config {
  const config = checkConfig({ hostname: 'mail.example.org', data, tls })
  assert.ok(config.ok, JSON.stringify(config))
  return config.value
}

const ACME = { acme: { directory: 'https://ca.example/dir' } }
const log = new RecentLog(createLog('error'))

/** As if the authority had given it. */
async function given(folder: string, id: string, names: readonly string[]): Promise<void> {
  const files = new AcmeFiles(folder)
  await files.keyOf(id)
  const made = await selfMadeCertificate(path.join(folder, 'made', id), names)
  await copyFile(made.cert, path.join(folder, 'tls', 'acme', `${id}.pem`))
  await copyFile(made.key, path.join(folder, 'tls', 'acme', `${id}.key.pem`))
}

test('until an authority has given one, a self-made certificate is shown; then that one, and others by their names', () =>
  inFolder(async (folder) => {
    const config = configured(folder, ACME)
    const before = await readCertificates(config, log)
    assert.ok(before.ca !== undefined)
    await given(folder, 'domain-example.org', ['mta-sts.example.org', 'autoconfig.example.org'])
    await given(folder, 'mail.example.org', ['mail.example.org', '*.imap.example.org'])
    await writeFile(path.join(folder, 'tls', 'acme', 'domain-broken.example.pem'), 'broken')
    const { pairs, ca } = await readCertificates(config, log)
    assert.equal(ca, undefined)
    const tls = new ThreadTls({ pairs, ticketKeys: new Uint8Array(48) })
    const shown = (name: string | undefined): string | undefined => {
      const certificate = tls.certificate(name)
      return certificate === undefined ? undefined : namesOf(certificate)[0]
    }
    assert.equal(shown('MTA-STS.example.org'), 'mta-sts.example.org')
    assert.equal(shown('autoconfig.example.org'), 'mta-sts.example.org')
    for (const name of [undefined, 'mail.example.org', 'a.imap.example.org', 'nobody.example', 'org', ''])
      assert.equal(shown(name), 'mail.example.org', String(name))
    assert.equal(tls.context('nobody.example'), tls.context(undefined))
    assert.notEqual(tls.context('mta-sts.example.org'), tls.context(undefined))
  }))

test('administrators see until when each certificate is good, and what the authority said', () =>
  inFolder(async (folder) => {
    const config = configured(folder, ACME)
    assert.deepEqual(await certificateViews(config), [])
    await readCertificates(config, log)
    await given(folder, 'domain-example.org', ['mta-sts.example.org'])
    const failed = { ...NEVER_TRIED, failures: 1, nextTry: Date.UTC(2026, 10, 30), reason: 'no such name' }
    await new AcmeFiles(folder).keepRecords(new Map([['mail.example.org', failed]]))
    const views = (await certificateViews(config)).map(({ names, source, until, problem, nextTry }) => [
      names.join(' '),
      source,
      until !== null,
      problem,
      nextTry,
    ])
    assert.deepEqual(views, [
      ['mail.example.org', 'self-made', true, null, null],
      ['mail.example.org', 'acme', false, 'no such name', '2026-11-30T00:00:00.000Z'],
      ['mta-sts.example.org', 'acme', true, null, null],
    ])
    const files = configured(folder, { cert: path.join(folder, 'none.pem'), key: path.join(folder, 'none.key.pem') })
    const [broken] = await certificateViews(files)
    assert.match(broken?.problem ?? '', /none\.pem: unreadable/)
  }))
