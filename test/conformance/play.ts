/** Plays the transcripts against any server: prepares what a case begins with through IMAP, cleans up behind it. @module */
import { readdirSync, readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import path from 'node:path'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { ImapLines } from '#testing/imap-client.ts'
import { ANN, SMALL_MESSAGE } from '#testing/imap-server.ts'
import { playLoosely } from '#testing/loose/player.ts'
import { pop3Transcript } from '#testing/pop3-transcript.ts'
import { parseTranscriptFile, type TranscriptCase } from '#testing/transcript-file.ts'

/** The server under test. */
export interface Peer {
  readonly host: string
  /** Of IMAP. */
  readonly port: number
  /** Of POP3; without it those cases are not played. */
  readonly pop3Port: number | undefined
  /** With `%n` in it: an account for each case, numbered from 001, all with the same password. */
  readonly user: string
  readonly password: string
  readonly security: 'none' | 'tls' | 'starttls'
}

export interface Verdict {
  readonly file: string
  readonly title: string
  readonly verdict: 'pass' | 'fail' | 'not offered'
  /** Why not, in one line. */
  readonly why: string
}

/** When messages without a date came, in the form of APPEND. */
const DATE = '14-Nov-2023 22:13:20 +0000'
/** What depends on a clock that the transcript sets. */
const CLOCK = /^T:|SAVED|YOUNGER|OLDER|14-Nov-2023/m
/** What shows the whole account, or needs its INBOX new. */
const WHOLE_ACCOUNT = /\b(?:LIST|LSUB|NAMESPACE|\w*QUOTA\w*)\b|(?:CREATE|DELETE|RENAME) (?:inbox|InBoX)\b/i

/** Every case of the project with the file it is in. */
export function allCases(): readonly { readonly file: string; readonly one: TranscriptCase }[] {
  const folder = path.join(import.meta.dirname, '..', 'transcripts')
  return readdirSync(folder)
    .filter((name) => name.endsWith('.txt'))
    .toSorted()
    .flatMap((file) =>
      parseTranscriptFile(readFileSync(path.join(folder, file), 'latin1')).map((one) => ({ file, one })),
    )
}

/** Connects as a client of the server would begin: with TLS where it is asked for, the greeting unread. */
async function dial(peer: Peer, port: number): Promise<Socket> {
  const { host, security } = peer
  if (security === 'tls') return secured(connectTls({ host, port, rejectUnauthorized: false }))
  const socket = connect({ host, port, noDelay: true })
  socket.on('error', () => undefined)
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', () => resolve())
    socket.once('error', reject)
  })
  if (security === 'none') return socket
  const lines = new ImapLines(socket)
  const greeting = (await lines.line()) ?? ''
  lines.send(port === peer.pop3Port ? 'STLS\r\n' : 't STARTTLS\r\n')
  await lines.line()
  const secure = await lines.secure()
  secure.removeAllListeners('data')
  // those who read a greeting get it
  secure.unshift(Buffer.from(`${greeting}\r\n`, 'latin1'))
  return secure
}

async function secured(socket: TLSSocket): Promise<Socket> {
  socket.on('error', () => undefined)
  await new Promise<void>((resolve, reject) => {
    socket.once('secureConnect', resolve)
    socket.once('close', () => reject(new Error('The TLS handshake failed')))
  })
  return socket
}

/** Plays cases; several at once where each has an account of its own. */
export class Conformance {
  readonly #peer: Peer
  #imap: ReadonlySet<string> = new Set()
  #pop3: ReadonlySet<string> = new Set()
  #count = 0

  constructor(peer: Peer) {
    this.#peer = peer
  }

  /** Asks what the server offers; @throws where nobody can log in. */
  async look(): Promise<void> {
    const lines = new ImapLines(await dial(this.#peer, this.#peer.port))
    const names = new Set(/\[CAPABILITY ([^\]]*)\]/.exec((await lines.line()) ?? '')?.[1]?.split(' ') ?? [])
    const before = await lines.command('a CAPABILITY')
    await this.#ok(lines, `LOGIN ${this.#user(1)} ${this.#peer.password}`)
    const after = await lines.command('b CAPABILITY')
    for (const line of [...before, ...after])
      if (line.startsWith('* CAPABILITY ')) for (const name of line.split(' ').slice(2)) names.add(name)
    lines.reset()
    this.#imap = names
    const { pop3Port } = this.#peer
    if (pop3Port === undefined) return
    const pop3 = new ImapLines(await dial(this.#peer, pop3Port))
    await pop3.line()
    pop3.send('CAPA\r\n')
    const offered = new Set<string>()
    for (let line = await pop3.line(); line !== undefined && line !== '.'; line = await pop3.line())
      if (!line.startsWith('+OK')) offered.add(line.split(' ')[0] ?? '')
    pop3.reset()
    this.#pop3 = offered
  }

  /** Plays one case in an account as it must be. */
  async play(file: string, one: TranscriptCase): Promise<Verdict> {
    const missing = this.#missing(one)
    if (missing !== undefined) return { file, title: one.title, verdict: 'not offered', why: missing }
    this.#count += 1
    const account = new CaseAccount(this.#peer, this.#user(this.#count), this.#count)
    try {
      await account.prepare(one)
      await (one.protocol === 'pop3' ? this.#playPop3(account, one) : this.#playImap(account, one))
      return { file, title: one.title, verdict: 'pass', why: '' }
    } catch (error) {
      // such as a subscription to what does not exist, which a server may refuse (RFC 9051 §6.3.7)
      const verdict = error instanceof SceneNotSet ? 'not offered' : 'fail'
      return { file, title: one.title, verdict, why: told(error) }
    } finally {
      await account.clean().catch(() => undefined)
    }
  }

  async #ok(lines: ImapLines, command: string): Promise<void> {
    const last = (await lines.command(`ok ${command}`)).at(-1) ?? ''
    if (!last.startsWith('ok OK')) throw new Error(`${command.split(' ')[0]} was answered ${last}`)
  }

  #user(count: number): string {
    return this.#peer.user.replace('%n', String(count).padStart(3, '0'))
  }

  /** How many cases may be played at once. */
  get lanes(): number {
    return this.#ownAccounts ? 4 : 1
  }

  get #ownAccounts(): boolean {
    return this.#peer.user.includes('%n')
  }

  /** Why a case cannot be played here. */
  #missing({ protocol, needs, setup, options, lines }: TranscriptCase): string | undefined {
    const { pop3Port, security } = this.#peer
    if (protocol === 'pop3' && pop3Port === undefined) return 'no POP3 port was given'
    const offered = protocol === 'pop3' ? this.#pop3 : this.#imap
    // what only the later revision has is asked for by ENABLE
    const wanted = setup.concat(lines).some((text) => /ENABLE IMAP4rev2/.test(text)) ? [...needs, 'IMAP4rev2'] : needs
    const lacking = wanted.filter((need) => !offered.has(need))
    if (lacking.length > 0) return lacking.join(' ')
    if (options.tls === true && (security !== 'none' || !offered.has(protocol === 'pop3' ? 'STLS' : 'STARTTLS')))
      return 'TLS on this connection'
    if (options.allowPlaintext === false && !(protocol === 'imap' && offered.has('LOGINDISABLED')))
      return 'passwords refused without TLS'
    const { storageBytes, messages } = options.limits ?? {}
    if (storageBytes !== undefined || messages !== undefined || options.messageBytes !== undefined)
      return 'limits of the account that only its administrator sets'
    if (CLOCK.test(lines)) return 'a clock that can be set'
    if ((options.mailboxes ?? []).some((name) => name.includes(':')) && !offered.has('CREATE-SPECIAL-USE'))
      return 'CREATE-SPECIAL-USE'
    if (!this.#ownAccounts && protocol === 'imap' && WHOLE_ACCOUNT.test(lines)) return 'an account of its own (%n)'
    return undefined
  }

  async #playImap(account: CaseAccount, one: TranscriptCase): Promise<void> {
    const commands = one.state === 'connected' ? [] : [`LOGIN ${account.user} ${this.#peer.password}`, ...one.setup]
    if (one.state === 'selected') commands.push(`SELECT ${account.inbox}`)
    const server = { connect: () => dial(this.#peer, this.#peer.port), pass: () => undefined }
    await playLoosely(server, account.adapted(one.lines), {
      options: {},
      greeting: one.state === 'connected',
      commands,
    })
  }

  async #playPop3(account: CaseAccount, one: TranscriptCase): Promise<void> {
    const port = this.#peer.pop3Port ?? 0
    await pop3Transcript(account.adapted(one.lines), { foreign: true, connect: () => dial(this.#peer, port) })
  }
}

/** The server does not do what a case begins with. */
class SceneNotSet extends Error {
  override readonly name = 'SceneNotSet'
}

/** The account that a case is played in, or a corner of it. */
class CaseAccount {
  readonly user: string
  /** What stands for INBOX: five letters, as literals count them. */
  readonly inbox: string
  readonly #peer: Peer

  constructor(peer: Peer, user: string, count: number) {
    this.#peer = peer
    this.user = user
    this.inbox = peer.user.includes('%n') ? 'INBOX' : `Z${String(count).padStart(4, '0')}`
  }

  /** Puts our names and password in place of those in the transcripts. */
  adapted(lines: string): string {
    const { user } = this
    const { password } = this.#peer
    const plain = (name: string, secret: string) => Buffer.from(`\0${name}\0${secret}`).toString('base64')
    const theirs = plain(ANN.address, ANN.password)
    return lines
      .split('\n')
      .map((line) => {
        let text = line
        if (this.inbox !== 'INBOX' && !/^\d?C: (?:AUTH|\S+ AUTH)/.test(text))
          text = text.replace(/(?<![\w/&])INBOX(?![\w/])/gi, this.inbox)
        if (!/^\d?C: /.test(text) || /From:|To:|Subject:/.test(text)) return text
        return text
          .replaceAll(theirs, plain(user, password))
          .replace(/(LOGIN ["]?)ann@example\.org/, `$1${user}`)
          .replace(/(C: USER )ann@example\.org/i, `$1${user}`)
          .replace(/(LOGIN )\{15\}/, `$1{${user.length}}`)
          .replace(/C: ann@example\.org \{6\}/, `C: ${user} {${password.length}}`)
          .replace(/((?:LOGIN \S+ "?|C: PASS |C: ))secret("?)$/i, `$1${password}$2`)
      })
      .join('\n')
  }

  async prepare(one: TranscriptCase): Promise<void> {
    const lines = await this.#login()
    try {
      await this.#furnish(lines, one)
    } finally {
      lines.reset()
    }
  }

  async #furnish(lines: ImapLines, one: TranscriptCase): Promise<void> {
    await this.#empty(lines)
    if (this.inbox !== 'INBOX') await said(lines, `CREATE ${this.inbox}`)
    for (const text of one.options.mailboxes ?? []) {
      const [name = '', use] = text.split(':')
      await said(lines, `CREATE "${name}"${use === undefined ? '' : ` (USE (\\${use}))`}`)
      // CREATE subscribes in some servers; a case says what it wants
      await lines.command(`u UNSUBSCRIBE "${name}"`)
    }
    for (const name of one.options.subscribed ?? []) await said(lines, `SUBSCRIBE "${name}"`)
    const filled = new Set<string>()
    for (const { mailbox = 'INBOX', body = SMALL_MESSAGE, flags = [], date } of one.options.messages ?? []) {
      const name = mailbox === 'INBOX' && one.protocol === 'imap' ? this.inbox : mailbox
      filled.add(name)
      const bytes = Buffer.from(body as string, 'latin1')
      const when = date === undefined ? DATE : appendDate(new Date(date))
      lines.send(`m APPEND "${name}" (${flags.join(' ')}) "${when}" {${bytes.length}}\r\n`)
      await through(lines, '+')
      lines.send(`${bytes.toString('latin1')}\r\n`)
      const last = await through(lines, 'm ')
      if (!last.startsWith('m OK')) throw new Error(`The mailbox could not be filled: ${last}`)
    }
    // who sees messages first is told that they are recent; the case is not the first
    for (const name of filled) {
      await said(lines, `SELECT "${name}"`)
      await said(lines, 'UNSELECT', 'CLOSE')
    }
    await said(lines, 'LOGOUT')
  }

  async clean(): Promise<void> {
    const lines = await this.#login()
    try {
      await this.#empty(lines)
    } finally {
      lines.reset()
    }
  }

  async #login(): Promise<ImapLines> {
    const lines = new ImapLines(await dial(this.#peer, this.#peer.port))
    await lines.line()
    await said(lines, `LOGIN ${this.user} ${this.#peer.password}`)
    return lines
  }

  /** Removes what this account, or what this case, has. */
  async #empty(lines: ImapLines): Promise<void> {
    for (const [command, answer] of [
      ['LIST "" *', 'LIST'],
      ['LSUB "" *', 'LSUB'],
    ] as const)
      for (const line of (await lines.command(`l ${command}`)).toReversed()) {
        const name = new RegExp(`^\\* ${answer} \\([^)]*\\) (?:"."|NIL) (.+)$`).exec(line)?.[1]
        if (name === undefined || (answer === 'LIST' && /^"?INBOX"?$/i.test(name))) continue
        await lines.command(`${answer === 'LIST' ? 'd DELETE' : 'u UNSUBSCRIBE'} ${name}`)
      }
    await said(lines, 'SELECT INBOX')
    await lines.command('s UID STORE 1:* +FLAGS.SILENT (\\Deleted)')
    await said(lines, 'CLOSE')
  }
}

/** A command that must succeed; `instead` is said where the server does not know it. */
async function said(lines: ImapLines, command: string, instead?: string): Promise<void> {
  const last = (await lines.command(`p ${command}`)).at(-1) ?? ''
  if (last.startsWith('p OK')) return
  if (instead !== undefined) return said(lines, instead)
  throw new SceneNotSet(`The scene is not set: ${command} was answered ${last}`)
}

async function through(lines: ImapLines, start: string): Promise<string> {
  for (;;) {
    const line = await lines.line()
    if (line === undefined) throw new Error('The connection ended')
    if (line.startsWith(start) || /^m (?:NO|BAD)/.test(line)) return line
  }
}

function appendDate(date: Date): string {
  const [, day = '', month = '', year = '', time = ''] = /^\w+, (\d+) (\w+) (\d+) (\S+)/.exec(date.toUTCString()) ?? []
  return `${day}-${month}-${year} ${time} +0000`
}

function told(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  const values = error as { readonly actual?: unknown; readonly expected?: unknown }
  const more = typeof values.actual === 'string' ? ` | got ${values.actual} | wanted ${String(values.expected)}` : ''
  return `${text}${text.includes('got ') ? '' : more}`.replace(/\s+/g, ' ').trim().slice(0, 300)
}
