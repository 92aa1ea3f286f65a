/**
 * The last resort: mail that segments hold and the index does not, because the index is lost or an old one was put back.
 * Every arrival whose body survives comes back, in the mailbox of the name it arrived in. What happened afterwards is not
 * in segments: flags are those of the arrival, and mail that was moved or expunged since is where it arrived. So all
 * mailboxes of the shard get new UIDVALIDITYs (RFC 9051 §2.3.1.1): what clients remember means nothing any more. @module
 */
import fs from 'node:fs'
import { performance } from 'node:perf_hooks'
import { prepareEmail } from '#mail/prepare.ts'
import { scanMessage } from '#mail/scanner.ts'
import { MAX_MAILBOXES } from '#store/limits.ts'
import { DamagedBody } from '#store/mail-store.ts'
import { canonicalMailboxName, mailboxNameFault, superiorNames } from '#store/mailbox-name.ts'
import type { StoredPlace } from './bodies.ts'
import type { Rebuilt } from './check.ts'
import { placeOf } from './email-reads.ts'
import { type ShardPaths, segmentPath } from './layout.ts'
import { type LoadedAccount, nextUidValidity } from './ledger.ts'
import { ARRIVAL, type Arrival, BODY, parseArrival, parseRecordHeader, RECORD_HEADER, recordSize } from './records.ts'
import { storeMessage, uidsExhausted } from './requests/store-message.ts'
import { EMAIL_SPAN } from './schema/account.ts'
import type { MailboxRow } from './schema/mailbox.ts'
import { SegmentReader } from './segment-reader.ts'
import { type WalkedRecord, walkSegment } from './segments.ts'
import type { Transaction } from './transaction.ts'
import { keptSegments } from './unknown-files.ts'

/** Time of one slice. */
const SLICE_MS = 20
/** Where mail goes whose mailbox cannot be made. */
const RECOVERED = 'Recovered'
const LOOK = 1_048_576

interface Found {
  readonly arrival: Arrival
  readonly trace: Buffer
}

/** Takes back what kept segments hold, a slice at a time; a segment that is through is one as all others. */
export function* rebuildFromSegments(
  tx: Transaction,
  paths: ShardPaths,
  done: (account: number | undefined, what: Rebuilt) => void,
): Generator<undefined, void, void> {
  const kept = keptSegments(tx.sql)
  if (kept.length === 0) return
  yield* renewUidValidities(tx)
  const run = new Rebuild(tx, paths)
  try {
    for (const [id, total] of kept) yield* run.segment(id, total)
    yield* run.stale(kept.map(([id]) => id))
    for (const [id] of kept) sealKept(tx, paths, id)
    yield
    for (const [account, what] of run.results) done(account, what)
    if (run.skipped > 0) done(undefined, { came: 0, lost: 0, nobodys: 0, skipped: run.skipped })
  } finally {
    run.close()
  }
}

/** Clients know numbers that this index has not given yet. */
function* renewUidValidities(tx: Transaction): Generator<undefined, void, void> {
  for (const [id] of tx.sql.all('SELECT id FROM account WHERE id IS NOT NULL')) {
    const account = tx.ledger.load(id as number)
    if (account === undefined) continue
    const modseq = tx.ledger.bump(account, ...account.mailboxes.values())
    for (const mailbox of account.mailboxes.values()) {
      mailbox.uidValidity = nextUidValidity(account.row, tx.now)
      tx.sql.run(
        'UPDATE mailbox SET uidvalidity = ? WHERE account = ? AND key = ?',
        mailbox.uidValidity,
        account.row.slot,
        mailbox.key,
      )
      mailbox.vanishedFloor = modseq
    }
    yield
  }
}

function sealKept(tx: Transaction, paths: ShardPaths, id: number): void {
  const size = fs.statSync(segmentPath(paths, id), { throwIfNoEntry: false })?.size ?? 0
  tx.sql.run("UPDATE segment SET state = 'sealed', total = ? WHERE id = ?", size, id)
}

class Rebuild {
  readonly #tx: Transaction
  readonly #paths: ShardPaths
  readonly #files: SegmentReader
  /** Arrivals whose body is not where they say: compaction has moved it without them. */
  readonly #stale: Found[] = []
  readonly results = new Map<number, { came: number; lost: number; nobodys: number; skipped: number }>()
  /** Octets that are no records. */
  skipped = 0

  constructor(tx: Transaction, paths: ShardPaths) {
    this.#tx = tx
    this.#paths = paths
    this.#files = new SegmentReader(paths)
  }

  close(): void {
    this.#files.close()
  }

  *segment(id: number, from: number): Generator<undefined, void, void> {
    let begun = performance.now()
    for (const record of this.#records(id, from)) {
      if (record.header.kind !== ARRIVAL || !record.whole) continue
      this.#take(parseArrival(record.payload), true)
      if (performance.now() - begun < SLICE_MS) continue
      yield
      begun = performance.now()
    }
  }

  /** Looks for the bodies of arrivals that do not say where they are: one of their length that is nobody's. */
  *stale(segments: readonly number[]): Generator<undefined, void, void> {
    if (this.#stale.length === 0) return
    const byLength = new Map<number, { readonly segment: number; readonly position: number }[]>()
    const { skipped } = this
    const wanted = new Set(this.#stale.map(({ arrival }) => arrival.length))
    for (const segment of segments)
      for (const { header, offset, whole } of this.#records(segment, 0)) {
        if (header.kind !== BODY || !whole || !wanted.has(header.length)) continue
        const position = offset + header.codec
        if (this.#isUsed(segment, position)) continue
        const places = byLength.get(header.length) ?? []
        places.push({ segment, position })
        byLength.set(header.length, places)
      }
    this.skipped = skipped
    for (const { arrival, trace } of this.#stale) {
      const places = byLength.get(arrival.length) ?? []
      const [only] = places
      // Of several of the same length nobody can say whose they are.
      if (places.length !== 1 || only === undefined) this.#count(arrival.account, 'lost')
      else this.#take({ arrival: { ...arrival, ...only }, trace }, false)
      yield
    }
  }

  /** Records from an offset on, also behind octets that are none. */
  *#records(segment: number, from: number): Generator<WalkedRecord, void, void> {
    let fd: number
    try {
      fd = fs.openSync(segmentPath(this.#paths, segment), 'r')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
      throw error
    }
    try {
      const { size } = fs.fstatSync(fd)
      let at = from
      while (at < size) {
        for (const record of walkSegment(fd, at, size)) {
          yield record
          at = record.offset + recordSize(record.header.stored)
        }
        const next = nextRecord(fd, at, size)
        this.skipped += next - at
        at = next
      }
    } finally {
      fs.closeSync(fd)
    }
  }

  #isUsed(segment: number, position: number): boolean {
    return (
      this.#tx.sql.get('SELECT 1 FROM email WHERE segment = ? AND position = ? LIMIT 1', segment, position) !==
      undefined
    )
  }

  #take({ arrival, trace }: Found, first: boolean): void {
    const account = this.#tx.ledger.load(arrival.account)
    if (account === undefined) {
      this.#count(arrival.account, 'nobodys')
      return
    }
    if (this.#isKnown(account, arrival, trace)) return
    const body = this.#body(arrival)
    if (body === undefined) {
      if (first) this.#stale.push({ arrival, trace: Buffer.from(trace) })
      else this.#count(arrival.account, 'lost')
      return
    }
    if (this.#findsItsBody(account, arrival, trace)) return
    this.#put(account, arrival, trace, body)
  }

  /** The account has an email of that body with the same lines of its own. */
  #isKnown({ row }: LoadedAccount, { segment, position }: Arrival, trace: Uint8Array): boolean {
    const found = this.#tx.sql.get(
      'SELECT 1 FROM email WHERE segment = ? AND position = ? AND slot = ? AND trace = ? LIMIT 1',
      segment,
      position,
      row.slot,
      trace,
    )
    return found !== undefined
  }

  /** An older index says where the body was before compaction moved it. */
  #findsItsBody({ row }: LoadedAccount, arrival: Arrival, trace: Uint8Array): boolean {
    const id = arrival.row ?? row.slot * EMAIL_SPAN + arrival.email
    const found = this.#tx.sql.get(
      `SELECT segment, position, length FROM email
       WHERE id = ? AND slot = ? AND key = ? AND length = ? AND internal_date = ? AND trace = ?`,
      id,
      row.slot,
      arrival.email,
      arrival.length,
      arrival.internalDate,
      trace,
    ) as readonly [number, number, number] | undefined
    if (found === undefined) return false
    const [segment, position, length] = found
    if (this.#read(segment, position, length) !== undefined) return true
    this.#tx.sql.run(
      'UPDATE email SET segment = ?, position = ? WHERE segment = ? AND position = ?',
      arrival.segment,
      arrival.position,
      segment,
      position,
    )
    this.#count(arrival.account, 'came')
    return true
  }

  #body({ segment, position, length }: Arrival): Uint8Array | undefined {
    return this.#read(segment, position, length)
  }

  #read(segment: number, position: number, length: number): Uint8Array | undefined {
    try {
      return this.#files.readAll(placeOf(segment, position, length))
    } catch (error) {
      if (!(error instanceof DamagedBody)) throw error
      return undefined
    }
  }

  #put(account: LoadedAccount, arrival: Arrival, trace: Uint8Array, body: Uint8Array): void {
    const tx = this.#tx
    const mailbox = this.#mailbox(account, arrival.mailboxName)
    if (uidsExhausted(mailbox, 1)) {
      this.#count(arrival.account, 'lost')
      return
    }
    const { row } = account
    // A key that clients may remember is not given to another email.
    row.nextEmail = Math.max(row.nextEmail, arrival.email)
    const { segment, position } = arrival
    const place: StoredPlace = { segment, position, length: body.length, stored: this.#stored(arrival) }
    if (segment !== 0 && !this.#isUsed(segment, position)) tx.bodies.count(segment, place.stored)
    const keywords = tx.ledger.keywords(account).limitBroken(arrival.keywords) === undefined ? arrival.keywords : []
    const modseq = tx.ledger.bump(account, mailbox)
    storeMessage(tx, account, mailbox, modseq, {
      place,
      email: prepareEmail(scanMessage(body)),
      trace,
      flags: { system: arrival.system, keywords },
      internalDate: arrival.internalDate,
      internalZone: arrival.internalZone,
      uidl: this.#freeUidl(row.slot, mailbox.key, arrival.uidl),
    })
    this.#count(arrival.account, 'came')
  }

  #stored({ segment, position, length }: Arrival): number {
    if (segment === 0) return recordSize(length)
    const file = this.#files.acquire(placeOf(segment, position, length))
    try {
      const head = Buffer.alloc(RECORD_HEADER)
      fs.readSync(file.fd, head, 0, RECORD_HEADER, position - (position % 8))
      return recordSize(parseRecordHeader(head)?.stored ?? length)
    } finally {
      this.#files.release(file)
    }
  }

  #freeUidl(slot: number, mailbox: number, uidl: string | undefined): string | undefined {
    if (uidl === undefined) return undefined
    const taken = this.#tx.sql.get(
      'SELECT 1 FROM message WHERE account = ? AND mailbox = ? AND uidl = ?',
      slot,
      mailbox,
      uidl,
    )
    return taken === undefined ? uidl : undefined
  }

  /** The mailbox of that name, made where it is not there; else the one for all others. */
  #mailbox(account: LoadedAccount, given: string): MailboxRow {
    const { ledger, now } = this.#tx
    for (const name of [canonicalMailboxName(given), RECOVERED, 'INBOX']) {
      const there = account.byName.get(name)
      if (there !== undefined) return there
      const missing = superiorNames(name).filter((each) => !account.byName.has(each))
      if (mailboxNameFault(name) !== undefined || account.mailboxes.size + missing.length >= MAX_MAILBOXES) continue
      for (const each of missing) ledger.addMailbox(account, each, undefined, now)
      this.#tx.sql.run('INSERT OR IGNORE INTO subscription (account, name) VALUES (?, ?)', account.row.slot, name)
      return ledger.addMailbox(account, name, undefined, now)
    }
    throw new Error(`Account ${account.row.id} has no INBOX`)
  }

  #count(account: number, what: 'came' | 'lost' | 'nobodys'): void {
    const counts = this.results.get(account) ?? { came: 0, lost: 0, nobodys: 0, skipped: 0 }
    counts[what] += 1
    this.results.set(account, counts)
  }
}

/** Where the next record begins, at a multiple of eight; `size` when none does. */
function nextRecord(fd: number, from: number, size: number): number {
  const bytes = Buffer.allocUnsafe(LOOK + RECORD_HEADER)
  for (let at = Math.ceil((from + 1) / 8) * 8; at + RECORD_HEADER <= size; at += LOOK) {
    const got = fs.readSync(fd, bytes, 0, bytes.length, at)
    for (let offset = 0; offset < LOOK && offset + RECORD_HEADER <= got; offset += 8)
      if (parseRecordHeader(bytes.subarray(0, got), offset) !== undefined) return at + offset
  }
  return size
}
