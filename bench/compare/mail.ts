/** Messages for comparisons: the same for every server and every run, and somewhat like mail. @module */
import { DOMAIN } from './contestant.ts'
import { DriverImap, type Reachable } from './imap-driver.ts'

/** Words of the texts; how often one comes falls with its number, as in a language. */
const WORDS = Array.from({ length: 20_000 }, (_, number) => wordOf(number))
/** In the text of every thousandth message. */
export const RARE_WORD = 'quixotically'
/** In the text of every other message. */
export const COMMON_WORD = 'coach'
/** Every hundredth subject has it. */
export const SUBJECT_WORD = 'Quarterly'
const CORRESPONDENTS = 500
const FIRST_DATE = Date.UTC(2024, 0, 1)
const MINUTE_MS = 60_000
const EVERY_MINUTES = 10
/** Octets of one MULTIAPPEND at most. */
const BATCH_OCTETS = 4 * 1024 * 1024
const BATCH_MESSAGES = 200

/** Text of about so many octets with a header as mail has it; every fifth answers an earlier one. */
export function plainMessage(number: number, octets: number): Buffer {
  const header = [...headerOf(number), 'Content-Type: text/plain; charset=utf-8', '', ''].join('\r\n')
  return Buffer.from(header + textOf(number, octets - header.length))
}

/** Of mixed size as a mailbox has them: most are a few KB of text and HTML, some carry a file of up to a megabyte. */
export function mixedMessage(number: number): Buffer {
  const random = randomFrom(number)
  const text = textOf(number, 500 + Math.floor(random() * 4_000))
  const attached = number % 10 === 0 ? Math.floor(20_000 * 50 ** random()) : 0
  const boundary = `=_${number}_part`
  const alternative = `${boundary}_text`
  const parts = [
    ...headerOf(number),
    `Content-Type: multipart/mixed; boundary="${boundary}"`,
    '',
    `--${boundary}`,
    `Content-Type: multipart/alternative; boundary="${alternative}"`,
    '',
    `--${alternative}`,
    'Content-Type: text/plain; charset=utf-8',
    '',
    text,
    `--${alternative}`,
    'Content-Type: text/html; charset=utf-8',
    '',
    `<html><body><p>${text.replaceAll('\r\n', '<br>\r\n')}</p></body></html>`,
    `--${alternative}--`,
    '',
  ]
  if (attached > 0)
    parts.push(
      `--${boundary}`,
      `Content-Type: application/pdf; name="report-${number}.pdf"`,
      'Content-Transfer-Encoding: base64',
      `Content-Disposition: attachment; filename="report-${number}.pdf"`,
      '',
      base64Lines(number, attached),
    )
  parts.push(`--${boundary}--`, '')
  return Buffer.from(parts.join('\r\n'))
}

/** Appends `count` messages to a mailbox in few commands. The mailbox is made unless it is INBOX. */
export async function fill(
  server: Reachable,
  address: string,
  mailbox: string,
  count: number,
  message: (number: number) => Buffer,
): Promise<void> {
  const imap = await DriverImap.login(server, address)
  if (mailbox !== 'INBOX') await imap.ok(`CREATE ${mailbox}`)
  let batch: Buffer[] = []
  let octets = 0
  let appending: Promise<unknown> = Promise.resolve()
  // the next batch is made while the server has this one
  const flush = async (): Promise<void> => {
    await appending
    if (batch.length === 0) return
    appending = imap.ok(Buffer.concat([Buffer.from(`APPEND ${mailbox}`), ...batch]))
    batch = []
    octets = 0
  }
  for (let number = 1; number <= count; number += 1) {
    const text = message(number)
    const flags = number % 4 === 0 ? '' : '(\\Seen) '
    batch.push(Buffer.from(` ${flags}{${text.length}+}\r\n`), text)
    octets += text.length
    if (octets >= BATCH_OCTETS || batch.length >= 2 * BATCH_MESSAGES) await flush()
  }
  await flush()
  await appending
  imap.close()
}

function headerOf(number: number): string[] {
  const random = randomFrom(number + 1_000_003)
  const from = Math.floor(random() * CORRESPONDENTS)
  const at = new Date(FIRST_DATE + number * EVERY_MINUTES * MINUTE_MS).toUTCString().replace('GMT', '+0000')
  const parent = number % 5 === 0 && number > 10 ? number - 1 - Math.floor(random() * 9) : undefined
  const topic = WORDS[((parent ?? number) * 7) % 5_000] ?? ''
  const subject = `${number % 100 === 0 ? `${SUBJECT_WORD} ` : ''}${topic} about the ${WORDS[(parent ?? number) % 3_000]}`
  return [
    `Return-Path: <bounce-${number}@lists.example.net>`,
    `Received: from mx${from % 7}.example.net (mx${from % 7}.example.net [192.0.2.${from % 250}])`,
    `\tby mail.example.org with ESMTPS id ${number.toString(36)}q8 for <someone@${DOMAIN}>; ${at}`,
    `From: "Correspondent ${from}" <c${from}@example.net>`,
    `To: Someone <someone@${DOMAIN}>, c${(from * 7) % CORRESPONDENTS}@example.net`,
    `Subject: ${parent === undefined ? '' : 'Re: '}${subject}`,
    `Date: ${at}`,
    `Message-ID: <${number}.bench@example.net>`,
    ...(parent === undefined
      ? []
      : [`In-Reply-To: <${parent}.bench@example.net>`, `References: <${parent}.bench@example.net>`]),
    'MIME-Version: 1.0',
  ]
}

/** Lines of words, ended by CRLF; about `octets` of them. */
function textOf(number: number, octets: number): string {
  const random = randomFrom(number)
  const lines: string[] = []
  let length = 0
  let line = number % 1_000 === 0 ? `${RARE_WORD} ` : number % 2 === 0 ? `${COMMON_WORD} ` : ''
  while (length < octets) {
    // the square of a square: few words come often, many seldom
    line += `${WORDS[Math.floor(random() ** 4 * WORDS.length)]} `
    if (line.length < 68) continue
    lines.push(line.trimEnd())
    length += line.length + 2
    line = ''
  }
  return `${lines.join('\r\n')}\r\n`
}

function base64Lines(seed: number, octets: number): string {
  const random = randomFrom(seed)
  const line = Buffer.from(Array.from({ length: 57 }, () => Math.floor(random() * 256))).toString('base64')
  return `${line}\r\n`.repeat(Math.ceil(octets / 78))
}

function wordOf(number: number): string {
  const consonants = 'bcdfghklmnprstvz'
  const vowels = 'aeiou'
  let word = ''
  for (let rest = number + 300; rest > 0; rest = Math.floor(rest / 80))
    word += (consonants[rest % 16] ?? '') + (vowels[Math.floor(rest / 16) % 5] ?? '')
  return word
}

/** mulberry32: the same numbers from the same seed, between 0 and 1. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
