/** What a server can, as it says. @module */

/** Names in upper case. */
export class Capabilities {
  readonly names: ReadonlySet<string>

  constructor(names: Iterable<string>) {
    this.names = new Set(names)
  }

  has(name: string): boolean {
    return this.names.has(name) || (this.names.has('IMAP4REV2') && IN_REV2.has(name))
  }

  /** Mechanisms of AUTHENTICATE. */
  get mechanisms(): readonly string[] {
    return this.#valuesOf('AUTH=')
  }

  /** Octets that one APPEND may have (RFC 7889 §2); `undefined`: no limit is told. */
  get appendLimit(): number | undefined {
    const [limit] = this.#valuesOf('APPENDLIMIT=')
    return limit === undefined ? undefined : Number(limit)
  }

  /** Messages that one command may be about (RFC 9738); `undefined`: no limit is told. */
  get messageLimit(): number | undefined {
    const [limit] = this.#valuesOf('MESSAGELIMIT=')
    return limit === undefined || !/^[1-9]\d{0,9}$/.test(limit) ? undefined : Number(limit)
  }

  /** Whether literals need not be asked for (RFC 7888). */
  get literals(): 'none' | 'minus' | 'plus' {
    if (this.names.has('LITERAL+')) return 'plus'
    return this.has('LITERAL-') ? 'minus' : 'none'
  }

  #valuesOf(prefix: string): readonly string[] {
    return [...this.names].filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length))
  }
}

/** Extensions that IMAP4rev2 has in itself (RFC 9051 appendix E). */
const IN_REV2: ReadonlySet<string> = new Set(
  (
    'CHILDREN ENABLE ESEARCH IDLE LIST-EXTENDED LIST-STATUS LITERAL- MOVE NAMESPACE SASL-IR ' +
    'SEARCHRES SPECIAL-USE STATUS=SIZE UIDPLUS UNSELECT'
  ).split(' '),
)
