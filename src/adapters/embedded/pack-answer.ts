/**
 * Answers on their way back to who asked. What is small travels as text: cloning objects key by key, and each typed array
 * with a buffer of its own, takes both threads four times as long. @module
 */
import type { Result } from '#lib/result.ts'
import type { Change } from '#store/types.ts'
import type { FlagsChanged, WriteKind, Writes } from '#store/writes.ts'
import type { AnyRequest } from './pack.ts'
import type { AnswerBatch, AnswerMessage } from './protocol.ts'

/** Messages in an answer of STORE, up to which it is text. */
const MOST_AS_TEXT = 64

/** Kinds whose answers have numbers, texts, and lists of them alone. */
const PLAIN: ReadonlySet<AnyRequest['kind']> = new Set([
  'deliver',
  'append',
  'copy',
  'move',
  'replace',
  'expunge',
  'applyMaildrop',
] satisfies ('deliver' | WriteKind)[])

/** An answer as it travels. */
export interface PackedAnswer {
  readonly value: unknown
  /** Whether JSON gives it back as it is. */
  readonly plain: boolean
}

type Stored = Result<FlagsChanged, Writes['changeFlags']['refusal']>

interface PlainChanged {
  readonly uids: readonly number[]
  readonly flags: readonly number[]
  readonly modseqs: readonly number[]
}

/** Makes an answer ready to travel. */
export function packAnswer(kind: AnyRequest['kind'], answer: unknown): PackedAnswer {
  if (kind !== 'changeFlags') return { value: answer, plain: PLAIN.has(kind) }
  const stored = answer as Stored
  if (!stored.ok) return { value: stored, plain: true }
  const { uids, flags, modseqs } = stored.value.changed
  if (uids.length > MOST_AS_TEXT) return { value: stored, plain: false }
  const changed: PlainChanged = { uids: [...uids], flags: [...flags], modseqs: [...modseqs] }
  return { value: { ok: true, value: { ...stored.value, changed } }, plain: true }
}

/** All that a thread is told after a batch. @param plain Whether all its answers are. */
export function packAnswers(batch: AnswerBatch, plain: boolean): AnswerMessage {
  return plain && batch[1].every(isPlain) ? JSON.stringify(batch) : batch
}

/** JSON leaves out what is `undefined`. */
function isPlain({ mailbox }: Change): boolean {
  return mailbox !== undefined
}

/** The reverse of {@link packAnswers}. */
export function unpackAnswers(message: AnswerMessage): AnswerBatch {
  return typeof message === 'string' ? (JSON.parse(message) as AnswerBatch) : message
}

/** The reverse of {@link packAnswer}. */
export function unpackAnswer(value: unknown): unknown {
  const changed = (value as { readonly value?: { readonly changed?: PlainChanged } } | undefined)?.value?.changed
  if (!Array.isArray(changed?.uids)) return value
  const { uids, flags, modseqs } = changed
  const typed = { uids: Uint32Array.from(uids), flags: Uint32Array.from(flags), modseqs: Float64Array.from(modseqs) }
  return { ok: true, value: { ...(value as { readonly value: object }).value, changed: typed } }
}
