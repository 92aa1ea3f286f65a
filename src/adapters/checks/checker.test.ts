import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { dkimSign } from 'mailauth/lib/dkim/sign.js'
import type { DomainReports } from '#services/domain-reports.ts'
import type { MessageQuestion, Verdict } from '#services/inbound-checks.ts'
import { zippedDmarcReport, zippedTlsReport } from '#testing/reports.ts'
import { type SigningKey, sealed, signed, signingKey } from '#testing/signed-mail.ts'
import { startZoneServer, type ZoneServer } from '#testing/zone-server.ts'
import { openResolver } from '../dns/dns-resolver.ts'
import { SqliteDomainReports } from '../sqlite/domain-reports.ts'
import { Checker, type CheckerOptions } from './checker.ts'

const NOW = Date.UTC(2026, 10, 29)

const BANK = signingKey('bank.example', 'rsa', 'rsa')
const BANK_ED = signingKey('bank.example', 'ed', 'ed25519')
const LIST = signingKey('list.example', 'arc', 'rsa')
const NEWS = signingKey('mail.news.example', 's', 'ed25519')

const ZONE = `
1.2.0.192.in-addr.arpa. IN PTR mx.bank.example.
mx.bank.example. IN A 192.0.2.1
2.2.0.192.in-addr.arpa. IN PTR mx.bank.example.
bank.example. IN TXT "v=spf1 ip4:192.0.2.1 -all"
_dmarc.bank.example. IN TXT "v=DMARC1; p=reject; rua=mailto:dmarc@bank.example"
news.example. IN TXT "v=spf1 include:spf.news.example ~all"
spf.news.example. IN TXT "v=spf1 ip4:192.0.2.9 -all"
_dmarc.news.example. IN TXT "v=DMARC1; p=quarantine; adkim=r"
loose.example. IN TXT "v=spf1 ip4:192.0.2.9 -all"
_dmarc.loose.example. IN TXT "v=DMARC1; p=none"
half.example. IN TXT "v=spf1 -all"
_dmarc.half.example. IN TXT "v=DMARC1; p=reject; pct=40"
plain.example. IN TXT "v=spf1 -all"
list.example. IN TXT "v=spf1 ip4:192.0.2.7 -all"
${[BANK, BANK_ED, LIST, NEWS].map(({ record }) => record).join('')}
`

function message(from: string, more = ''): string {
  return `From: ${from}\r\nTo: ann@example.org\r\nSubject: about\r\nDate: Sun, 29 Nov 2026 08:00:00 +0000\r\nMessage-ID: <1@x>\r\n${more}\r\nText\r\n`
}

interface Scene {
  readonly zone: ZoneServer
  readonly warnings: string[]
  readonly reports: DomainReports
  readonly check: (
    text: string,
    sending?: Partial<MessageQuestion>,
    options?: Partial<CheckerOptions>,
    chance?: number,
  ) => Promise<Verdict>
}

async function scene(work: (scene: Scene) => Promise<void>): Promise<void> {
  await using zone = await startZoneServer(ZONE)
  const warnings: string[] = []
  using reports = new SqliteDomainReports(':memory:')
  await work({
    zone,
    warnings,
    reports,
    check: (text, sending = {}, options = {}, chance = 0) => {
      const resolver = openResolver({ servers: [zone.server], trustAd: 'never', timeoutMs: 2_000 })
      const checker = new Checker(
        {
          hostname: 'mx.example.org',
          timeoutMs: 3_000,
          dnsbl: [],
          rspamd: undefined,
          reportsTo: ['dmarc'],
          trustedArc: [],
          spfFail: 'accept',
          ...options,
        },
        {
          resolver,
          greylist: undefined,
          reports: () => reports,
          clock: { now: () => NOW },
          random: () => chance,
          warn: (line) => warnings.push(line),
          silentLists: (_, line) => warnings.push(line),
        },
      )
      return checker.check({
        id: 'c1.1',
        remoteAddress: '192.0.2.200',
        helo: 'mx.other.example',
        sender: '',
        recipients: ['ann@example.org'],
        body: { kind: 'bytes', bytes: Buffer.from(text) },
        ...sending,
      })
    },
  })
  assert.deepEqual(warnings, [])
}

/** `spf=pass dkim=none …` */
function said({ facts }: Verdict): string {
  return facts.results.map(({ method, result }) => `${method}=${result}`).join(' ')
}

const fromBank = { remoteAddress: '192.0.2.1', helo: 'mx.bank.example', sender: 'ann@bank.example' }

test('what the domain of the author authenticates is accepted, with everything in Authentication-Results', () =>
  scene(async ({ check }) => {
    const verdict = await check(await signed(message('ann@bank.example'), BANK, BANK_ED), fromBank)
    assert.equal(verdict.disposition, 'accept')
    assert.equal(said(verdict), 'spf=pass dkim=pass dkim=pass dmarc=pass iprev=pass')
    assert.equal(verdict.facts.reverseName, 'mx.bank.example')
    const lines = verdict.headerLines.replaceAll(/header\.b=[^\s;]+/g, 'header.b=B').split('\r\n')
    assert.deepEqual(lines, [
      'Authentication-Results: mx.example.org;',
      '\tspf=pass smtp.mailfrom=ann@bank.example;',
      '\tdkim=pass header.d=bank.example header.s=rsa header.a=rsa-sha256 header.b=B;',
      '\tdkim=pass header.d=bank.example header.s=ed header.a=ed25519-sha256 header.b=B;',
      '\tdmarc=pass header.from=bank.example policy.dmarc=reject;',
      '\tiprev=pass (mx.bank.example) policy.iprev=192.0.2.1',
      '',
    ])
  }))

test('the null sender is checked by what the client calls itself', () =>
  scene(async ({ check, zone }) => {
    zone.load(`${ZONE}mx.bank.example. IN TXT "v=spf1 a -all"\n`)
    const verdict = await check(message('Postmaster <postmaster@bank.example>'), { ...fromBank, sender: '' })
    assert.match(verdict.headerLines, /spf=pass smtp\.helo=mx\.bank\.example;/)
    assert.equal(said(verdict), 'spf=pass dkim=none dmarc=pass iprev=pass')
  }))

test('DMARC reject refuses and says why', () =>
  scene(async ({ check }) => {
    const forged = await check(message('ann@bank.example'), { sender: 'ann@bank.example' })
    assert.equal(forged.disposition, 'reject')
    assert.deepEqual(forged.reply, {
      code: 550,
      text: '5.7.1 bank.example asks to refuse mail that it has not authenticated (DMARC reject; SPF fail, DKIM none)',
    })
    assert.match(
      forged.headerLines,
      /dmarc=fail \(reject: DMARC reject\) header\.from=bank\.example policy\.dmarc=reject/,
    )
    const changed = (await signed(message('ann@bank.example'), BANK)).replace('Text', 'Txet')
    assert.match((await check(changed)).reply?.text ?? '', /SPF none, DKIM fail\)$/)
    // a signature of somebody else does not speak for the bank
    const other = await check(await signed(message('ann@bank.example'), LIST), {
      sender: 'x@list.example',
      remoteAddress: '192.0.2.7',
    })
    assert.equal(other.disposition, 'reject')
    assert.equal(said(other), 'spf=pass dkim=pass dmarc=fail iprev=permerror')
  }))

test('DMARC quarantine goes to Junk, none is accepted, a relaxed signature of a subdomain passes', () =>
  scene(async ({ check }) => {
    const forged = await check(message('a@news.example'))
    assert.equal(forged.disposition, 'junk')
    assert.equal(forged.reply, undefined)
    assert.equal((await check(message('a@loose.example'))).disposition, 'accept')
    assert.equal((await check(await signed(message('a@news.example'), NEWS))).disposition, 'accept')
  }))

test('messages outside the share of pct get the policy below', () =>
  scene(async ({ check }) => {
    assert.equal((await check(message('a@half.example'), {}, {}, 0.39)).disposition, 'reject')
    assert.equal((await check(message('a@half.example'), {}, {}, 0.4)).disposition, 'junk')
  }))

test('SPF alone refuses nothing unless the configuration says so', () =>
  scene(async ({ check }) => {
    const sending = { sender: 'a@plain.example' }
    assert.equal((await check(message('a@plain.example'), sending)).disposition, 'accept')
    assert.equal((await check(message('a@plain.example'), sending, { spfFail: 'junk' })).disposition, 'junk')
    assert.match(
      (await check(message('a@plain.example'), sending, { spfFail: 'reject' })).reply?.text ?? '',
      /^5\.7\.23 plain\.example /,
    )
    // who signs is believed although SPF fails
    const text = await signed(message('ann@bank.example'), BANK)
    assert.equal((await check(text, { sender: 'ann@bank.example' }, { spfFail: 'reject' })).disposition, 'accept')
  }))

test('several authors go to Junk, and so does a message without one', () =>
  scene(async ({ check }) => {
    for (const [why, ...texts] of [
      [
        'several authors',
        message('a@loose.example, ann@bank.example'),
        message('a@loose.example', 'From: ann@bank.example\r\n'),
        // one that cannot be read must not hide what DMARC says of the other
        message('ann@bank.example, <a@>'),
        // one program reads ann@bank, the next ann@bank.example
        message('ann@bank\r\n .example'),
        message('ann@loose (x) .bank.example'),
      ],
      // shown as an address all the same
      ['no author', message('=?utf-8?Q?ann=40bank.example?='), message('ann'), 'To: a@b\r\n\r\nText\r\n'],
    ] as const)
      for (const text of texts) {
        const verdict = await check(text)
        assert.equal(verdict.disposition, 'junk', text)
        assert.ok(verdict.headerLines.includes(`dmarc=permerror (junk: ${why})`), verdict.headerLines)
      }
  }))

test('a signature that leaves the end of the body to anybody speaks for nobody (RFC 6376 §8.2)', () =>
  scene(async ({ check }) => {
    const text = message('ann@bank.example')
    const { domain, selector, privateKey } = BANK
    const key = { signingDomain: domain, selector, privateKey, maxBodyLength: 6 }
    const { signatures } = await dkimSign(Buffer.from(text), { ...key, signatureData: [key] })
    assert.match(signatures, /; l=6;/)
    assert.equal((await check(`${signatures}${text}`)).disposition, 'accept')
    const longer = await check(`${signatures}${text}<p>Pay here</p>\r\n`)
    assert.equal(longer.disposition, 'reject')
    assert.equal(said(longer), 'spf=none dkim=policy dmarc=fail iprev=permerror')
    assert.match(longer.headerLines, /dkim=policy \(17 octets of the body are not signed\)/)
  }))

test('an author is read as people write one', () =>
  scene(async ({ check }) => {
    for (const from of [
      'ann@loose.example <ann@loose.example>',
      '"Bank, Ann" <ann@loose.example>',
      'Bank, Ann <ann@loose.example>',
      'Ann [Bank] <Ann@Loose.Example.> (here)',
      'ann@loose.example (Ann @ Bank)',
      'ann@loose.example,',
      '=?utf-8?Q?Ann=2C_Bank?= <ann@loose.example>',
      'Änn Bänk <änn@loose.example>',
      '<ann@loose.example> Ann',
      'Team: ann@loose.example, bob@loose.example;',
      'ann@loose.example, bob@LOOSE.example',
      'Ann <ann@[192.0.2.1]>',
      'änn@bänk.example',
      'root@localhost',
    ])
      assert.equal((await check(message(from))).disposition, 'accept', from)
  }))

/** As a mailing list hands it on: the subject has another form, so the signature fails. */
async function throughList(seal: SigningKey, found: string): Promise<string> {
  const original = await signed(message('ann@bank.example'), BANK)
  return sealed(original.replace('Subject: about', 'Subject: [list] about'), seal, found, 'none')
}

test('a trusted sealer vouches for what it authenticated; others do not', () =>
  scene(async ({ check }) => {
    const sending = { sender: 'list-bounces@list.example', remoteAddress: '192.0.2.7' }
    const trusting = { trustedArc: ['list.example'] }
    const genuine = await throughList(
      LIST,
      'list.example; dkim=pass header.d=bank.example; dmarc=pass header.from=bank.example',
    )
    const accepted = await check(genuine, sending, trusting)
    assert.equal(accepted.disposition, 'accept')
    assert.equal(said(accepted), 'spf=pass dkim=fail arc=pass dmarc=fail iprev=permerror')
    assert.match(accepted.headerLines, /dmarc=fail \(accepted: trusted ARC sealer list\.example\)/)
    assert.equal((await check(genuine, sending)).disposition, 'reject')
    assert.equal((await check(genuine, sending, { trustedArc: ['other.example'] })).disposition, 'reject')
    // a trusted sealer that had not believed it either
    const doubtful = await throughList(
      LIST,
      'list.example; dkim=fail header.d=bank.example; dmarc=fail header.from=bank.example',
    )
    assert.equal((await check(doubtful, sending, trusting)).disposition, 'reject')
    // it was changed after the seal
    const changed = await check(genuine.replace('Text', 'Txet'), sending, trusting)
    assert.equal(changed.disposition, 'reject')
    assert.match(said(changed), /arc=fail/)
    // an untrusted one has sealed after the trusted one
    const twice = await sealed(genuine, BANK, 'bank.example; arc=pass', 'pass')
    assert.equal((await check(twice, sending, trusting)).disposition, 'reject')
    assert.equal((await check(twice, sending, { trustedArc: ['list.example', 'bank.example'] })).disposition, 'accept')
  }))

test('DNS that does not answer defers a message only where it matters', () =>
  scene(async ({ check, zone }) => {
    const text = await signed(message('ann@bank.example'), BANK)
    // the key cannot be had, and the bank asks to refuse
    zone.trouble('_domainkey.bank.example', 'servfail')
    const deferred = await check(text)
    assert.equal(deferred.disposition, 'defer')
    assert.equal(deferred.reply?.code, 451)
    assert.match(deferred.reply.text, /^4\.7\.0 The DNS of bank\.example /)
    // SPF speaks for it
    assert.equal((await check(text, fromBank)).disposition, 'accept')
    zone.trouble('_domainkey.bank.example', undefined)
    // the policy is not known: the signature of the very domain passes with any
    zone.trouble('_dmarc.bank.example', 'servfail')
    assert.equal((await check(text)).disposition, 'accept')
    assert.equal((await check(message('ann@bank.example'))).disposition, 'defer')
    // what somebody else's DNS does is no matter
    zone.trouble('_dmarc.bank.example', undefined)
    zone.trouble('list.example', 'servfail')
    const other = await check(message('ann@bank.example'), { sender: 'x@list.example' })
    assert.equal(said(other), 'spf=temperror dkim=none dmarc=fail iprev=permerror')
    assert.equal(other.disposition, 'reject')
    assert.equal((await check(message('a@loose.example'), { sender: 'x@list.example' })).disposition, 'accept')
  }))

test('a dead resolver defers within the time, it does not hang', () =>
  scene(async ({ check, zone }) => {
    zone.trouble('', 'silent')
    const started = performance.now()
    const verdict = await check(await signed(message('ann@bank.example'), BANK), fromBank, { timeoutMs: 300 })
    assert.equal(verdict.disposition, 'defer')
    assert.equal(said(verdict), 'spf=temperror spf=temperror dkim=temperror dmarc=temperror iprev=temperror')
    assert.ok(performance.now() - started < 1_500)
  }))

test('iprev says what the name of the address is worth', () =>
  scene(async ({ check, zone }) => {
    const iprev = async (remoteAddress: string) =>
      (await check(message('a@loose.example'), { remoteAddress })).facts.results.find(
        ({ method }) => method === 'iprev',
      )?.result
    assert.equal(await iprev('192.0.2.1'), 'pass')
    assert.equal(await iprev('192.0.2.2'), 'fail')
    assert.equal(await iprev('192.0.2.3'), 'permerror')
    zone.load(
      `${ZONE}8.b.d.0.1.0.0.2.ip6.arpa. IN NS x.\n1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa. IN PTR v6.example.\nv6.example. IN AAAA 2001:db8:0:0:0:0:0:1\n`,
    )
    assert.equal(await iprev('2001:db8::1'), 'pass')
    zone.trouble('2.0.192.in-addr.arpa', 'servfail')
    assert.equal(await iprev('192.0.2.1'), 'temperror')
  }))

test('signatures that are too many, and headers that are too long, cost nothing', () =>
  scene(async ({ check }) => {
    const one = await signed(message('ann@bank.example'), BANK)
    const [signature = ''] = /^DKIM-Signature:[\s\S]*?\r\n(?=\S)/.exec(one) ?? []
    const many = await check(
      `${one.replace(signature, `${signature}${signature.replace('d=bank', 'd=bonk').repeat(500)}`)}`,
    )
    assert.equal(many.facts.results.filter(({ method }) => method === 'dkim').length, 10)
    assert.equal(many.disposition, 'accept')
    // a name that is folded before its colon is read as one, too
    const folded = signature.replace(':', '\r\n :').replace('d=bank', 'd=bonk').repeat(500)
    const { facts } = await check(one.replace(signature, `${signature}${folded}`))
    assert.equal(facts.results.filter(({ method }) => method === 'dkim').length, 10)
    const long = `X: ${'y\r\n '.repeat(10_001)}\r\n`
    const started = performance.now()
    assert.deepEqual((await check(long + one)).reply, {
      code: 550,
      text: '5.6.0 The header of the message is too long',
    })
    assert.equal((await check(`X: ${'y'.repeat(600_000)}\r\n${one}`)).disposition, 'reject')
    for (const blank of [' '.repeat(400_000), `\r\n${' '.repeat(40)}`.repeat(9_000)])
      assert.equal((await check(`DKIM-Signature: a${blank}b\r\n${one}`)).disposition, 'reject')
    for (const name of ['From', 'FROM\r\n '])
      assert.equal((await check(`${name}: ${'a:;,'.repeat(100_000)}\r\n\r\n`)).disposition, 'reject')
    assert.ok(performance.now() - started < 3_000)
    assert.equal((await check(`X: ${'y\r\n '.repeat(9_900)}\r\n${one}`)).disposition, 'accept')
    assert.equal((await check(`\r\n${'no header at all\r\n'.repeat(100_000)}`)).disposition, 'junk')
    assert.equal((await check('')).disposition, 'junk')
  }))

test('a line that is too long is refused at once, and one that is nearly so is verified', () =>
  scene(async ({ check }) => {
    const one = await signed(message('ann@bank.example'), BANK)
    const started = performance.now()
    for (const text of ['a'.repeat(10_000_000), `${'a\t '.repeat(3_000_000)}\r\n`]) {
      assert.deepEqual((await check(`${one}${text}`)).reply, {
        code: 550,
        text: '5.6.0 A line of the message is too long',
      })
    }
    assert.ok(performance.now() - started < 2_000)
    const nearly = await signed(`${message('ann@bank.example')}${`${'a \t'.repeat(300_000)}\r\n`.repeat(3)}`, BANK)
    const { disposition, facts } = await check(nearly)
    assert.deepEqual([disposition, facts.results.find(({ method }) => method === 'dkim')?.result], ['accept', 'pass'])
  }))

test('reports are kept from senders that are who they say, at the addresses for them', () =>
  scene(async ({ check, reports }) => {
    const at = { ...fromBank, recipients: ['DMARC+x@example.org'] }
    const report = zippedDmarcReport('ann@bank.example')
    assert.equal((await check(report, { ...at, recipients: ['ann@example.org'] })).disposition, 'accept')
    await check(report, { ...at, remoteAddress: '192.0.2.200' })
    assert.deepEqual(reports.of('example.org', 0), [])
    assert.equal((await check(report, at)).disposition, 'accept')
    assert.equal((await check(zippedTlsReport('ann@bank.example'), at)).disposition, 'accept')
    assert.deepEqual(
      reports.of('example.org', 0).map(({ kind }) => kind),
      ['tls', 'dmarc'],
    )
  }))

test('any header gets a verdict whose results are one field', () =>
  scene(async ({ check }) => {
    const pieces = fc.constantFrom(
      'From: ',
      'a@bank.example',
      '<',
      '>',
      '"',
      '\\',
      ',',
      ';',
      ':',
      '=',
      '(',
      ')',
      ' ',
      '\r\n',
      '\r\n ',
      '\t',
      '\0',
      'é',
      '\ud800',
      'DKIM-Signature: ',
      'v=1; a=rsa-sha256; d=bank.example; s=rsa; h=from; bh=; b=',
      'l=99999999999999999999; ',
      'c=simple/',
      'ARC-Seal: i=1; cv=none; a=rsa-sha256; d=list.example; s=arc; b=',
      'ARC-Message-Signature: i=1; ',
      'ARC-Authentication-Results: i=1; ',
      'Authentication-Results: mx.example.org; ',
      'Received: from x (y [192.0.2.1])',
      'Return-Path: <>',
      'group: a@b.example, c@d.example;',
    )
    const header = fc.array(pieces, { maxLength: 30 }).map((list) => list.join(''))
    const word = fc.string({ unit: 'binary', maxLength: 20 })
    await fc.assert(
      fc.asyncProperty(header, word, word, async (text, helo, sender) => {
        const verdict = await check(text, { helo, sender })
        assert.notEqual(verdict.facts.reason, 'checks-unavailable')
        assert.match(verdict.headerLines, /^Authentication-Results: mx\.example\.org;(?:\r\n\t[^\r\n\0]+)+\r\n$/)
        assert.ok(verdict.headerLines.split('\r\n').every((line) => Buffer.byteLength(line) <= 998))
        assert.doesNotMatch(verdict.reply?.text ?? '', /[^\x20-\x7e]/)
      }),
      { numRuns: 60 },
    )
  }))
