/**
 * What mail programs and other servers fetch without anybody's password: settings for each kind of program, and the
 * MTA-STS policy. Only for domains of ours; every address of a domain gets the same answer.
 * @module
 */
import { type Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { type Address, parseAddress, parseDomain } from '#services/addresses.ts'
import type { PublicServices } from '#services/dns-records.ts'
import { formatMtaStsPolicy, type MtaStsPolicy } from '#services/mta-sts-policy.ts'
import { formatAutoconfig } from './autoconfig.ts'
import { formatAutodiscover, formatAutodiscoverError, readAutodiscover } from './autodiscover.ts'
import { formatMobileconfig } from './mobileconfig.ts'

/** Where the settings come from. */
export interface SettingsSources {
  /** @param domain Lower case, A-labels. */
  isOurs(domain: string): Promise<boolean>
  readonly hostname: string
  services(): PublicServices
  /** `null`: none is served. */
  policy(): MtaStsPolicy | null
}

/** Of Outlook's question; real ones have 400. */
const QUESTION_OCTETS = 16_384
const AN_HOUR = 'public, max-age=3600'
const XML = 'text/xml; charset=utf-8'

export function settingsRoutes(sources: SettingsSources): Hono {
  const app = new Hono()
  const ours = async (text: string | undefined): Promise<string | undefined> => {
    const domain = text === undefined ? undefined : parseDomain(text)
    return domain !== undefined && (await sources.isOurs(domain)) ? domain : undefined
  }
  const ourAddress = async (text: string | undefined): Promise<Address | undefined> => {
    const address = parseAddress(text ?? '')
    return address !== undefined && (await sources.isOurs(address.domain)) ? address : undefined
  }

  const autoconfig = async (context: Context): Promise<Response> => {
    const host = hostOf(context)
    const asked = context.req.query('emailaddress')
    const domain =
      (await ours(asked?.slice(asked.lastIndexOf('@') + 1))) ??
      (await ours(below('autoconfig', host))) ??
      (await ours(host))
    if (domain === undefined) return context.notFound()
    return context.body(formatAutoconfig(domain, sources.services()), 200, {
      'content-type': XML,
      'cache-control': AN_HOUR,
    })
  }
  app.get('/mail/config-v1.1.xml', autoconfig)
  app.get('/.well-known/autoconfig/mail/config-v1.1.xml', autoconfig)

  // Outlook writes the path with capitals, others without
  const autodiscover = async (context: Context): Promise<Response> => {
    const headers = { 'content-type': XML, 'cache-control': 'no-store' }
    const question = readAutodiscover(await context.req.text())
    if (question === undefined) return context.body(formatAutodiscoverError(600), 400, headers)
    const address = await ourAddress(question.address)
    if (address === undefined) return context.notFound()
    if (!question.understood) return context.body(formatAutodiscoverError(601), 200, headers)
    return context.body(formatAutodiscover(address.address, sources.services()), 200, headers)
  }
  const limit = bodyLimit({ maxSize: QUESTION_OCTETS })
  for (const path of ['/autodiscover', '/Autodiscover', '/AutoDiscover']) {
    for (const file of ['autodiscover.xml', 'Autodiscover.xml', 'AutoDiscover.xml'])
      app.post(`${path}/${file}`, limit, autodiscover)
    for (const file of [`${path}/autodiscover.json`, `${path}/autodiscover.json/v1.0/:address`])
      app.get(file, async (context) => {
        const { req } = context
        const address = await ourAddress(req.param('address') ?? req.query('Email') ?? req.query('email'))
        if (address === undefined) return context.notFound()
        const protocol = req.query('Protocol') ?? req.query('protocol') ?? ''
        context.header('cache-control', 'no-store')
        if (protocol.toLowerCase() !== 'autodiscoverv1')
          return context.json({ ErrorCode: 'InvalidProtocol', ErrorMessage: 'Only AutodiscoverV1 is here' }, 400)
        return context.json({
          Protocol: 'AutodiscoverV1',
          Url: `https://${sources.hostname}/autodiscover/autodiscover.xml`,
        })
      })
  }

  const mobileconfig = async (context: Context, text: string | undefined): Promise<Response> => {
    const address = await ourAddress(text)
    const language = /^fr\b/i.test(context.req.header('accept-language') ?? '') ? 'fr' : 'en'
    const profile = address === undefined ? undefined : formatMobileconfig(address, sources.services(), language)
    if (address === undefined || profile === undefined) return context.notFound()
    return context.body(profile, 200, {
      'content-type': 'application/x-apple-aspen-config; charset=utf-8',
      'content-disposition': `attachment; filename="${address.domain}.mobileconfig"`,
      'cache-control': 'no-store',
      vary: 'Accept-Language',
    })
  }
  app.get('/apple/mobileconfig', (context) => mobileconfig(context, context.req.query('email')))
  app.get('/apple/:file', (context) =>
    mobileconfig(context, /^(.+)\.mobileconfig$/.exec(context.req.param('file'))?.[1]),
  )

  // RFC 8461 §3.3: by the name that was asked for
  app.get('/.well-known/mta-sts.txt', async (context) => {
    const policy = sources.policy()
    const domain = await ours(below('mta-sts', hostOf(context)))
    if (policy === null || domain === undefined) return context.notFound()
    const headers = { 'content-type': 'text/plain; charset=us-ascii', 'cache-control': AN_HOUR }
    return context.body(formatMtaStsPolicy(policy), 200, headers)
  })
  return app
}

/** The name that was asked for, without the port. */
function hostOf(context: Context): string {
  return new URL(context.req.url).hostname
}

/** `example.org` of `autoconfig.example.org`. */
function below(label: string, host: string): string | undefined {
  return host.startsWith(`${label}.`) ? host.slice(label.length + 1) : undefined
}
