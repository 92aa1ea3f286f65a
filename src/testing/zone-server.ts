/** An authoritative server of the DNS on loopback, for tests: UDP and TCP, well-behaved until it is told otherwise. @module */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type Socket as TcpSocket } from 'node:net'
import { type Answer, AUTHENTIC_DATA, AUTHORITATIVE_ANSWER, decode, encode, TRUNCATED_RESPONSE } from 'dns-packet'
import { parseZone } from './zone-file.ts'

/** What it does in place of answering. */
export type Trouble =
  | 'servfail'
  | 'refused'
  /** FORMERR to whoever speaks EDNS. */
  | 'no-edns'
  /** Nothing at all. */
  | 'silent'
  /** Over UDP always truncated. */
  | 'truncated'
  /** Answers that are damaged at the end. */
  | 'damaged'
  /** The answer, after others that are none: of another id, to other questions, noise. */
  | 'noise'
  /** Of aliases the first alone. */
  | 'one-alias'
  /** After so many milliseconds. */
  | { readonly lateMs: number }

export interface AskedQuestion {
  readonly name: string
  readonly type: string
  readonly over: 'udp' | 'tcp'
}

export interface ZoneServer extends AsyncDisposable {
  /** As in the configuration's `dns.servers`. */
  readonly server: { readonly host: string; readonly port: number }
  /** Every question so far. */
  readonly asked: AskedQuestion[]
  /** Puts these records in place of all. */
  load(zone: string | readonly Answer[]): void
  /** From now on, for this name and what is below it (empty: all names), and one type or all; `undefined`: as usual again. */
  trouble(name: string, trouble: Trouble | undefined, type?: string): void
  /** Names below which answers have AD set, as a validating resolver would do. */
  authenticate(...names: string[]): void
}

/**
 * Serves records, given as text (`parseZone`) or as they are for dns-packet. A name without records of its own or below
 * it is NXDOMAIN; `*` stands for names that are not there (RFC 4592).
 */
export async function startZoneServer(zone: string | readonly Answer[] = ''): Promise<ZoneServer> {
  const host = '127.0.0.1'
  const asked: AskedQuestion[] = []
  const troubles = new Map<string, Trouble>()
  const late = new Set<NodeJS.Timeout>()
  let records: readonly Answer[] = []
  let authenticated: readonly string[] = []
  const load = (next: string | readonly Answer[]): void => {
    records = typeof next === 'string' ? parseZone(next) : next
  }
  load(zone)

  const answer = (bytes: Buffer, over: 'udp' | 'tcp', send: (bytes: Buffer) => void): void => {
    const query = decode(bytes)
    const question = query.questions?.[0]
    if (question === undefined) return
    const name = question.name.toLowerCase()
    asked.push({ name, type: question.type, over })
    const trouble = troubleOf(troubles, name, question.type)
    const opt = query.additionals?.find((one) => one.type === 'OPT')
    const failing = codeFor(trouble, opt !== undefined)
    const found = failing === 0 ? lookUp(records, name, question.type) : { code: failing, answers: [], authorities: [] }
    const cut = trouble === 'one-alias' && found.answers.length > 1
    const told = cut ? found.answers.slice(0, 1) : found.answers
    const authentic = [name, ...told.map((one) => one.name.toLowerCase())].every((each) =>
      authenticated.some((one) => isWithin(each, one)),
    )
    const ad = authentic ? AUTHENTIC_DATA : 0
    const flags = AUTHORITATIVE_ANSWER | ad | found.code
    const head = { type: 'response' as const, id: query.id ?? 0, questions: [question] }
    let reply = encode({ ...head, flags, answers: told, authorities: cut ? [] : found.authorities })
    const room = opt?.type === 'OPT' ? opt.udpPayloadSize : 512
    if (over === 'udp' && (trouble === 'truncated' || reply.length > room)) {
      reply = encode({ ...head, flags: flags | TRUNCATED_RESPONSE })
    }
    if (trouble === 'silent') return
    if (trouble === 'noise' && over === 'udp') for (const one of noise(reply, found.answers)) send(one)
    if (trouble === 'damaged') reply = reply.subarray(0, reply.length - 3)
    if (typeof trouble !== 'object') return send(reply)
    const timer = setTimeout(() => {
      late.delete(timer)
      send(reply)
    }, trouble.lateMs)
    late.add(timer)
  }

  const { udp, tcp, port } = await bind(host)
  const open = new Set<TcpSocket>()
  let closed = false
  udp.on('message', (bytes, from) => {
    answer(bytes, 'udp', (reply) => {
      if (!closed) udp.send(reply, from.port, from.address)
    })
  })
  tcp.on('connection', (socket) => {
    open.add(socket)
    socket.on('close', () => open.delete(socket))
    socket.on('error', () => socket.destroy())
    let held = Buffer.alloc(0)
    socket.on('data', (chunk: Buffer) => {
      held = Buffer.concat([held, chunk])
      if (held.length < 2 || held.length < 2 + held.readUInt16BE(0)) return
      answer(held.subarray(2, 2 + held.readUInt16BE(0)), 'tcp', (reply) => {
        const length = Buffer.alloc(2)
        length.writeUInt16BE(reply.length)
        socket.write(Buffer.concat([length, reply]))
      })
      held = Buffer.alloc(0)
    })
  })

  return {
    server: { host, port },
    asked,
    load,
    trouble(name, trouble, type = '') {
      const key = `${name.toLowerCase()} ${type}`
      if (trouble === undefined) troubles.delete(key)
      else troubles.set(key, trouble)
    },
    authenticate(...names) {
      authenticated = names.map((one) => one.toLowerCase())
    },
    async [Symbol.asyncDispose]() {
      closed = true
      for (const timer of late) clearTimeout(timer)
      for (const socket of open) socket.destroy()
      udp.close()
      tcp.close()
      await once(tcp, 'close')
    },
  }
}

/** One port for both, which the system chooses for TCP and may have given away for UDP. */
async function bind(host: string): Promise<{ udp: Socket; tcp: ReturnType<typeof createServer>; port: number }> {
  for (let left = 20; ; left -= 1) {
    const tcp = createServer()
    tcp.listen(0, host)
    await once(tcp, 'listening')
    const address = tcp.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const udp = createSocket('udp4')
    try {
      udp.bind(port, host)
      await once(udp, 'listening')
      return { udp, tcp, port }
    } catch (error) {
      tcp.close()
      if (left === 0) throw error
    }
  }
}

function troubleOf(troubles: ReadonlyMap<string, Trouble>, name: string, type: string): Trouble | undefined {
  for (let at = name; ; at = at.includes('.') ? at.slice(at.indexOf('.') + 1) : '') {
    const trouble = troubles.get(`${at} ${type}`) ?? troubles.get(`${at} `)
    if (trouble !== undefined || at === '') return trouble
  }
}

/** What whoever wants to be believed would send. */
function* noise(reply: Buffer, answers: readonly Answer[]): Generator<Buffer> {
  const right = decode(reply)
  const [question] = right.questions ?? []
  const id = right.id ?? 0
  const evil = answers.map((one) => (one.type === 'A' ? { ...one, data: '192.0.2.66' } : one))
  if (question === undefined) return
  const base = { type: 'response' as const, id, questions: [question], answers: evil }
  yield encode({ ...base, id: (id + 1) % 65_536 })
  yield encode({ ...base, questions: [{ ...question, name: `x.${question.name}` }] })
  yield encode({ ...base, questions: [{ ...question, type: 'AAAA' }] })
  yield encode({ ...base, questions: [] })
  yield encode({ ...base, type: 'query' })
  yield Buffer.alloc(0)
  yield Buffer.alloc(7, 0xff)
}

/** RFC 1035 §4.1.1. */
function codeFor(trouble: Trouble | undefined, edns: boolean): number {
  if (trouble === 'servfail') return 2
  if (trouble === 'refused') return 5
  return trouble === 'no-edns' && edns ? 1 : 0
}

interface Found {
  readonly code: number
  readonly answers: Answer[]
  readonly authorities: Answer[]
}

function lookUp(records: readonly Answer[], asked: string, type: string): Found {
  const answers: Answer[] = []
  let name = asked
  // aliases of one zone come along, as of any server (RFC 1034 §4.3.2)
  for (let aliases = 0; aliases < 20; aliases += 1) {
    const own = ownRecords(records, name)
    if (own === undefined) return negative(records, name, answers, 3)
    const wanted = own.filter((one) => one.type === type)
    if (wanted.length > 0) return { code: 0, answers: [...answers, ...wanted], authorities: [] }
    const alias = own.find((one) => one.type === 'CNAME')
    if (alias?.type !== 'CNAME') return negative(records, name, answers, 0)
    answers.push(alias)
    name = alias.data.toLowerCase()
    // the server of another zone has to be asked
    if (zoneOf(records, name) === undefined && ownRecords(records, name) === undefined) break
  }
  return { code: 0, answers, authorities: [] }
}

/** `undefined`: the name is not there. */
function ownRecords(records: readonly Answer[], name: string): readonly Answer[] | undefined {
  const own = records.filter((one) => one.name.toLowerCase() === name)
  if (own.length > 0) return own
  if (records.some((one) => one.name.toLowerCase().endsWith(`.${name}`))) return []
  for (let at = name; at.includes('.'); ) {
    at = at.slice(at.indexOf('.') + 1)
    const stars = records.filter((one) => one.name.toLowerCase() === `*.${at}`)
    if (stars.length > 0) return stars.map((one) => ({ ...one, name }))
    if (records.some((one) => isWithin(one.name.toLowerCase(), at))) return undefined
  }
  return undefined
}

function negative(records: readonly Answer[], name: string, answers: Answer[], code: number): Found {
  const soa = zoneOf(records, name) ?? {
    name: name.split('.').slice(-2).join('.'),
    type: 'SOA',
    ttl: 60,
    data: { mname: 'ns.invalid', rname: 'hostmaster.invalid', serial: 1, minimum: 60 },
  }
  return { code, answers, authorities: [soa] }
}

/** The SOA of the zone that a name is in. */
function zoneOf(records: readonly Answer[], name: string): Answer | undefined {
  return records
    .filter((one) => one.type === 'SOA' && isWithin(name, one.name.toLowerCase()))
    .sort((a, b) => b.name.length - a.name.length)[0]
}

function isWithin(name: string, zone: string): boolean {
  return zone === '' || name === zone || name.endsWith(`.${zone}`)
}
