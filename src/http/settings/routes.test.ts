import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { MtaStsPolicy } from '#services/mta-sts-policy.ts'
import { settingsRoutes } from './routes.ts'

const PLACES = {
  imaps: { host: 'mail.example.org', port: 993 },
  pop3: { host: 'pop.example.org', port: 110 },
  submissions: { host: 'mail.example.org', port: 465 },
  submission: { host: 'mail.example.org', port: 587 },
} as const

function app(policy: MtaStsPolicy | null = { mode: 'enforce', mx: ['mail.example.org'] }) {
  return settingsRoutes({
    isOurs: async (domain) => domain === 'example.org' || domain === 'xn--bcher-kva.example',
    hostname: 'mail.example.org',
    services: () => PLACES,
    policy: () => policy,
  })
}

async function get(
  url: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; text: string; type: string | null }> {
  const answer = await app().request(url, { headers })
  return { status: answer.status, text: await answer.text(), type: answer.headers.get('content-type') }
}

/** Outlook's question. */
function question(address: string, schema = 'outlook/responseschema/2006a'): string {
  const base = 'http://schemas.microsoft.com/exchange/autodiscover'
  return `<?xml version="1.0"?><Autodiscover xmlns="${base}/outlook/requestschema/2006"><Request><EMailAddress>${address}</EMailAddress><AcceptableResponseSchema>${base}/${schema}</AcceptableResponseSchema></Request></Autodiscover>`
}

async function ask(body: string, path = '/autodiscover/autodiscover.xml'): Promise<{ status: number; text: string }> {
  const answer = await app().request(`http://autodiscover.example.org${path}`, { method: 'POST', body })
  return { status: answer.status, text: await answer.text() }
}

suite('autoconfig', () => {
  const PATH = '/mail/config-v1.1.xml'

  test('names each service of the domain, TLS from the first byte before STARTTLS', async () => {
    const { status, text, type } = await get(`http://autoconfig.example.org${PATH}?emailaddress=ann%40example.org`)
    assert.equal(status, 200)
    assert.equal(type, 'text/xml; charset=utf-8')
    const servers = text.matchAll(
      /Server type="(\w+)">\s*<hostname>(.*?)<\/hostname>\s*<port>(\d+)<\/port>\s*<socketType>(\w+)/g,
    )
    assert.deepEqual(
      Array.from(servers, ([, ...parts]) => parts.join(' ')),
      [
        'imap mail.example.org 993 SSL',
        'pop3 pop.example.org 110 STARTTLS',
        'smtp mail.example.org 465 SSL',
        'smtp mail.example.org 587 STARTTLS',
      ],
    )
  })

  test('is the same for every address, there or not, and for no other domain', async () => {
    const one = await get(`http://autoconfig.example.org${PATH}?emailaddress=ann%40example.org`)
    for (const url of [
      `http://autoconfig.example.org${PATH}?emailaddress=nobody-there%40example.org`,
      `http://autoconfig.example.org${PATH}`,
      `http://example.org/.well-known/autoconfig${PATH}`,
      `http://mail.example.org${PATH}?emailaddress=ann%40example.org`,
      `http://example.org:8080/.well-known/autoconfig${PATH}?emailaddress=%22%3Cx%3E%22%40EXAMPLE.org`,
    ])
      assert.deepEqual(await get(url), one, url)
    for (const url of [
      `http://autoconfig.example.net${PATH}?emailaddress=ann%40example.net`,
      `http://mail.example.org${PATH}`,
      `http://127.0.0.1${PATH}`,
      `http://autoconfig.${PATH}`,
    ])
      assert.equal((await get(url)).status, 404, url)
  })

  test('knows domains as people write them', async () => {
    const { text } = await get(
      `http://mail.example.org${PATH}?emailaddress=${encodeURIComponent('ann@bücher.example')}`,
    )
    assert.match(text, /<emailProvider id="xn--bcher-kva\.example">/)
  })
})

suite('autodiscover', () => {
  test('tells Outlook the settings, whatever capitals it writes', async () => {
    const one = await ask(question('Ann@Example.org'))
    assert.equal(one.status, 200)
    assert.match(one.text, /<Type>IMAP<\/Type>\s*<Server>mail\.example\.org<\/Server>\s*<Port>993<\/Port>/)
    assert.match(one.text, /<Type>SMTP<\/Type>[^]*<Port>465<\/Port>[^]*<Encryption>SSL<\/Encryption>/)
    assert.match(one.text, /<Type>POP3<\/Type>[^]*?<Encryption>TLS<\/Encryption>/)
    assert.match(one.text, /<LoginName>ann@example\.org<\/LoginName>/)
    assert.deepEqual(await ask(question('Ann@Example.org'), '/Autodiscover/Autodiscover.xml'), one)
  })

  test('escapes what it was asked, and says the same of everybody', async () => {
    const { text } = await ask(question('&quot;a&lt;b&gt;&amp;c&quot;@example.org'))
    assert.match(text, /<LoginName>&quot;a&lt;b&gt;&amp;c&quot;@example\.org<\/LoginName>/)
    const nobody = (await ask(question('nobody@example.org'))).text.replaceAll('nobody', 'ann')
    assert.equal(nobody, (await ask(question('ann@example.org'))).text)
  })

  test('refuses what is no question, of another domain, or long', async () => {
    assert.equal((await ask(question('ann@example.net'))).status, 404)
    assert.equal((await ask('<EMailAddress/>')).status, 400)
    assert.match((await ask('')).text, /<ErrorCode>600</)
    assert.match((await ask(question('ann@example.org', 'mobilesync/responseschema/2006'))).text, /<ErrorCode>601</)
    assert.equal((await ask(question('ann@example.org') + ' '.repeat(20_000))).status, 413)
  })

  test('as JSON leads to the XML', async () => {
    const path = 'http://autodiscover.example.org/autodiscover/autodiscover.json'
    const { text } = await get(`${path}?Email=ann%40example.org&Protocol=AutodiscoverV1`)
    assert.deepEqual(JSON.parse(text), {
      Protocol: 'AutodiscoverV1',
      Url: 'https://mail.example.org/autodiscover/autodiscover.xml',
    })
    assert.equal((await get(`${path}/v1.0/ann%40example.org?Protocol=autodiscoverv1`)).status, 200)
    assert.equal((await get(`${path}?Email=ann%40example.org&Protocol=ActiveSync`)).status, 400)
    assert.equal((await get(`${path}?Email=ann%40example.net&Protocol=AutodiscoverV1`)).status, 404)
  })
})

suite('mobileconfig', () => {
  test('is a profile without a password, the same for the same address', async () => {
    const one = await get('http://mail.example.org/apple/ann@example.org.mobileconfig')
    assert.equal(one.type, 'application/x-apple-aspen-config; charset=utf-8')
    assert.deepEqual(await get('http://mail.example.org/apple/mobileconfig?email=Ann%40example.org'), one)
    assert.match(one.text, /<key>IncomingMailServerPortNumber<\/key>\s*<integer>993<\/integer>/)
    assert.match(one.text, /<key>OutgoingMailServerPortNumber<\/key>\s*<integer>465<\/integer>/)
    assert.doesNotMatch(one.text, /<key>(?:In|Out)comingPassword<|<key>OutgoingPassword</)
    const uuids = one.text.match(/[0-9A-F]{8}-[0-9A-F]{4}-8[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}/g)
    assert.equal(new Set(uuids).size, 2)
    const french = await get('http://mail.example.org/apple/ann@example.org.mobileconfig', {
      'accept-language': 'fr-CH, en',
    })
    assert.match(french.text, /Courrier de example\.org/)
  })

  test('escapes the address, and is for our domains only', async () => {
    const odd = `/apple/${encodeURIComponent('"a<b>&"@example.org')}.mobileconfig`
    const { text } = await get(`http://mail.example.org${odd}`)
    assert.match(text, /<string>&quot;a&lt;b&gt;&amp;&quot;@example\.org<\/string>/)
    for (const path of ['ann@example.net.mobileconfig', 'ann.mobileconfig', '.mobileconfig', 'ann@example.org'])
      assert.equal((await get(`http://mail.example.org/apple/${path}`)).status, 404, path)
  })
})

suite('the MTA-STS policy', () => {
  const PATH = '/.well-known/mta-sts.txt'

  test('is served at mta-sts of each domain (RFC 8461 §3.3)', async () => {
    assert.deepEqual(await get(`http://mta-sts.example.org${PATH}`), {
      status: 200,
      type: 'text/plain; charset=us-ascii',
      text: 'version: STSv1\r\nmode: enforce\r\nmx: mail.example.org\r\nmax_age: 604800\r\n',
    })
  })

  test('is nowhere else, and not where there is none', async () => {
    for (const host of ['example.org', 'mta-sts.example.net', 'mail.example.org', 'mta-sts.mta-sts.example.org'])
      assert.equal((await get(`http://${host}${PATH}`)).status, 404, host)
    assert.equal((await app(null).request(`http://mta-sts.example.org${PATH}`)).status, 404)
  })
})
