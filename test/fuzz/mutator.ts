/** Bytes that were a conversation once. @module */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { Random } from '#testing/random.ts'
import { parseTranscriptFile } from '#testing/transcript-file.ts'
import { unescape } from '#testing/transcript-names.ts'

/** What a client said, whole. */
export interface Recorded {
  readonly protocol: 'imap' | 'pop3'
  /** Binary string. */
  readonly said: string
}

/** The client's side of every transcript of the project. */
export function recordedDialogues(): readonly Recorded[] {
  const folder = path.join(import.meta.dirname, '..', 'transcripts')
  return readdirSync(folder)
    .filter((name) => name.endsWith('.txt'))
    .toSorted()
    .flatMap((name) => parseTranscriptFile(readFileSync(path.join(folder, name), 'latin1')))
    .map(({ protocol, lines }) => ({
      protocol,
      said: lines
        .split('\n')
        .map((line) => /^\d?C(~?): (?!<)(.*)$/.exec(line))
        .map((match) => (match === null ? '' : unescape(match[2] ?? '') + (match[1] === '~' ? '' : '\r\n')))
        .join(''),
    }))
    .filter(({ said }) => said !== '')
}

/** Bytes that mean something somewhere. */
const SPICES = [
  '\r\n',
  '\n',
  '\r',
  '\0',
  '"',
  '\\',
  '(',
  ')',
  '{',
  '}',
  '{5}\r\n',
  '{5+}\r\n',
  '{4294967296}\r\n',
  '{9223372036854775808+}\r\n',
  '[',
  ']',
  '<',
  '>',
  '*',
  '%',
  ':',
  ',',
  '.',
  ' ',
  '\t',
  '\xff',
  '\xc3\xa9',
  '~',
  '&',
  '=',
  '4294967295',
  '9223372036854775808',
  '0',
  '-1',
]

/** Changes a few bytes; now and then joins two conversations. */
export function mutate(said: string, others: readonly Recorded[], random: Random): string {
  let text = said
  for (let times = random.between(1, 6); times > 0; times -= 1) {
    const at = random.below(text.length + 1)
    const to = Math.min(text.length, at + random.between(1, random.chance(0.8) ? 4 : 40))
    switch (random.below(7)) {
      case 0:
        text = text.slice(0, at) + text.slice(to)
        break
      case 1:
        text = text.slice(0, at) + String.fromCharCode(random.below(256)) + text.slice(at + 1)
        break
      case 2:
        text = text.slice(0, at) + random.pick(SPICES) + text.slice(at)
        break
      case 3:
        text = text.slice(0, to) + text.slice(at, to).repeat(random.chance(0.1) ? 500 : 3) + text.slice(to)
        break
      case 4: {
        const bit = text.charCodeAt(Math.min(at, text.length - 1)) ^ (1 << random.below(8))
        text = text.slice(0, at) + String.fromCharCode(bit & 255) + text.slice(at + 1)
        break
      }
      case 5: {
        const other = others.length === 0 ? said : random.pick(others).said
        text = text.slice(0, at) + other.slice(random.below(other.length))
        break
      }
      default:
        text = text.slice(0, at)
    }
    if (text === '') text = '\r\n'
    if (text.length > 60_000) text = text.slice(0, 60_000)
  }
  return text
}
