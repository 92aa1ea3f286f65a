/** What the benches share: a folder of their own, clients, and how a result is printed. @module */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type Endpoint, RawLines, stuffed } from './raw.ts'

/** Makes a folder, works, and removes it. */
export async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'malle-bench-'))
  try {
    await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Prints the sentence for people, then the figures as one line of JSON. */
export function report(bench: string, sentence: string, figures: Readonly<Record<string, unknown>>): void {
  console.log(`${bench}: ${sentence}`)
  console.log(JSON.stringify({ bench, ...figures }))
}

/** `12.3 MB` (MB = 1,048,576). */
export function megabytes(octets: number): string {
  return `${(octets / 1_048_576).toFixed(1)} MB`
}

/** Two digits behind the point. */
export function rounded(value: number): number {
  return Math.round(value * 100) / 100
}

/** The value below which `share` of the values are. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}

/** A header and lines of text, as long as asked for. */
export function textMessage(octets: number, number: number): Buffer {
  const header =
    `From: Sender <sender@example.net>\r\nTo: a@example.org\r\nSubject: Message ${number} about something\r\n` +
    `Date: Mon, 23 Nov 2026 10:00:00 +0000\r\nMessage-ID: <${number}@bench.example.net>\r\n\r\n`
  const line = `${'The quick brown fox jumps over the lazy dog, and then some. '.repeat(2).slice(0, 76)}\r\n`
  const lines = Math.max(1, Math.ceil((octets - header.length) / line.length))
  return Buffer.from(header + line.repeat(lines))
}

/** An LMTP connection that has said LHLO. */
export async function openLmtp(endpoint: Endpoint): Promise<RawLines> {
  const lmtp = await RawLines.connect(endpoint)
  await lmtp.line()
  lmtp.send('LHLO bench.example.net\r\n')
  while (!(await lmtp.line()).startsWith('250 '));
  return lmtp
}

/** Delivers one message to one recipient; settled when it is acknowledged. */
export async function deliver(lmtp: RawLines, recipient: string, message: Buffer): Promise<void> {
  await lmtp.ok('MAIL FROM:<sender@example.net>')
  await lmtp.ok(`RCPT TO:<${recipient}>`)
  await lmtp.ok('DATA')
  await lmtp.write(stuffed(message))
  const answer = await lmtp.line()
  if (!answer.startsWith('250')) throw new Error(`A delivery was answered ${answer}`)
}
