/** Reports as other mail servers send them. @module */
import { deflateRawSync, gzipSync } from 'node:zlib'

/** A DMARC report about example.org with two sources. */
export const DMARC_XML = `<?xml version="1.0" encoding="UTF-8" ?>
<!-- of a Monday -->
<feedback xmlns="urn:ietf:params:xml:ns:dmarc-2.0">
  <version>1.0</version>
  <report_metadata>
    <org_name>Big &amp; Mail</org_name>
    <email>noreply-dmarc@big.example</email>
    <report_id>77.1</report_id>
    <date_range><begin>1795824000</begin><end>1795910400</end></date_range>
  </report_metadata>
  <policy_published><domain>Example.ORG</domain><adkim>r</adkim><aspf>r</aspf><p>reject</p><sp>reject</sp><pct>100</pct></policy_published>
  <record>
    <row><source_ip>192.0.2.1</source_ip><count>120</count>
      <policy_evaluated><disposition>none</disposition><dkim>pass</dkim><spf>fail</spf></policy_evaluated></row>
    <identifiers><header_from>example.org</header_from></identifiers>
    <auth_results><dkim><domain>example.org</domain><result>pass</result></dkim><spf><domain>x.example</domain><result>fail</result></spf></auth_results>
  </record>
  <record>
    <row><source_ip>2001:db8::9</source_ip><count>4</count>
      <policy_evaluated><disposition>reject</disposition><dkim>fail</dkim><spf>fail</spf></policy_evaluated></row>
    <identifiers><header_from>example.org</header_from></identifiers>
    <auth_results/>
  </record>
</feedback>
`

/** A TLS report about example.org: one failure with MTA-STS. */
export const TLS_JSON: string = JSON.stringify({
  'organization-name': 'Big Mail',
  'date-range': { 'start-datetime': '2026-11-28T00:00:00Z', 'end-datetime': '2026-11-28T23:59:59Z' },
  'contact-info': 'tls@big.example',
  'report-id': 't-1',
  policies: [
    {
      policy: {
        'policy-type': 'sts',
        'policy-string': ['version: STSv1'],
        'policy-domain': 'example.org',
        'mx-host': ['mx.example.org'],
      },
      summary: { 'total-successful-session-count': 50, 'total-failure-session-count': 2 },
      'failure-details': [
        { 'result-type': 'certificate-expired', 'receiving-mx-hostname': 'mx.example.org', 'failed-session-count': 2 },
      ],
    },
  ],
})

/** A zip with these files, as programs make them: sizes behind the data, in the directory at the end. */
export function zipOf(...files: readonly (readonly [name: string, bytes: Uint8Array])[]): Buffer {
  const parts: Buffer[] = []
  const central: Buffer[] = []
  let at = 0
  for (const [name, bytes] of files) {
    const data = deflateRawSync(bytes)
    const local = Buffer.alloc(30)
    local.writeUInt32LE(0x04034b50, 0)
    local.writeUInt16LE(8, 6)
    local.writeUInt16LE(8, 8)
    local.writeUInt16LE(name.length, 26)
    const entry = Buffer.alloc(46)
    entry.writeUInt32LE(0x02014b50, 0)
    entry.writeUInt16LE(8, 10)
    entry.writeUInt32LE(data.length, 20)
    entry.writeUInt32LE(bytes.length, 24)
    entry.writeUInt16LE(name.length, 28)
    entry.writeUInt32LE(at, 42)
    central.push(entry, Buffer.from(name))
    parts.push(local, Buffer.from(name), data)
    at += local.length + name.length + data.length
  }
  const directory = Buffer.concat(central)
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(files.length, 8)
  end.writeUInt16LE(files.length, 10)
  end.writeUInt32LE(directory.length, 12)
  end.writeUInt32LE(at, 16)
  return Buffer.concat([...parts, directory, end])
}

/** A message that carries a file. */
export function reportMessage(from: string, type: string, name: string, bytes: Uint8Array): string {
  const encoded = Buffer.from(bytes).toString('base64').replace(/.{76}/g, '$&\r\n')
  return (
    `From: ${from}\r\nTo: dmarc@example.org\r\nSubject: Report domain: example.org\r\nMIME-Version: 1.0\r\n` +
    `Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nA report.\r\n` +
    `--b\r\nContent-Type: ${type}; name="${name}"\r\nContent-Transfer-Encoding: base64\r\n` +
    `Content-Disposition: attachment; filename="${name}"\r\n\r\n${encoded}\r\n--b--\r\n`
  )
}

/** The DMARC report as most send it. */
export function zippedDmarcReport(from: string, xml: string = DMARC_XML): string {
  return reportMessage(from, 'application/zip', 'big.example!example.org!1!2.zip', zipOf(['r.xml', Buffer.from(xml)]))
}

/** The TLS report as RFC 8460 §5.3 has it. */
export function zippedTlsReport(from: string): string {
  return reportMessage(from, 'application/tlsrpt+gzip', 'big.example!example.org!1!2.json.gz', gzipSync(TLS_JSON))
}
