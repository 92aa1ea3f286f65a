/** The resolver: a stub that asks recursive servers and validates nothing itself, but tells what they have validated. @module */
import { randomInt } from 'node:crypto'
import type { Answer, RecordType } from 'dns-packet'
import { type Clock, systemClock } from '#lib/clock.ts'
import type { CaaRecord, DnsFailure, DnsResult, MxRecord, Resolver, SrvRecord, TlsaRecord } from '#services/resolver.ts'
import { AnswerCache } from './cache.ts'
import { askTcp, askUdp, type DnsServer, type Silence } from './exchange.ts'
import { formatQuestion, MOST_ALIASES, type Reply, readReply } from './message.ts'
import { askedName, reverseName } from './names.ts'
import { readA, readAaaa, readCaa, readHost, readMx, readSrv, readTlsa, readTxt } from './records.ts'
import { onLoopback, ServerList } from './servers.ts'
import { Slots } from './slots.ts'

export interface ResolverOptions {
  /** Empty: those of /etc/resolv.conf. */
  readonly servers: readonly DnsServer[]
  /** Whose word that an answer is authentic (AD) counts. */
  readonly trustAd: 'loopback' | 'always' | 'never'
  /** For one question, over all servers and repetitions. */
  readonly timeoutMs: number
  readonly clock?: Clock
}

/** Longest time that an answer is kept, and that there is none, whatever they say. */
const MOST_TTL = 3600
const MOST_NEGATIVE_TTL = 300
/** Octets of answers that are kept, of each type. */
const CACHE_BYTES = 2 * 1024 * 1024
/** Questions under way at once, over all. */
const MOST_AT_ONCE = 200
const ROUNDS = 2
const LEAST_TRY_MS = 100
/** After this the first server is asked first again. */
const SWITCH_BACK_MS = 300_000

/** A resolver on the servers that are configured. Nothing is asked before somebody asks. */
export function openResolver(options: ResolverOptions): Resolver {
  const upstream = new Upstream(options)
  const clock = options.clock ?? systemClock
  const mx = new Questions<MxRecord>(upstream, clock, 'MX', readMx)
  const a = new Questions<string>(upstream, clock, 'A', readA)
  const aaaa = new Questions<string>(upstream, clock, 'AAAA', readAaaa)
  const txt = new Questions<string>(upstream, clock, 'TXT', readTxt)
  const tlsa = new Questions<TlsaRecord>(upstream, clock, 'TLSA', readTlsa)
  const srv = new Questions<SrvRecord>(upstream, clock, 'SRV', readSrv)
  const caa = new Questions<CaaRecord>(upstream, clock, 'CAA', readCaa)
  const ns = new Questions<string>(upstream, clock, 'NS', readHost)
  const ptr = new Questions<string>(upstream, clock, 'PTR', readHost)
  const cname = new Questions<string>(upstream, clock, 'CNAME', readHost)
  return {
    mx: (name) => mx.ask(name),
    a: (name) => a.ask(name),
    aaaa: (name) => aaaa.ask(name),
    txt: (name) => txt.ask(name),
    tlsa: (name) => tlsa.ask(name),
    srv: (name) => srv.ask(name),
    caa: (name) => caa.ask(name),
    ns: (name) => ns.ask(name),
    ptr: (address) => ptr.ask(reverseName(address) ?? ''),
    cname: (name) => cname.ask(name),
  }
}

/** Questions of one type: answered from the cache, asked once where several ask at once. */
class Questions<T> {
  readonly #upstream: Upstream
  readonly #clock: Clock
  readonly #type: RecordType
  readonly #read: (record: Answer) => T | undefined
  readonly #kept = new AnswerCache<DnsResult<T>>(CACHE_BYTES)
  readonly #underWay = new Map<string, Promise<DnsResult<T>>>()

  constructor(upstream: Upstream, clock: Clock, type: RecordType, read: (record: Answer) => T | undefined) {
    this.#upstream = upstream
    this.#clock = clock
    this.#type = type
    this.#read = read
  }

  async ask(written: string): Promise<DnsResult<T>> {
    const name = askedName(written)
    if (name === undefined) return none({ nameExists: false, authenticated: false })
    const kept = this.#kept.get(name, this.#clock.now())
    if (kept !== undefined) return kept.value.ok ? { ...kept.value, ttl: kept.ttl } : kept.value
    const running = this.#underWay.get(name)
    if (running !== undefined) return running
    const asking = this.#asked(name)
    this.#underWay.set(name, asking)
    try {
      return await asking
    } finally {
      this.#underWay.delete(name)
    }
  }

  /** Follows aliases that the server has not followed itself. */
  async #asked(name: string): Promise<DnsResult<T>> {
    let target = name
    let aliases = 0
    let ttl = MOST_TTL
    let authenticated = true
    for (;;) {
      const { reply, trusted, octets } = await this.#upstream.ask(target, this.#type, this.#read)
      if (reply.kind === 'failed') return temporary(reply.reason)
      authenticated &&= trusted && reply.authentic
      ttl = Math.min(ttl, reply.ttl)
      if (reply.kind === 'none') {
        const answer = none<T>({ nameExists: reply.nameExists, authenticated })
        this.#keep(name, answer, Math.min(ttl, MOST_NEGATIVE_TTL), octets)
        return answer
      }
      if (reply.kind === 'records') {
        const answer = { ok: true, records: reply.records, authenticated, ttl } as const
        this.#keep(name, answer, ttl, octets)
        return answer
      }
      target = reply.target
      aliases += reply.aliases
      if (aliases > MOST_ALIASES) return temporary('aliases that lead nowhere')
    }
  }

  #keep(name: string, answer: DnsResult<T>, ttl: number, octets: number): void {
    if (ttl > 0) this.#kept.set(name, answer, this.#clock.now() + ttl * 1000, octets)
  }
}

function none<T>(error: Omit<Extract<DnsFailure, { kind: 'none' }>, 'kind'>): DnsResult<T> {
  return { ok: false, error: { kind: 'none', ...error } }
}

function temporary<T>(reason: string): DnsResult<T> {
  return { ok: false, error: { kind: 'temporary', reason } }
}

type Final<T> = Extract<Reply<T>, { kind: 'records' | 'alias' | 'none' | 'failed' }>

interface Heard<T> {
  readonly reply: Final<T>
  /** The server's AD bit counts. */
  readonly trusted: boolean
  readonly octets: number
}

/** The servers, asked in turn until one answers. */
class Upstream {
  readonly #servers: ServerList
  readonly #trustAd: ResolverOptions['trustAd']
  readonly #timeoutMs: number
  readonly #clock: Clock
  readonly #slots = new Slots(MOST_AT_ONCE)
  /** The one that is asked first, as others were silent; until when. */
  #first = 0
  #firstUntil = 0

  constructor({ servers, trustAd, timeoutMs, clock = systemClock }: ResolverOptions) {
    this.#servers = new ServerList(servers, clock)
    this.#trustAd = trustAd
    this.#timeoutMs = timeoutMs
    this.#clock = clock
  }

  async ask<T>(name: string, type: RecordType, read: (record: Answer) => T | undefined): Promise<Heard<T>> {
    const servers = await this.#servers.all()
    using _slot = await this.#slots.take()
    const end = performance.now() + this.#timeoutMs
    const tryMs = Math.max(LEAST_TRY_MS, this.#timeoutMs / (ROUNDS * servers.length))
    const given = new Set<DnsServer>()
    const first = this.#start()
    let reason = 'no server'
    for (let at = 0; at < ROUNDS * servers.length; at += 1) {
      const left = end - performance.now()
      const place = (first + at) % servers.length
      const server = servers[place]
      if (server === undefined || left <= 0) break
      if (given.has(server)) continue
      const heard = await this.#once(server, name, type, read, Math.min(tryMs, left))
      if (!('silence' in heard) && heard.reply.kind !== 'failed') return heard
      reason = `${server.host}:${server.port}: ${'silence' in heard ? heard.silence : reasonOf(heard.reply)}`
      // one that says that it cannot is not asked again; one that was silent is, but others come first
      if (!('silence' in heard)) given.add(server)
      else if (at === 0) this.#prefer((place + 1) % servers.length)
    }
    return { reply: { kind: 'failed', reason, withoutEdns: false }, trusted: false, octets: 0 }
  }

  async #once<T>(
    server: DnsServer,
    name: string,
    type: RecordType,
    read: (record: Answer) => T | undefined,
    ms: number,
    edns = true,
  ): Promise<Heard<T> | Silence> {
    const end = performance.now() + ms
    const question = { id: randomInt(0x1_0000), name, type }
    const bytes = formatQuestion(question, edns)
    let octets = 0
    const accept = (answer: Uint8Array): Exclude<Reply<T>, { kind: 'foreign' }> | undefined => {
      const reply = readReply(answer, question, read)
      octets = answer.length
      return reply.kind === 'foreign' ? undefined : reply
    }
    let reply = await askUdp(server, bytes, accept, ms)
    if ('kind' in reply && (reply.kind === 'truncated' || reply.kind === 'unreadable')) {
      reply = await askTcp(server, bytes, accept, Math.max(LEAST_TRY_MS, end - performance.now()))
    }
    if ('silence' in reply) return reply
    if (reply.kind === 'failed' && reply.withoutEdns && edns) {
      return this.#once(server, name, type, read, Math.max(LEAST_TRY_MS, end - performance.now()), false)
    }
    const trusted = this.#trustAd === 'always' || (this.#trustAd === 'loopback' && onLoopback(server))
    if (reply.kind === 'truncated' || reply.kind === 'unreadable') return { silence: `an ${reply.kind} answer` }
    return { reply, trusted, octets }
  }

  #start(): number {
    return this.#clock.now() < this.#firstUntil ? this.#first : 0
  }

  #prefer(place: number): void {
    this.#first = place
    this.#firstUntil = this.#clock.now() + SWITCH_BACK_MS
  }
}

function reasonOf(reply: Reply<unknown>): string {
  return reply.kind === 'failed' ? reply.reason : reply.kind
}
