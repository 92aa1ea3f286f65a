/** MTA-STS records and policies as text (RFC 8461 §3). @module */

/** A policy as it was read. */
export interface StsPolicy {
  readonly mode: 'enforce' | 'testing' | 'none'
  /** Names of hosts, or `*.` and the name above them; in lower case. */
  readonly mx: readonly string[]
  readonly maxAgeSeconds: number
}

/** A year and a little (RFC 8461 §3.2). */
const MOST_SECONDS = 31_557_600
/** No domain has more. */
const MOST_PATTERNS = 200

/**
 * The id of the policy that a domain says it has; `undefined`: it says none.
 * @param records All TXT records of `_mta-sts`: others are skipped, but two of ours are as good as none (RFC 8461 §3.1).
 */
export function parseStsRecord(records: readonly string[]): string | undefined {
  const own = records.filter((one) => /^v=STSv1[ \t]*;/.test(one))
  const [record] = own
  if (record === undefined || own.length !== 1) return undefined
  for (const field of record.split(';').slice(1)) {
    const id = /^[ \t]*id[ \t]*=[ \t]*([A-Za-z0-9]{1,32})[ \t]*$/.exec(field)?.[1]
    if (id !== undefined) return id
  }
  return undefined
}

/** @returns the policy, or what is wrong with it. Of fields that come twice the first counts, unknown ones do not. */
export function parseStsPolicy(text: string): StsPolicy | string {
  const fields = new Map<string, string>()
  const mx: string[] = []
  for (const line of text.split(/\r?\n/)) {
    if (line.trim() === '') continue
    const field = /^[ \t]*([A-Za-z0-9][A-Za-z0-9_.-]{0,31})[ \t]*:(.*)$/.exec(line)
    if (field === null) return 'a line is no field'
    const [, key = '', rest = ''] = field
    const value = rest.trim()
    if (key === 'mx') mx.push(value.toLowerCase())
    else if (!fields.has(key)) fields.set(key, value)
  }
  const mode = fields.get('mode')
  const maxAge = fields.get('max_age') ?? ''
  if (fields.get('version') !== 'STSv1') return 'the version is not STSv1'
  if (mode !== 'enforce' && mode !== 'testing' && mode !== 'none') return 'the mode is none that is known'
  if (!/^\d{1,10}$/.test(maxAge)) return 'max_age is no number'
  if (mx.length === 0 && mode !== 'none') return 'there is no mx'
  if (mx.length > MOST_PATTERNS || !mx.every((one) => PATTERN.test(one))) return 'an mx is no host name'
  return { mode, mx, maxAgeSeconds: Math.min(Number(maxAge), MOST_SECONDS) }
}

const PATTERN = /^(?:\*\.)?[a-z0-9_](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9_][a-z0-9_-]{0,62})*\.?$/

/** Whether a host is one of the policy: `*` stands for one label, the first (RFC 8461 §4.1). */
export function listsHost({ mx }: StsPolicy, host: string): boolean {
  const name = bare(host)
  return mx.some((pattern) => {
    const wanted = bare(pattern)
    if (!wanted.startsWith('*.')) return wanted === name
    const dot = name.indexOf('.')
    return dot > 0 && name.slice(dot) === wanted.slice(1)
  })
}

function bare(name: string): string {
  return name.toLowerCase().replace(/\.$/, '')
}
