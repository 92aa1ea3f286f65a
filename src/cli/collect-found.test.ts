import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import type { DiscoveryNetwork, SrvRecord } from '#client/discovery/types.ts'
import { CollectState } from '#transfer/collect/state.ts'
import { formatSourceUrl } from '#transfer/source-url.ts'
import { collectAccounts } from './collect-accounts.ts'
import { foundSource } from './collect-found.ts'

/** Nothing is there but these SRV records. */
function network(records: Readonly<Record<string, SrvRecord>>): DiscoveryNetwork & { readonly asked: string[] } {
  const asked: string[] = []
  return {
    asked,
    async fetch(url) {
      asked.push(url)
      return undefined
    },
    async srv(name) {
      asked.push(name)
      const record = records[name]
      return record === undefined ? [] : [record]
    },
    async probe() {
      return 'nothing'
    },
  }
}

const BOTH = {
  '_imaps._tcp.example.org': { priority: 0, weight: 1, host: 'imap.example.org', port: 993 },
  '_pop3s._tcp.example.org': { priority: 0, weight: 1, host: 'pop.example.org', port: 995 },
}

test('collect finds the server of an address, says it before it is used, and remembers it', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'malle-found-'))
  try {
    using state = new CollectState(path.join(folder, 'state.db'))
    const told: string[] = []
    const there = network(BOTH)
    const find = (address: string, protocol: 'pop3' | 'imap' | undefined) =>
      foundSource(address, protocol, {
        yes: undefined,
        remembered: state.server(address),
        network: there,
        tell: (line) => told.push(line),
      })
    const accounts = await collectAccounts('ann@example.org', { to: 'Mail' }, find)
    const [account] = accounts
    assert.ok(account !== undefined)
    assert.equal(formatSourceUrl(account.from), 'imaps://ann@example.org@imap.example.org:993')
    assert.equal(account.found, 'ann@example.org')
    assert.match(told.join('\n'), /^IMAP: imap\.example\.org:993, TLS, ann@example\.org \(.*DNS\)$/)
    // found again it could be another one, and everything would be fetched again
    state.rememberServer('ann@example.org', formatSourceUrl(account.from))
    const asked = there.asked.length
    const [again] = await collectAccounts('ann@example.org', { to: 'Mail' }, find)
    assert.deepEqual(again?.from, account.from)
    assert.equal(there.asked.length, asked)
    const [other] = await collectAccounts('bob@example.org', { to: 'Mail', protocol: 'pop3' }, find)
    assert.equal(formatSourceUrl(other?.from ?? account.from), 'pop3s://bob@example.org@pop.example.org:995')
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('collect asks before a password goes to a server that only the DNS names, and says when there is none', async () => {
  const options = { yes: undefined, remembered: undefined, tell: () => undefined }
  const elsewhere = { '_pop3s._tcp.example.org': { priority: 0, weight: 1, host: 'pop.example.net', port: 995 } }
  // nobody can be asked here
  await assert.rejects(foundSource('ann@example.org', undefined, { ...options, network: network(elsewhere) }), /--yes/)
  const source = await foundSource('ann@example.org', undefined, { ...options, yes: true, network: network(elsewhere) })
  assert.equal(source.host, 'pop.example.net')
  await assert.rejects(foundSource('ann@example.org', undefined, { ...options, network: network({}) }), {
    exitCode: 66,
    message: /No server to fetch from was found for ann@example\.org\./,
  })
})
