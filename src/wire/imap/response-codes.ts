/** Response codes (RFC 9051 §7.1, RFC 5530, RFC 4315, RFC 7162, RFC 8474 §4.1, RFC 6154 §5.1, RFC 5465 §3.1). @module */
import type { Modseq, Uid } from '#mail/ids.ts'
import { formatUidSet, type UidSet } from '#mail/uid-set.ts'
import type { ElementReader } from './element-reader.ts'
import type { ElementWriter } from './element-writer.ts'
import { formatFlags } from './flags.ts'

const PLAIN = [
  'ALERT',
  'ALREADYEXISTS',
  'AUTHENTICATIONFAILED',
  'AUTHORIZATIONFAILED',
  'CANNOT',
  'CLIENTBUG',
  'CLOSED',
  'COMPRESSIONACTIVE',
  'CONTACTADMIN',
  'CORRUPTION',
  'EXPIRED',
  'EXPUNGEISSUED',
  'HASCHILDREN',
  'INUSE',
  'LIMIT',
  'NOMODSEQ',
  'NONEXISTENT',
  'NOPERM',
  'NOTIFICATIONOVERFLOW',
  'NOTSAVED',
  'OVERQUOTA',
  'PARSE',
  'PRIVACYREQUIRED',
  'READ-ONLY',
  'READ-WRITE',
  'SERVERBUG',
  'TOOBIG',
  'TOOFEW',
  'TOOMANY',
  'TRYCREATE',
  'UIDNOTSTICKY',
  'UIDREQUIRED',
  'UNAVAILABLE',
  'UNKNOWN-CTE',
  'USEATTR',
] as const

/** Codes without arguments. */
export type PlainCode = (typeof PLAIN)[number]

const PLAIN_CODES: ReadonlySet<string> = new Set(PLAIN)

export type ResponseCode =
  | { readonly kind: PlainCode }
  /** Empty where the server does not say which it knows. */
  | { readonly kind: 'BADCHARSET'; readonly charsets: readonly string[] }
  /** Events that NOTIFY takes, as the server writes them (RFC 5465 §3.1). */
  | { readonly kind: 'BADEVENT'; readonly events: readonly string[] }
  /** Upper case. */
  | { readonly kind: 'CAPABILITY'; readonly names: readonly string[] }
  /** With `\*` where new keywords can be made. */
  | { readonly kind: 'PERMANENTFLAGS'; readonly flags: readonly string[] }
  | { readonly kind: 'UIDNEXT' | 'UIDVALIDITY' | 'UNSEEN'; readonly value: number }
  | { readonly kind: 'HIGHESTMODSEQ'; readonly modseq: Modseq }
  | { readonly kind: 'APPENDUID'; readonly uidValidity: number; readonly uids: UidSet }
  /** Ranges as written: the nth UID of `from` became the nth of `to`. */
  | { readonly kind: 'COPYUID'; readonly uidValidity: number; readonly from: UidSet; readonly to: UidSet }
  /** UIDs after UID STORE, else message numbers (RFC 7162 §3.1.3). */
  | { readonly kind: 'MODIFIED'; readonly set: UidSet }
  /** GETMETADATA left out values, the largest of so many octets (RFC 5464 §4.2.1). */
  | { readonly kind: 'METADATA'; readonly what: 'LONGENTRIES' | 'MAXSIZE'; readonly octets: number }
  | { readonly kind: 'METADATA'; readonly what: 'TOOMANY' | 'NOPRIVATE' }
  | { readonly kind: 'MAILBOXID'; readonly id: string }
  /** So many messages were dealt with, from the highest UID down to `last`; none at all without (RFC 9738 §3.1). */
  | { readonly kind: 'MESSAGELIMIT'; readonly limit: number; readonly last: Uid | undefined }
  /** How far the command of the tag has come; `undefined` where the server does not say (RFC 9585 §4). */
  | { readonly kind: 'INPROGRESS'; readonly state: Progress | undefined }
  /** Any other, or one whose arguments cannot be read; `name` in upper case. */
  | { readonly kind: 'OTHER'; readonly name: string; readonly text: string | undefined }

export interface Progress {
  readonly tag: string | undefined
  /** Items done; never without it: a goal. */
  readonly done: number | undefined
  readonly goal: number | undefined
}

/** The code with its brackets; `undefined`, with nothing taken, where there is none. */
export function readResponseCode(r: ElementReader): ResponseCode | undefined {
  if (r.peek() !== '[') return undefined
  return r.attempt(() => readKnown(r)) ?? r.attempt(() => readOther(r))
}

function readKnown(r: ElementReader): ResponseCode {
  const name = r.expect('[').match(NAME).toUpperCase()
  const code = readArguments(r, name)
  r.expect(']')
  return code
}

function readArguments(r: ElementReader, name: string): ResponseCode {
  switch (name) {
    case 'BADCHARSET':
      return { kind: name, charsets: r.spaces() ? r.list(() => r.astring()) : [] }
    case 'BADEVENT':
      return { kind: name, events: r.sp().list(() => r.atom(), 1) }
    case 'CAPABILITY':
      return { kind: name, names: readCapabilities(r) }
    case 'PERMANENTFLAGS':
      return { kind: name, flags: r.sp().list(() => r.flagPerm()) }
    case 'UIDNEXT':
    case 'UIDVALIDITY':
    case 'UNSEEN':
      return { kind: name, value: r.sp().number() }
    case 'HIGHESTMODSEQ':
      return { kind: name, modseq: r.sp().number64() as Modseq }
    case 'APPENDUID': {
      const uidValidity = r.sp().nzNumber()
      return { kind: name, uidValidity, uids: r.sp().orderedUids() }
    }
    case 'COPYUID': {
      const uidValidity = r.sp().nzNumber()
      const from = r.sp().orderedUids()
      return { kind: name, uidValidity, from, to: r.sp().orderedUids() }
    }
    case 'MODIFIED':
      return { kind: name, set: r.sp().orderedUids() }
    case 'MESSAGELIMIT': {
      const limit = r.sp().nzNumber()
      return { kind: name, limit, last: r.spaces() ? (r.nzNumber() as Uid) : undefined }
    }
    case 'INPROGRESS':
      return { kind: name, state: r.spaces() ? readProgress(r) : undefined }
    case 'MAILBOXID':
      return { kind: name, id: r.sp().list(() => r.astring(), 1)[0] ?? '' }
    case 'METADATA': {
      const what = r.sp().keyword()
      if (what === 'LONGENTRIES' || what === 'MAXSIZE') return { kind: name, what, octets: r.sp().number() }
      return what === 'TOOMANY' || what === 'NOPRIVATE' ? { kind: name, what } : r.fault('Response code is not known')
    }
    default:
      return isPlainCode(name) ? { kind: name } : r.fault('Response code is not known')
  }
}

// "(" inprogress-tag SP inprogress-state ")"
function readProgress(r: ElementReader): Progress {
  const tag = r.expect('(').nil() ? undefined : r.string()
  const done = r.sp().nil() ? undefined : r.number()
  const goal = r.sp().nil() ? undefined : r.number()
  r.expect(')')
  return { tag, done, goal }
}

function isPlainCode(name: string): name is PlainCode {
  return PLAIN_CODES.has(name)
}

/** Capabilities with their leading spaces, in upper case. */
export function readCapabilities(r: ElementReader): readonly string[] {
  const names: string[] = []
  // Until the "]" of a code or the end of the line; trailing spaces are tolerated.
  while (r.spaces() && !r.atEnd && r.peek() !== ']') names.push(r.keyword())
  return names
}

// atom [SP 1*<any TEXT-CHAR except "]">]
function readOther(r: ElementReader): ResponseCode {
  const name = (r.expect('[').match(NAME) || r.fault('A response code is expected')).toUpperCase()
  const text = r.skip(' ') ? r.match(CODE_TEXT) : undefined
  r.expect(']')
  return { kind: 'OTHER', name, text }
}

const NAME = /[!#$&'+,\-./0-9:;<=>?@A-Z[^_`a-z|}~]+/y
const CODE_TEXT = /[^\]]*/y

/** A tag with `]` cannot be told (RFC 9585 §4). */
function writeProgress(w: ElementWriter, { tag, done, goal }: Progress): void {
  w.text(' (')
  if (tag === undefined || tag.includes(']')) w.text('NIL')
  else w.string(tag)
  w.text(` ${done ?? 'NIL'} ${(done === undefined ? undefined : goal) ?? 'NIL'})`)
}

/** The code with its brackets. */
export function writeResponseCode(w: ElementWriter, code: ResponseCode): void {
  w.text(`[${code.kind === 'OTHER' ? code.name : code.kind}`)
  switch (code.kind) {
    case 'BADCHARSET':
      if (code.charsets.length > 0) w.sp().list(code.charsets, (charset) => w.astring(charset))
      break
    case 'BADEVENT':
      w.sp().list(code.events, (event) => w.text(event))
      break
    case 'CAPABILITY':
      for (const name of code.names) w.text(` ${name}`)
      break
    case 'PERMANENTFLAGS':
      w.text(` ${formatFlags(code.flags)}`)
      break
    case 'UIDNEXT':
    case 'UIDVALIDITY':
    case 'UNSEEN':
      w.text(` ${code.value}`)
      break
    case 'HIGHESTMODSEQ':
      w.text(` ${code.modseq}`)
      break
    case 'APPENDUID':
      w.text(` ${code.uidValidity} ${formatUidSet(code.uids)}`)
      break
    case 'COPYUID':
      w.text(` ${code.uidValidity} ${formatUidSet(code.from)} ${formatUidSet(code.to)}`)
      break
    case 'MODIFIED':
      w.text(` ${formatUidSet(code.set)}`)
      break
    case 'MESSAGELIMIT':
      w.text(` ${code.limit}${code.last === undefined ? '' : ` ${code.last}`}`)
      break
    case 'INPROGRESS':
      if (code.state !== undefined) writeProgress(w, code.state)
      break
    case 'MAILBOXID':
      w.text(` (${code.id})`)
      break
    case 'METADATA':
      w.text('octets' in code ? ` ${code.what} ${code.octets}` : ` ${code.what}`)
      break
    case 'OTHER':
      if (code.text !== undefined) w.text(` ${code.text}`)
      break
    default:
  }
  w.text(']')
}
