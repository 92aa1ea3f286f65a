/** Zone files (RFC 1035 §5) as tests write them: records of the types that mail needs. @module */
import type { Answer } from 'dns-packet'

/** Records in the text of a zone file: `$ORIGIN`, `$TTL`, `@`, comments, quotes, parentheses, names left out. */
export function parseZone(text: string): Answer[] {
  const records: Answer[] = []
  let origin = ''
  let usualTtl = 300
  let owner = ''
  for (const { words, indented, line } of entriesOf(text)) {
    const [first = ''] = words
    if (first === '$ORIGIN') origin = absolute(words[1] ?? '', '')
    else if (first === '$TTL') usualTtl = Number(words[1])
    else {
      const rest = [...words]
      if (!indented) owner = absolute(rest.shift() ?? '', origin)
      let ttl = usualTtl
      while (rest[0] !== undefined && /^(?:\d+|IN)$/i.test(rest[0])) {
        const word = rest.shift() ?? ''
        if (/^\d+$/.test(word)) ttl = Number(word)
      }
      const type = rest.shift()?.toUpperCase() ?? ''
      const record = recordOf(owner, type, ttl, rest, origin)
      if (record === undefined) throw new SyntaxError(`Cannot read this line of a zone: ${line}`)
      records.push(record)
    }
  }
  return records
}

interface Entry {
  readonly words: readonly string[]
  /** The owner is that of the entry before. */
  readonly indented: boolean
  readonly line: string
}

function* entriesOf(text: string): Generator<Entry> {
  let words: string[] = []
  let indented = false
  let depth = 0
  for (const line of text.split('\n')) {
    const tokens = [...line.matchAll(/"((?:\\.|[^"\\])*)"|;.*|[()]|[^\s;()"]+/g)]
    if (depth === 0) {
      words = []
      indented = /^\s/.test(line)
    }
    for (const [token, quoted] of tokens) {
      if (token.startsWith(';')) continue
      if (token === '(') depth += 1
      else if (token === ')') depth -= 1
      else words.push(quoted?.replace(/\\(.)/g, '$1') ?? token)
    }
    // tests indent whole zones: only a line that begins with a type, in capitals, has no name in front
    if (depth === 0 && words.length > 0) yield { words, indented: indented && beginsWithType(words), line }
  }
}

const TYPES = /^(?:A|AAAA|MX|TXT|CNAME|NS|PTR|SOA|SRV|CAA|TLSA)$/

/** Without a name in front. */
function beginsWithType(words: readonly string[]): boolean {
  const type = words.find((one) => !/^(?:\d+|IN)$/i.test(one))
  return type !== undefined && TYPES.test(type)
}

/** A name with its origin; without the dot at its end. */
function absolute(name: string, origin: string): string {
  if (name === '@') return origin
  if (name.endsWith('.') || origin === '') return name.replace(/\.$/, '').toLowerCase()
  return `${name}.${origin}`.toLowerCase()
}

function recordOf(
  name: string,
  type: string,
  ttl: number,
  data: readonly string[],
  origin: string,
): Answer | undefined {
  const [a = '', b = '', c = '', d = ''] = data
  const host = (word: string): string => (word === '.' ? '.' : absolute(word, origin))
  const base = { name, ttl, class: 'IN' } as const
  switch (type) {
    case 'A':
    case 'AAAA':
      return { ...base, type, data: a }
    case 'CNAME':
    case 'NS':
    case 'PTR':
      return { ...base, type, data: host(a) }
    case 'MX':
      return { ...base, type, data: { preference: Number(a), exchange: host(b) } }
    case 'TXT':
      return { ...base, type, data: [...data] }
    case 'SRV':
      return { ...base, type, data: { priority: Number(a), weight: Number(b), port: Number(c), target: host(d) } }
    case 'CAA':
      return { ...base, type, data: { flags: Number(a), issuerCritical: Number(a) >= 128, tag: caaTag(b), value: c } }
    case 'TLSA':
      return {
        ...base,
        type,
        data: {
          usage: Number(a),
          selector: Number(b),
          matchingType: Number(c),
          certificate: Buffer.from(data.slice(3).join(''), 'hex'),
        },
      }
    case 'SOA':
      return { ...base, type, data: soaOf(host(a), host(b), data.slice(2).map(Number)) }
    default:
      return undefined
  }
}

function soaOf(mname: string, rname: string, numbers: readonly number[]): Extract<Answer, { type: 'SOA' }>['data'] {
  const [serial = 1, refresh = 3600, retry = 600, expire = 86_400, minimum = 60] = numbers
  return { mname, rname, serial, refresh, retry, expire, minimum }
}

function caaTag(word: string): 'issue' | 'issuewild' | 'iodef' {
  if (word === 'issue' || word === 'issuewild' || word === 'iodef') return word
  throw new SyntaxError(`No tag of CAA: ${word}`)
}
