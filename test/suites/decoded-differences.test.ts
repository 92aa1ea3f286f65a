/**
 * What we decode, compared with what two libraries of the JavaScript world decode, over every message of the corpus.
 * Each difference stands below with its reason; one that is not listed fails, and one that is listed but gone fails too.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { type AddressObject, simpleParser } from 'mailparser'
import PostalMime, { type Address } from 'postal-mime'
import { charsetDecoder } from '#mail/charset.ts'
import { decodeHeaderText, decodeRaw } from '#mail/encoded-words.ts'
import type { EnvelopeAddress } from '#mail/envelope.ts'
import { decodedParameter } from '#mail/parameters.ts'
import { prepareEmail } from '#mail/prepare.ts'
import type { ScannedPart } from '#mail/scanned.ts'
import { scanMessage } from '#mail/scanner.ts'
import { attachmentName } from '#mail/searchable.ts'
import { decodeTransfer } from '#mail/transfer-decoding.ts'
import { corpusMessages, fixtureMessages, hasSharedCorpus } from '#testing/corpus.ts'

/** What is compared; text without differences of white space, bytes by their hash. */
interface Decoded {
  readonly subject: string
  readonly from: string
  readonly to: string
  readonly plain: string
  readonly html: string
  readonly attachments: string
}

type Library = 'postal-mime' | 'mailparser'

const FIELDS = ['subject', 'from', 'to', 'plain', 'html', 'attachments'] as const

const squeeze = (text: string): string => text.replace(/[\s\u00a0]+/g, ' ').trim()

const attachment = (name: string | null | undefined, bytes: Uint8Array): string =>
  `${squeeze(name ?? '')}#${bytes.length}#${createHash('sha256').update(bytes).digest('hex').slice(0, 8)}`

const list = (addresses: readonly { name?: string | undefined; address?: string | undefined }[]): string =>
  addresses.map(({ name, address }) => `${squeeze(name ?? '')} <${address ?? ''}>`).join(', ')

function ours(bytes: Buffer): Decoded {
  const scanned = scanMessage(bytes)
  const leaves: ScannedPart[] = []
  const collect = (part: ScannedPart): void => {
    if (part.kind === 'multipart') part.children.forEach(collect)
    // What stands in for no part at all is none.
    else if (part.headerStart < part.bodyEnd) leaves.push(part)
  }
  collect(scanned.root)
  const body = (part: ScannedPart): Uint8Array =>
    decodeTransfer(bytes.subarray(part.bodyStart, part.bodyEnd), part.content.encoding) ?? Buffer.alloc(0)
  const isBody = (part: ScannedPart, subtype: string): boolean =>
    part.kind === 'text' &&
    part.content.subtype.toLowerCase() === subtype &&
    part.content.disposition?.type.toLowerCase() !== 'attachment'
  const text = (subtype: string): string =>
    leaves
      .filter((part) => isBody(part, subtype))
      .map((part) => {
        const decoder = charsetDecoder(decodedParameter(part.content.parameters, 'charset') ?? '')
        return decoder.push(body(part)) + decoder.end()
      })
      .join('\n')
  return {
    subject: squeeze(prepareEmail(scanned).subject),
    from: ourAddresses(scanned.root.envelope?.from),
    to: ourAddresses(scanned.root.envelope?.to),
    plain: squeeze(text('plain')),
    html: squeeze(text('html')),
    attachments: leaves
      .filter((part) => !isBody(part, 'plain') && !isBody(part, 'html'))
      .map((part) => attachment(attachmentName(part.content), body(part)))
      .join(', '),
  }
}

function ourAddresses(addresses: readonly EnvelopeAddress[] | undefined): string {
  const people = (addresses ?? []).filter(({ host }) => host !== undefined)
  return list(
    people.map(({ name, mailbox, host }) => {
      const local = decodeRaw(mailbox ?? '')
      const shown = name === undefined ? undefined : decodeHeaderText(name)
      // A word alone is a local part to us, as ENVELOPE wants it, and a name to the libraries: the same knowledge.
      if (host === 'MISSING_DOMAIN') return { name: shown ?? local, address: shown === undefined ? '' : local }
      return { name: shown, address: `${local}@${decodeRaw(host ?? '')}` }
    }),
  )
}

async function byPostalMime(bytes: Buffer): Promise<Decoded> {
  const mail = await PostalMime.parse(bytes, {
    maxRfc822NestingDepth: 0,
    maxNestingDepth: 100,
    maxHeadersSize: 2 ** 24,
  })
  const flat = (addresses: readonly Address[]): { name: string; address?: string | undefined }[] =>
    addresses.flatMap((each) => (each.group === undefined ? [each] : each.group))
  return {
    subject: squeeze(mail.subject ?? ''),
    from: list(mail.from === undefined ? [] : flat([mail.from])),
    to: list(flat(mail.to ?? [])),
    plain: squeeze(mail.text ?? ''),
    html: squeeze(mail.html ?? ''),
    attachments: mail.attachments
      .map(({ filename, content }) =>
        attachment(filename, typeof content === 'string' ? Buffer.from(content) : new Uint8Array(content)),
      )
      .join(', '),
  }
}

async function byMailparser(bytes: Buffer): Promise<Decoded> {
  const mail = await simpleParser(bytes, {
    skipHtmlToText: true,
    skipTextToHtml: true,
    skipTextLinks: true,
    skipImageLinks: true,
    maxHtmlLengthToParse: 1e9,
  })
  const flat = (
    object: AddressObject | AddressObject[] | undefined,
  ): { name: string; address?: string | undefined }[] =>
    [object ?? []].flat().flatMap(({ value }) => value.flatMap((each) => each.group ?? [each]))
  return {
    subject: squeeze(mail.subject ?? ''),
    from: list(flat(mail.from)),
    to: list(flat(mail.to)),
    plain: squeeze(mail.text ?? ''),
    html: squeeze(mail.html || ''),
    attachments: mail.attachments.map(({ filename, content }) => attachment(filename, content)).join(', '),
  }
}

interface Difference {
  readonly library: Library
  readonly field: keyof Decoded
  readonly reason: string
  readonly messages: readonly string[]
}

const differences: readonly Difference[] = [
  {
    library: 'postal-mime',
    field: 'attachments',
    reason:
      'rewrites parts without transfer encoding to LF and adds one at the end, which RFC 2046 §5.1.1 gives to the boundary that follows',
    messages: [
      'malformed/012.eml',
      'malformed/015.eml',
      'malformed/022.eml',
      'mbox/content-length.mbox#1',
      'mbox/content-length.mbox#2',
      'mbox/content-length.mbox#4',
      'mbox/content-length.mbox#10',
      'mbox/content-length.mbox#19',
      'messages/newsletter-12.eml',
      'messages/newsletter-18.eml',
      'messages/newsletter-20.eml',
      'messages/newsletter-21.eml',
      'messages/newsletter-3.eml',
      'messages/newsletter-4.eml',
      'messages/newsletter-5.eml',
      'messages/newsletter-7.eml',
      'mime/bounce.eml',
      'mime/delivery-status-no-blank-line.eml',
      'mime/delivery-status.anonymized.eml',
      'mime/delivery-status.eml',
      'mime/delivery-status2.eml',
      'mime/disposition-notification.anonymized.eml',
      'mime/disposition-notification.eml',
      'mime/feedback-report.eml',
      'mime/rfc2060.eml',
      'mime/simple-embedded-message.anonymized.eml',
      'mime/simple-embedded-message.eml',
      'rfc/000.eml',
      'rfc/001.eml',
      'rfc/002.eml',
      'rfc/003.eml',
      'rfc/004.eml',
      'rfc/007.eml',
      'rfc/009.eml',
      'fixtures/mail/digest.eml',
      'fixtures/mail/everything.eml',
    ],
  },
  {
    library: 'postal-mime',
    field: 'attachments',
    reason: 'keeps white space at the ends of quoted-printable lines, which RFC 2045 §6.7 rule 3 wants deleted',
    messages: ['messages/newsletter-11.eml'],
  },
  ...both('attachments', 'finds no boundary where the semicolon before it is missing; we do, and so see the picture', [
    'malformed/017.eml',
  ]),
  ...both(
    'attachments',
    'an unreadable Content-Type is an attachment to them; to us text/plain, as RFC 2045 §5.2 recommends',
    ['messages/newsletter-0.eml', 'mime/missing-subtype.eml'],
  ),
  ...both('plain', 'the other side of that: the part is text to us', [
    'messages/newsletter-0.eml',
    'mime/missing-subtype.eml',
  ]),
  ...both('plain', 'a multipart whose boundary never comes is empty to them; we show its text', [
    'malformed/002.eml',
    'malformed/004.eml',
    'fixtures/mail/no-delimiter.eml',
  ]),
  ...both('plain', 'joins flowed lines with DelSp=yes (RFC 3676); we give the lines as they stand', [
    'mime/issue1130.eml',
  ]),
  {
    library: 'postal-mime',
    field: 'plain',
    reason: 'renders HTML parts as text and appends them',
    messages: ['malformed/008.eml', 'malformed/019.eml'],
  },
  {
    library: 'postal-mime',
    field: 'plain',
    reason: 'decodes UTF-8 labelled ISO-2022-JP, which has no 8-bit bytes, by its label: replacement characters',
    messages: ['messages/newsletter-13.eml', 'messages/newsletter-6.eml'],
  },
  ...both('html', 'makes HTML of the text parts that stand beside HTML, or of empty ones', [
    'malformed/008.eml',
    'malformed/019.eml',
    'mbox/content-length.mbox#16',
    'rfc/007.eml',
  ]),
  {
    library: 'postal-mime',
    field: 'html',
    reason: 'makes HTML of empty text parts; our part is empty too',
    messages: ['malformed/000.eml'],
  },
  {
    library: 'mailparser',
    field: 'plain',
    reason: 'appends the text of messages inside, with a header of its own making; they are parts to us',
    messages: [
      'mbox/content-length.mbox#2',
      'mbox/content-length.mbox#10',
      'mime/feedback-report.eml',
      'rfc/002.eml',
      'rfc/004.eml',
      'fixtures/mail/digest.eml',
    ],
  },
  {
    library: 'mailparser',
    field: 'html',
    reason: 'appends the HTML of messages inside, with a header of its own making; they are parts to us',
    messages: ['mbox/content-length.mbox#2'],
  },
  {
    library: 'mailparser',
    field: 'attachments',
    reason: 'opens messages inside and lists what is attached there; the message is the attachment to us',
    messages: [
      'mbox/content-length.mbox#2',
      'mbox/content-length.mbox#10',
      'mime/feedback-report.eml',
      'rfc/002.eml',
      'rfc/004.eml',
      'fixtures/mail/digest.eml',
    ],
  },
  {
    library: 'mailparser',
    field: 'plain',
    reason: 'appends message/delivery-status, which is for programs (RFC 3464)',
    messages: deliveryReports(),
  },
  {
    library: 'mailparser',
    field: 'attachments',
    reason: 'the other side of that: the delivery status is no attachment',
    messages: deliveryReports(),
  },
  ...both('subject', 'the header has Subject twice: one counts to them; SEARCH must find both', ['malformed/019.eml']),
  ...both('from', 'ignores the name in the comment behind a local part alone, "nsb (Nathaniel Borenstein)" or <nsb>', [
    'messages/newsletter-0.eml',
  ]),
  ...both('from', 'takes a byte order mark before the first field for a part of its name', [
    'mime/feedback-report.eml',
  ]),
  ...both('to', 'takes the comment behind an empty group for a person', [
    'mime/delivery-status-no-blank-line.eml',
    'mime/delivery-status.anonymized.eml',
    'mime/delivery-status.eml',
  ]),
  ...both('to', 'leaves out a display name that equals the address', ['mime/issue358.eml']),
  ...both(
    'to',
    'cuts a name of thousands of damaged encoded words at commas and colons, or drops it; it is one word to us',
    ['mime/stack-overflow.eml'],
  ),
]

function both(field: keyof Decoded, reason: string, messages: readonly string[]): readonly Difference[] {
  return [
    { library: 'postal-mime', field, reason, messages },
    { library: 'mailparser', field, reason, messages },
  ]
}

function deliveryReports(): readonly string[] {
  return ['-multiple-blank-lines', '-no-blank-line', '.anonymized', '', '2']
    .map((kind) => `mime/delivery-status${kind}.eml`)
    .concat('mime/bounce.eml')
}

test('what we decode differs from postal-mime and mailparser only where listed', {
  skip: !hasSharedCorpus,
}, async (t) => {
  const listed = new Map(
    differences.flatMap(({ library, field, reason, messages }) =>
      messages.map((message): [string, string] => [`${message} ${library} ${field}`, reason]),
    ),
  )
  const unexpected: string[] = []
  const counts: Record<Library, number> = { 'postal-mime': 0, mailparser: 0 }
  let compared = 0
  const seen = new Set<string>()
  // The project's fixtures are always compared, the shared corpus where it is there.
  const fixtures = fixtureMessages().map(({ name, bytes }) => ({ name: `fixtures/${name}`, bytes }))
  const messages = hasSharedCorpus ? [...fixtures, ...corpusMessages()] : fixtures
  const present = new Set(messages.map(({ name }) => name))
  for (const { name, bytes } of messages) {
    const mine = ours(bytes)
    const others = { 'postal-mime': await byPostalMime(bytes), mailparser: await byMailparser(bytes) }
    for (const library of ['postal-mime', 'mailparser'] as const) {
      for (const field of FIELDS) {
        compared += 1
        const theirs = others[library][field]
        if (mine[field] === theirs) continue
        const key = `${name} ${library} ${field}`
        seen.add(key)
        counts[library] += 1
        if (!listed.has(key)) unexpected.push(`${key}\n  ours:   ${brief(mine[field])}\n  theirs: ${brief(theirs)}`)
      }
    }
  }
  const reasons = new Set(listed.values()).size
  t.diagnostic(
    `${compared} values compared; differ from postal-mime: ${counts['postal-mime']}, from mailparser: ${counts.mailparser}; ${reasons} reasons`,
  )
  assert.deepEqual(unexpected, [], 'differences that nobody has explained')
  assert.deepEqual(
    [...listed.keys()].filter((key) => present.has(key.split(' ', 1)[0] ?? '') && !seen.has(key)),
    [],
    'differences that are listed and gone',
  )
  assert.ok(compared >= 90)
})

const brief = (text: string): string => (text.length > 200 ? `${text.slice(0, 200)}…` : text)
