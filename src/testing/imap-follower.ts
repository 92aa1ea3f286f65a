/** A client that knows its mailbox by untagged responses alone (RFC 9051 §7, RFC 7162 §6). @module */
import assert from 'node:assert/strict'
import type { Duplex } from 'node:stream'
import { formatUidSet, normaliseUidSet, uidsOf } from '#mail/uid-set.ts'
import { parseUidSet } from '#wire/imap/message-set.ts'
import { type Action, type Follower, foldedFlags, type Pictured } from './followers.ts'
import { ImapLines } from './imap-client.ts'

/** `plain` knows EXPUNGE and no MODSEQ; `qresync` knows VANISHED and comes back with what it remembers. */
export type ImapDialect = 'plain' | 'condstore' | 'qresync' | 'rev2'

export interface ImapFollowerOptions {
  readonly name: string
  readonly dialect: ImapDialect
  readonly mailbox: string
  /** A new connection of the person. */
  readonly connect: () => Promise<Duplex>
  readonly login: string
}

interface Known {
  /** Both `undefined` until they were told. */
  uid: number | undefined
  flags: readonly string[] | undefined
}

/** Everything is asserted on the way: no number without a message, nothing vanished that was not there. */
export class ImapFollower implements Follower {
  readonly name: string
  readonly #options: ImapFollowerOptions
  readonly #condstore: boolean
  #lines: ImapLines
  #tag = 0
  #idling: string | undefined
  #known: Known[] = []
  #uidValidity = 0
  /** By the rules of RFC 7162 §6. */
  #highest = 0
  #highestSaid: number | undefined
  #highestSeen = 0
  /** Between SELECT and its answer, VANISHED (EARLIER) and FETCH speak of what was remembered. */
  #remembered: Map<number, readonly string[]> | undefined
  #exists = 0
  #selecting = false

  private constructor(options: ImapFollowerOptions, lines: ImapLines) {
    this.name = `${options.name} (${options.dialect})`
    this.#options = options
    this.#condstore = options.dialect === 'condstore' || options.dialect === 'qresync'
    this.#lines = lines
  }

  static async open(options: ImapFollowerOptions): Promise<ImapFollower> {
    const follower = new ImapFollower(options, new ImapLines(await options.connect()))
    await follower.#enter()
    return follower
  }

  picture(): readonly Pictured[] {
    return this.#known.map(({ uid, flags }) => ({ uid: uid ?? 0, flags: flags ?? [] }))
  }

  async sync(): Promise<void> {
    await this.#awake()
    await this.#ok('NOOP')
    await this.#learn()
  }

  async act(chosen: Action): Promise<void> {
    await this.#awake()
    // A message that was only counted so far has no UID to be named by.
    const action =
      'uids' in chosen && chosen.uids !== undefined ? { ...chosen, uids: chosen.uids.filter((uid) => uid > 0) } : chosen
    switch (action.do) {
      case 'append': {
        const body = `Subject: by ${this.name}\r\n\r\nHello\r\n`
        for (let n = 0; n < action.count; n += 1)
          await this.#ok(`APPEND ${this.#options.mailbox} (${action.flags.join(' ')}) {${body.length}+}\r\n${body}`)
        return
      }
      case 'store':
        return this.#store(action)
      case 'copy':
      case 'move':
        if (action.uids.length > 0) await this.#ok(`UID ${action.do} ${setOf(action.uids)} ${action.target}`)
        return
      case 'expunge':
        if (action.uids === undefined) await this.#ok('EXPUNGE')
        else if (action.uids.length > 0) await this.#ok(`UID EXPUNGE ${setOf(action.uids)}`)
        return
      case 'read': {
        const numbers = this.#numbers(action.uids)
        const items = this.#condstore ? '(UID FLAGS MODSEQ)' : '(UID FLAGS)'
        if (numbers.length > 0) await this.#command(`FETCH ${setOf(numbers)} ${items}`)
        return
      }
      case 'idle':
        this.#idling = this.#nextTag()
        this.#lines.send(`${this.#idling} IDLE\r\n`)
        assert.equal(await this.#untilPlus(), '+ Idling')
        return
      case 'reconnect':
        this.#lines.reset()
        this.#lines = new ImapLines(await this.#options.connect())
        return this.#enter()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#lines.reset()
    await Promise.resolve()
  }

  async #store(action: Extract<Action, { readonly do: 'store' }>): Promise<void> {
    const { uids, how, flags, silent, byNumber } = action
    const messages = byNumber ? this.#numbers(uids) : uids
    if (messages.length === 0) return
    const condition = action.conditional && this.#condstore ? ` (UNCHANGEDSINCE ${this.#highest})` : ''
    const sign = { add: '+', remove: '-', replace: '' }[how]
    const item = `${sign}FLAGS${silent ? '.SILENT' : ''} (${flags.join(' ')})`
    // Who wants to hear nothing works it out itself; what comes all the same counts.
    if (silent) for (const uid of uids) this.#believe(uid, how, flags)
    const answer = await this.#command(`${byNumber ? '' : 'UID '}STORE ${setOf(messages)}${condition} ${item}`)
    assert.match(answer, /^\S+ (OK|NO \[(EXPUNGEISSUED|MODIFIED [0-9,:]+)\]) /)
  }

  #believe(uid: number, how: 'add' | 'remove' | 'replace', names: readonly string[]): void {
    const known = this.#known.find((each) => each.uid === uid)
    if (known?.flags === undefined) return
    const lower = new Set(foldedFlags(names))
    if (how === 'replace') known.flags = foldedFlags(names)
    else if (how === 'add') known.flags = foldedFlags([...known.flags, ...names])
    else known.flags = known.flags.filter((flag) => !lower.has(flag))
  }

  #numbers(uids: readonly number[]): number[] {
    return uids.map((uid) => this.#known.findIndex((each) => each.uid === uid) + 1).filter((number) => number > 0)
  }

  async #enter(): Promise<void> {
    const { dialect, mailbox, login } = this.#options
    await this.#lines.line()
    await this.#ok(login)
    if (dialect === 'qresync') await this.#ok('ENABLE QRESYNC')
    if (dialect === 'rev2') await this.#ok('ENABLE IMAP4rev2')
    const before = new Map(this.#known.flatMap(({ uid, flags }) => (uid && flags ? [[uid, flags] as const] : [])))
    const countedOnly = before.size < this.#known.length
    this.#known = []
    const since = this.#highest
    if (dialect === 'qresync' && since > 0) this.#remembered = before
    const params =
      dialect === 'condstore'
        ? ' (CONDSTORE)'
        : dialect === 'qresync' && since > 0
          ? ` (QRESYNC (${this.#uidValidity} ${since}))`
          : ''
    this.#selecting = true
    await this.#ok(`SELECT ${mailbox}${params}`)
    if (this.#remembered !== undefined) {
      this.#remembered = undefined
      const told = [...before].sort(([a], [b]) => a - b).map(([uid, flags]) => ({ uid, flags }))
      const fresh = this.#known
      // Who left before it fetched what it had counted does not know which those are.
      if (countedOnly) this.#known = Array.from({ length: this.#exists }, () => ({ uid: undefined, flags: undefined }))
      else {
        assert.equal(told.length, this.#exists, `${this.name}: memory and what was told make up the mailbox`)
        this.#known = told
      }
      this.#known.push(...fresh)
    }
    if (dialect === 'condstore' && since > 0) await this.#catchUp(before, since)
    await this.#learn()
  }

  /** CONDSTORE alone: which messages there are, what changed, and the rest from memory. */
  async #catchUp(before: ReadonlyMap<number, readonly string[]>, since: number): Promise<void> {
    if (this.#known.length === 0) return
    await this.#ok('FETCH 1:* (UID)')
    for (const known of this.#known) known.flags = before.get(known.uid ?? 0) ?? known.flags
    await this.#ok(`UID FETCH 1:* (FLAGS) (CHANGEDSINCE ${since})`)
    // Others may have come and been counted before `since`.
    const unknown = this.#known.flatMap(({ uid }) => (uid === undefined || before.has(uid) ? [] : [uid]))
    if (unknown.length > 0) await this.#ok(`UID FETCH ${setOf(unknown)} (FLAGS MODSEQ)`)
  }

  /** Fetches what was only counted so far. */
  async #learn(): Promise<void> {
    for (;;) {
      const first = this.#known.findIndex(({ uid, flags }) => uid === undefined || flags === undefined)
      if (first < 0) return
      await this.#command(`FETCH ${first + 1}:* (UID FLAGS${this.#condstore ? ' MODSEQ' : ''})`)
    }
  }

  async #awake(): Promise<void> {
    const tag = this.#idling
    if (tag === undefined) return
    this.#idling = undefined
    this.#lines.send('DONE\r\n')
    assert.match(await this.#until(tag, true), / OK /)
  }

  #nextTag(): string {
    this.#tag += 1
    return `t${this.#tag}`
  }

  async #ok(text: string): Promise<void> {
    const answer = await this.#command(text)
    assert.match(answer, /^\S+ OK /, `${this.name}: ${text}`)
  }

  /** By numbers, EXPUNGE must not come (RFC 9051 §7.5.1). */
  async #command(text: string): Promise<string> {
    const tag = this.#nextTag()
    this.#lines.send(`${tag} ${text}\r\n`)
    return this.#until(tag, !/^(FETCH|STORE|SEARCH) /.test(text))
  }

  async #until(tag: string, mayExpunge: boolean): Promise<string> {
    this.#highestSaid = undefined
    this.#highestSeen = 0
    for (;;) {
      const line = await this.#lines.line()
      assert.ok(line !== undefined, `${this.name}: the server has closed`)
      if (!line.startsWith('* ')) {
        assert.ok(line.startsWith(`${tag} `), `${this.name}: ${line}`)
        this.#code(line)
        this.#highest = this.#highestSaid ?? Math.max(this.#highest, this.#highestSeen)
        return line
      }
      if (!mayExpunge) assert.doesNotMatch(line, /^\* (\d+ EXPUNGE|VANISHED [0-9])/, this.name)
      this.#hear(line)
    }
  }

  async #untilPlus(): Promise<string> {
    for (;;) {
      const line = await this.#lines.line()
      assert.ok(line !== undefined)
      if (line.startsWith('+')) return line
      this.#hear(line)
    }
  }

  #code(line: string): void {
    const said = /\[HIGHESTMODSEQ (\d+)\]/.exec(line)
    if (said !== null) this.#highestSaid = Number(said[1])
    const validity = /\[UIDVALIDITY (\d+)\]/.exec(line)
    if (validity !== null) this.#uidValidity = Number(validity[1])
  }

  #hear(line: string): void {
    this.#code(line)
    const [, number = '', what = '', rest = ''] = /^\* (?:(\d+) )?(\S+) ?(.*)$/.exec(line) ?? []
    switch (what) {
      case 'EXISTS':
        return this.#count(Number(number))
      case 'EXPUNGE':
        assert.notEqual(this.#options.dialect, 'qresync', 'VANISHED instead of EXPUNGE')
        assert.ok(Number(number) >= 1 && Number(number) <= this.#known.length, `${this.name}: ${line}`)
        this.#known.splice(Number(number) - 1, 1)
        return
      case 'VANISHED':
        assert.equal(this.#options.dialect, 'qresync', 'EXPUNGE instead of VANISHED')
        return this.#vanished(rest)
      case 'FETCH':
        return this.#fetched(Number(number), rest)
    }
  }

  #count(exists: number): void {
    if (this.#selecting) {
      // The first one counts what SELECT shows; to the one who remembers, it tells of each apart.
      this.#selecting = false
      this.#exists = exists
      if (this.#remembered === undefined)
        this.#known = Array.from({ length: exists }, () => ({ uid: undefined, flags: undefined }))
      return
    }
    const before = this.#known.length + (this.#remembered === undefined ? 0 : this.#exists)
    assert.ok(exists > before, `${this.name}: EXISTS counts up: ${exists} after ${before}`)
    for (let count = before; count < exists; count += 1) this.#known.push({ uid: undefined, flags: undefined })
  }

  #vanished(rest: string): void {
    const earlier = rest.startsWith('(EARLIER) ')
    const uids = parseUidSet(rest.replace('(EARLIER) ', ''))
    assert.ok(uids !== undefined, rest)
    if (earlier) {
      for (const uid of this.#remembered?.keys() ?? [])
        if (uids.some(([first, last]) => uid >= first && uid <= last)) this.#remembered?.delete(uid)
      return
    }
    for (const uid of uidsOf(uids)) {
      if (this.#remembered !== undefined) {
        this.#remembered.delete(uid)
        this.#exists -= 1
        continue
      }
      let at = this.#known.findIndex((each) => each.uid === uid)
      // One that was counted and not fetched yet: it stands where its UID belongs.
      if (at < 0) {
        const after = this.#known.findIndex((each) => (each.uid ?? 0) > uid)
        at = this.#known.slice(0, after < 0 ? undefined : after).findLastIndex((each) => each.uid === undefined)
      }
      assert.ok(at >= 0, `${this.name}: ${uid} vanished, which was never there`)
      this.#known.splice(at, 1)
    }
  }

  #fetched(number: number, values: string): void {
    const uid = Number(/\bUID (\d+)/.exec(values)?.[1] ?? 0)
    const flags = /\bFLAGS \(([^)]*)\)/.exec(values)?.[1]
    const modseq = Number(/\bMODSEQ \((\d+)\)/.exec(values)?.[1] ?? 0)
    this.#highestSeen = Math.max(this.#highestSeen, modseq)
    const folded = flags === undefined ? undefined : foldedFlags(flags.split(' ').filter((flag) => flag !== ''))
    if (this.#remembered !== undefined) {
      assert.ok(uid > 0, `${this.name}: SELECT tells UIDs: ${values}`)
      if (folded !== undefined) this.#remembered.set(uid, folded)
      return
    }
    const known = this.#known[number - 1]
    assert.ok(known !== undefined, `${this.name}: there is no message ${number}: ${values}`)
    if (uid > 0) {
      assert.ok(known.uid === undefined || known.uid === uid, `${this.name}: ${number} was ${known.uid}, not ${uid}`)
      known.uid = uid
    }
    if (folded !== undefined) known.flags = folded
    if (this.#condstore && flags !== undefined) assert.ok(modseq > 0, `${this.name}: MODSEQ is missing: ${values}`)
  }
}

function setOf(numbers: readonly number[]): string {
  return formatUidSet(normaliseUidSet(numbers.map((number) => [number, number])))
}
