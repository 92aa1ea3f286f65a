/** Mail for tests, as bytes; every builder gives the same octets for the same arguments. @module */

/** What differs from an ordinary message. Header values are written as they are given, encoded by the caller. */
export interface MailParts {
  readonly from?: string
  readonly to?: string
  readonly subject?: string
  readonly date?: string
  readonly messageId?: string
  readonly inReplyTo?: string
  /** Further header lines, without line ends. */
  readonly header?: readonly string[]
  /** Lines are separated by CRLF already. */
  readonly text?: string
}

const BOUNDARY = '=_malle_test_boundary'

/** Text as UTF-8. */
export function utf8(text: string): Uint8Array {
  return Buffer.from(text, 'utf8')
}

function headerOf(parts: MailParts): string[] {
  const lines = [
    `From: ${parts.from ?? 'Ann Example <ann@example.org>'}`,
    `To: ${parts.to ?? 'Bob Example <bob@example.org>'}`,
    `Subject: ${parts.subject ?? 'A message'}`,
    `Date: ${parts.date ?? 'Tue, 14 Nov 2023 22:13:20 +0000'}`,
  ]
  if (parts.messageId !== undefined) lines.push(`Message-ID: ${parts.messageId}`)
  if (parts.inReplyTo !== undefined) lines.push(`In-Reply-To: ${parts.inReplyTo}`)
  return [...lines, ...(parts.header ?? [])]
}

function joined(...lines: readonly string[]): string {
  return lines.join('\r\n')
}

/** A text without MIME. */
export function plainMail(parts: MailParts = {}): Uint8Array {
  return utf8(joined(...headerOf(parts), '', parts.text ?? 'Hello Bob,\r\n\r\nthis is a test.\r\n'))
}

/** Text and HTML of the same, in UTF-8 and both encodings. */
export function alternativeMail(parts: MailParts = {}): Uint8Array {
  const html = Buffer.from('<html><body><p>Grüße aus <b>Köln</b></p></body></html>').toString('base64')
  return utf8(
    joined(
      ...headerOf(parts),
      'MIME-Version: 1.0',
      `Content-Type: multipart/alternative; boundary="${BOUNDARY}"`,
      '',
      `--${BOUNDARY}`,
      'Content-Type: text/plain; charset=utf-8',
      'Content-Transfer-Encoding: quoted-printable',
      '',
      'Gr=C3=BC=C3=9Fe aus K=C3=B6ln',
      `--${BOUNDARY}`,
      'Content-Type: text/html; charset=utf-8',
      'Content-Transfer-Encoding: base64',
      '',
      html,
      `--${BOUNDARY}--`,
      '',
    ),
  )
}

/** A text with a file, in base64 lines of 76. */
export function attachmentMail(
  file: { readonly name?: string; readonly type?: string; readonly bytes?: Uint8Array } = {},
  parts: MailParts = {},
): Uint8Array {
  const bytes = file.bytes ?? Uint8Array.from({ length: 300 }, (_, index) => index % 256)
  const base64 = Buffer.from(bytes)
    .toString('base64')
    .replace(/.{76}(?=.)/g, '$&\r\n')
  const name = file.name ?? 'notes.bin'
  return utf8(
    joined(
      ...headerOf(parts),
      'MIME-Version: 1.0',
      `Content-Type: multipart/mixed; boundary="${BOUNDARY}"`,
      '',
      'This is a message in MIME format.',
      `--${BOUNDARY}`,
      'Content-Type: text/plain; charset=us-ascii',
      '',
      'See the file.',
      `--${BOUNDARY}`,
      `Content-Type: ${file.type ?? 'application/octet-stream'}; name="${name}"`,
      `Content-Disposition: attachment; filename="${name}"`,
      'Content-Transfer-Encoding: base64',
      '',
      base64,
      `--${BOUNDARY}--`,
      '',
    ),
  )
}

/** A forwarded message inside another one. */
export function nestedMail(
  inner: Uint8Array = alternativeMail({ subject: 'Inner' }),
  parts: MailParts = {},
): Uint8Array {
  const boundary = `${BOUNDARY}_outer`
  const before = joined(
    ...headerOf(parts),
    'MIME-Version: 1.0',
    `Content-Type: multipart/mixed; boundary="${boundary}"`,
    '',
    `--${boundary}`,
    'Content-Type: text/plain',
    '',
    'Forwarded:',
    `--${boundary}`,
    'Content-Type: message/rfc822',
    'Content-Disposition: inline',
    '',
    '',
  )
  return Buffer.concat([utf8(before), inner, utf8(joined('', `--${boundary}--`, ''))])
}

/** A subject and names in UTF-8 by RFC 2047. */
export function encodedSubjectMail(subject = 'Grüße, 日本 und \u{1f4ec}', parts: MailParts = {}): Uint8Array {
  const encoded = `=?utf-8?B?${Buffer.from(subject).toString('base64')}?=`
  return plainMail({ from: '=?iso-8859-1?Q?J=F6rg?= <joerg@example.org>', ...parts, subject: encoded })
}

/** A header in raw UTF-8 (RFC 6532) and a text in Latin-1 that says so. */
export function eightBitMail(parts: MailParts = {}): Uint8Array {
  const header = joined(
    ...headerOf({ subject: 'Überraschung', ...parts }),
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=iso-8859-1',
    'Content-Transfer-Encoding: 8bit',
    '',
    '',
  )
  return Buffer.concat([utf8(header), Buffer.from('Grüße\r\n', 'latin1')])
}

/** Line ends as Unix programs write them. */
export function bareLineFeedMail(parts: MailParts = {}): Uint8Array {
  return Buffer.from(Buffer.from(plainMail(parts)).toString('latin1').replaceAll('\r\n', '\n'), 'latin1')
}

/** Lines that begin with a dot, and no line end at the end: what POP3 must stuff and complete. */
export function dottedMail(parts: MailParts = {}): Uint8Array {
  return plainMail({ ...parts, text: '.\r\n..\r\n.hidden\r\n\n.after a bare LF\r\nno line end' })
}

/** A message without a body, and without the blank line. */
export function headerOnlyMail(parts: MailParts = {}): Uint8Array {
  return utf8(`${joined(...headerOf(parts))}\r\n`)
}

/** A message of exactly `octets` octets (at least 300), in lines of 78, different for each seed. */
export function mailOfSize(octets: number, parts: MailParts = {}, seed = 1): Uint8Array {
  const header = utf8(joined(...headerOf(parts), '', ''))
  if (octets < header.length + 2) throw new RangeError(`A message of ${octets} octets has no room for its header`)
  const bytes = Buffer.alloc(octets, '.')
  bytes.set(header)
  let state = seed >>> 0 || 1
  for (let at = header.length; at < octets - 2; at += 1) {
    const column = (at - header.length) % 78
    if (column === 76) bytes[at] = 13
    else if (column === 77) bytes[at] = 10
    else {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      bytes[at] = 97 + ((state >>> 24) % 26)
    }
  }
  bytes[octets - 2] = 13
  bytes[octets - 1] = 10
  return bytes
}

/** One of each kind, with a name to print. */
export const MAIL_KINDS: readonly (readonly [name: string, bytes: Uint8Array])[] = [
  ['plain', plainMail()],
  ['alternative', alternativeMail()],
  ['attachment', attachmentMail()],
  ['nested', nestedMail()],
  ['encoded subject', encodedSubjectMail()],
  ['8-bit', eightBitMail()],
  ['bare LF', bareLineFeedMail()],
  ['dots', dottedMail()],
  ['header only', headerOnlyMail()],
  ['empty', new Uint8Array(0)],
  ['100 KB', mailOfSize(100_000)],
]
