/** What is attached to a message, decoded. @module */
import { bufferOf } from './bytes.ts'
import { decodedParameter } from './parameters.ts'
import type { ScannedPart } from './scanned.ts'
import { MessageScanner } from './scanner.ts'
import { decodeTransfer } from './transfer-decoding.ts'

export interface AttachedFile {
  /** `type/subtype`, lower case. */
  readonly type: string
  /** Empty where it has none. */
  readonly name: string
  readonly bytes: Uint8Array
}

/** Leaves of the MIME tree in their order, messages inside it included; those with an unknown encoding are left out. */
export function* attachedFiles(message: Uint8Array): Generator<AttachedFile, void, void> {
  const scanner = new MessageScanner()
  scanner.push(message)
  yield* leaves(scanner.end().root, bufferOf(message))
}

function* leaves(part: ScannedPart, message: Buffer): Generator<AttachedFile, void, void> {
  if (part.children.length > 0) {
    for (const child of part.children) yield* leaves(child, message)
    return
  }
  const { type, subtype, parameters, disposition, encoding } = part.content
  const bytes = decodeTransfer(message.subarray(part.bodyStart, part.bodyEnd), encoding)
  if (bytes === undefined) return
  const name =
    (disposition && decodedParameter(disposition.parameters, 'filename')) ?? decodedParameter(parameters, 'name') ?? ''
  yield { type: `${type}/${subtype}`.toLowerCase(), name, bytes }
}
