/** Reads the files of `test/transcripts/` (their form is described in the README there). @module */
import assert from 'node:assert/strict'
import type { ImapServerOptions, ImapTestMessage } from './imap-server.ts'

/** Where a server leaves the letter, and the sentence that decides. */
export interface Difference {
  /** Such as `Dovecot 2.3.19`. */
  readonly server: string
  readonly what: string
  readonly rule: string
  readonly quote: string
}

/** One conversation of a file, with what must be there before it begins. */
export interface TranscriptCase {
  readonly title: string
  readonly protocol: 'imap' | 'pop3'
  /** Capabilities without which it cannot be played. */
  readonly needs: readonly string[]
  readonly state: 'connected' | 'logged-in' | 'selected'
  /** Said on every new connection after the login, before SELECT. */
  readonly setup: readonly string[]
  readonly options: ImapServerOptions
  /** Servers that do otherwise, from the comments of the case. */
  readonly differences: readonly Difference[]
  /** The lines `C:`, `S:` and so on; binary, one char a byte. */
  readonly lines: string
}

interface Header {
  protocol: 'imap' | 'pop3'
  needs: string[]
  state: 'connected' | 'logged-in' | 'selected'
  setup: string[]
  mailboxes: string[]
  subscribed: string[]
  storage: number | undefined
  count: number | undefined
  messageBytes: number | undefined
  tls: boolean
  plaintext: boolean
  messages: { mailbox: string; flags: string[]; date: number | undefined; body: string[] }[]
}

/**
 * Cuts a file into its cases.
 * @param text Binary, one char a byte.
 */
export function parseTranscriptFile(text: string): TranscriptCase[] {
  const [head = '', ...cases] = text.split(/^=== /m)
  const shared = readHeader(head.split('\n'), undefined).header
  return cases.map((part) => {
    const [title = '', ...lines] = part.split('\n')
    const { header, rest } = readHeader(lines, shared)
    return {
      title: Buffer.from(title, 'latin1').toString('utf8'),
      protocol: header.protocol,
      needs: header.needs,
      state: header.state,
      setup: header.setup,
      options: optionsOf(header),
      differences: differencesOf(lines),
      lines: rest.filter((line) => !line.startsWith('#')).join('\n'),
    }
  })
}

/** `# Dovecot 2.3.19 does this. RFC 9051 §9: "the rule"`. */
function differencesOf(lines: readonly string[]): Difference[] {
  return lines
    .filter((line) => /^# (?:Dovecot|Cyrus) /.test(line))
    .map((line) => {
      const text = Buffer.from(line, 'latin1').toString('utf8')
      const parts = /^# (\w+ [\d.]+) (.+)\. (RFC \d+ §[\d.]+): "(.+)"$/.exec(text)
      assert.ok(parts, `not a difference: ${text}`)
      const [, server = '', what = '', rule = '', quote = ''] = parts
      return { server, what, rule, quote }
    })
}

function emptyHeader(): Header {
  return {
    protocol: 'imap',
    needs: [],
    state: 'selected',
    setup: [],
    mailboxes: [],
    subscribed: [],
    storage: undefined,
    count: undefined,
    messageBytes: undefined,
    tls: false,
    plaintext: true,
    messages: [],
  }
}

function readHeader(lines: readonly string[], shared: Header | undefined): { header: Header; rest: readonly string[] } {
  const header = structuredClone(shared ?? emptyHeader())
  for (const [index, line] of lines.entries()) {
    if (line === '' || line.startsWith('#')) continue
    if (line.startsWith('|')) {
      header.messages.at(-1)?.body.push(unescape(line.slice(2)))
      continue
    }
    if (/^\d?(?:C~|C|S|U\??|O|T|A):/.test(line)) return { header, rest: lines.slice(index) }
    const match = /^([A-Z][a-z-]+): ?(.*)$/.exec(line)
    assert.ok(match, `not a line of a header: ${line}`)
    const [, key = '', value = ''] = match
    headerLine(header, key, value, shared?.messages.length ?? 0)
  }
  return { header, rest: [] }
}

function headerLine(header: Header, key: string, value: string, inherited: number): void {
  const words = value.split(' ').filter((word) => word !== '')
  switch (key) {
    case 'Protocol':
      header.protocol = value === 'pop3' ? 'pop3' : 'imap'
      return
    case 'Needs':
      header.needs.push(...words)
      return
    case 'State':
      assert.ok(value === 'connected' || value === 'logged-in' || value === 'selected', `no such state: ${value}`)
      header.state = value
      return
    case 'Setup':
      header.setup.push(value)
      return
    case 'Mailbox':
      header.mailboxes.push(value)
      return
    case 'Subscribed':
      header.subscribed.push(value)
      return
    case 'Storage':
      header.storage = Number(value)
      return
    case 'Count':
      header.count = Number(value)
      return
    case 'Limit':
      header.messageBytes = Number(value)
      return
    case 'Tls':
      header.tls = value === 'yes'
      return
    case 'Plaintext':
      header.plaintext = value !== 'no'
      return
    case 'Messages':
      // those of the file are not wanted in this case
      if (value === 'none') header.messages.splice(0, inherited)
      else for (let count = Number(value); count > 0; count -= 1) header.messages.push(smallMessage())
      return
    case 'Message': {
      const parts = /^(\S*)(?: \(([^)]*)\))?(?: (\S.*))?$/.exec(value)
      assert.ok(parts, `not a message: ${value}`)
      const [, mailbox = '', flags = '', date] = parts
      header.messages.push({
        mailbox: mailbox === '' ? 'INBOX' : mailbox,
        flags: flags.split(' ').filter((flag) => flag !== ''),
        date: date === undefined ? undefined : Date.parse(date),
        body: [],
      })
      return
    }
    default:
      assert.fail(`no such header: ${key}`)
  }
}

function smallMessage(): Header['messages'][number] {
  return { mailbox: 'INBOX', flags: [], date: undefined, body: [] }
}

function optionsOf(header: Header): ImapServerOptions {
  const messages = header.messages.map(
    ({ mailbox, flags, date, body }): ImapTestMessage => ({
      mailbox,
      flags,
      ...(date === undefined ? {} : { date }),
      ...(body.length === 0 ? {} : { body: `${body.join('\r\n')}\r\n` }),
    }),
  )
  return {
    messages,
    mailboxes: header.mailboxes,
    subscribed: header.subscribed,
    limits: { storageBytes: header.storage, messages: header.count },
    ...(header.messageBytes === undefined ? {} : { messageBytes: header.messageBytes }),
    tls: header.tls,
    allowPlaintext: header.plaintext,
  }
}

function unescape(text: string): string {
  return text.replace(/\\x([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}
