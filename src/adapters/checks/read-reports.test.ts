import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { DMARC_XML, reportMessage, TLS_JSON, zipOf, zippedDmarcReport, zippedTlsReport } from '#testing/reports.ts'
import { dmarcReport, reportsIn, tlsReports } from './read-reports.ts'
import { unpack } from './unpack.ts'
import { parseXml } from './xml.ts'

const DMARC = {
  kind: 'dmarc',
  domain: 'example.org',
  by: 'Big & Mail',
  id: '77.1',
  begin: 1_795_824_000_000,
  end: 1_795_910_400_000,
  policy: 'reject',
  rows: [
    { source: '192.0.2.1', count: 120, disposition: 'none', dkim: 'pass', spf: 'fail', headerFrom: 'example.org' },
    { source: '2001:db8::9', count: 4, disposition: 'reject', dkim: 'fail', spf: 'fail', headerFrom: 'example.org' },
  ],
}
const TLS = {
  kind: 'tls',
  domain: 'example.org',
  by: 'Big Mail',
  id: 't-1',
  begin: Date.UTC(2026, 10, 28),
  end: Date.UTC(2026, 10, 28, 23, 59, 59),
  policy: 'sts',
  succeeded: 50,
  failed: 2,
  failures: [{ type: 'certificate-expired', mx: 'mx.example.org', count: 2 }],
}

test('reportsIn() finds reports however they are packed', () => {
  const from = 'r@big.example'
  assert.deepEqual(reportsIn(Buffer.from(zippedDmarcReport(from))), [DMARC])
  assert.deepEqual(reportsIn(Buffer.from(zippedTlsReport(from))), [TLS])
  for (const [type, name, bytes] of [
    ['application/gzip', 'r.xml.gz', gzipSync(DMARC_XML)],
    ['text/xml', 'r', Buffer.from(DMARC_XML)],
    ['application/octet-stream', 'r.zip', zipOf(['r', Buffer.from(`\ufeff${DMARC_XML}`)])],
  ] as const)
    assert.deepEqual(reportsIn(Buffer.from(reportMessage(from, type, name, bytes))), [DMARC])
  assert.deepEqual(reportsIn(Buffer.from('Subject: x\r\n\r\nText\r\n')), [])
  assert.deepEqual(reportsIn(Buffer.from(reportMessage(from, 'image/png', 'x.png', Buffer.from(DMARC_XML)))), [])
})

test('what is no report, or lacks what tells it apart, is none', () => {
  for (const gone of ['<report_id>77.1</report_id>', '<domain>Example.ORG</domain>', '<begin>1795824000</begin>'])
    assert.equal(dmarcReport(DMARC_XML.replace(gone, '')), undefined)
  assert.equal(dmarcReport('<other/>'), undefined)
  assert.deepEqual(dmarcReport(DMARC_XML.replace('192.0.2.1', 'not an address'))?.rows, DMARC.rows.slice(1))
  assert.deepEqual(dmarcReport(DMARC_XML.replace('>120<', '>-1<'))?.rows, DMARC.rows.slice(1))
  for (const text of [
    '',
    '{',
    '[]',
    'null',
    '{"policies":7}',
    TLS_JSON.replace('report-id', 'x'),
    TLS_JSON.replace('2026-11-28T00', 'x'),
  ])
    assert.deepEqual(tlsReports(text), [])
  assert.deepEqual(tlsReports(TLS_JSON.replace('"policy-domain":"example.org"', '"policy-domain":"ex ample"')), [])
})

test('unpack() stops where too much comes out, and takes nothing that is not one whole file', () => {
  const most = 20 * 1024 * 1024
  const bomb = Buffer.alloc(21 * 1024 * 1024)
  assert.equal(unpack(gzipSync(bomb), most), undefined)
  assert.equal(unpack(zipOf(['x', bomb]), most), undefined)
  assert.equal(unpack(bomb, most), undefined)
  assert.equal(unpack(zipOf(['a', Buffer.from('a')], ['b', Buffer.from('b')]), most), undefined)
  const zip = zipOf(['a', Buffer.from('text')])
  assert.equal(Buffer.from(unpack(zip, 4) ?? []).toString(), 'text')
  for (let cut = 4; cut < zip.length; cut += 1) assert.equal(unpack(zip.subarray(0, cut), most), undefined)
  fc.assert(
    fc.property(fc.nat(zip.length - 1), fc.integer({ min: 0, max: 255 }), (at, byte) => {
      const damaged = Buffer.from(zip)
      damaged[at] = byte
      unpack(damaged, most)
    }),
  )
})

test('many files in a message cost no more than one, and bring no more rows', () => {
  const fill = '&amp;'.repeat(2_200_000)
  const heavy = gzipSync(DMARC_XML.replace('<version>', `<version>${fill}`))
  const row = '{"policy":{"policy-domain":"example.org"},"failure-details":[{},{}]},'
  const many = gzipSync(TLS_JSON.replace('"policies":[', `"policies":[${row.repeat(1_000)}`))
  const asked = performance.now()
  // the second does not fit any more
  assert.equal(reportsIn(messageWith(...Array.from({ length: 20 }, () => heavy))).length, 1)
  assert.equal(reportsIn(messageWith(many)).length, 100)
  // 80 seconds, were each unpacked and each entity read
  assert.ok(performance.now() - asked < 5_000)
})

function messageWith(...files: readonly Uint8Array[]): Buffer {
  const parts = files.map(
    (file) =>
      `--x\r\nContent-Type: application/gzip\r\nContent-Transfer-Encoding: base64\r\n\r\n${Buffer.from(file).toString('base64')}\r\n`,
  )
  return Buffer.from(`Content-Type: multipart/mixed; boundary=x\r\n\r\n${parts.join('')}--x--\r\n`)
}

test('parseXml() refuses document types, entities of its own, depth, and what is not well-formed', () => {
  const lol = `<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol1 "&lol;&lol;">]><feedback>&lol1;</feedback>`
  for (const text of [
    lol,
    '<a><!ELEMENT b></a>',
    '<a>',
    '</a>',
    '<a></b>',
    '<a/><b/>',
    '',
    'text',
    '<a><!-- </a>',
    '<a><![CDATA[ </a>',
    '<a b="></a>',
    '<a'.repeat(100_000),
    '<a>'.repeat(30),
    `${'<a>'.repeat(25)}${'</a>'.repeat(25)}`,
    `<a>${'<b/>'.repeat(250_001)}</a>`,
  ])
    assert.equal(parseXml(text), undefined, text.slice(0, 60))
  assert.deepEqual(
    parseXml(`<?xml version='1.0'?><n:a x=">" y='/>'>1 &lt;<!-- & --><![CDATA[<b>]]>&#233;&#xD800;&other;<b/></n:a>`),
    {
      name: 'a',
      text: '1 <<b>é\ufffd&other;',
      children: [{ name: 'b', text: '', children: [] }],
    },
  )
})

test('any octets are read to an end', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      fc.string({ unit: fc.constantFrom('<', '>', '/', '!', '-', '[', ']', '"', 'a', '&', ';', '?') }),
      (bytes, text) => {
        unpack(bytes, 1_000)
        reportsIn(bytes)
        parseXml(text)
        tlsReports(text)
      },
    ),
  )
})
