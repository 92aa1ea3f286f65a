/** Parts of a message by BODYSTRUCTURE: what is read, and what is attached. @module */
import type { BodyLeaf, BodyStructure } from '#mail/body-structure.ts'
import { oneLine, partName } from './mail-text.ts'

/** A part and its number. */
export interface NumberedPart {
  /** `[1, 2]` for part 1.2. */
  readonly number: readonly number[]
  readonly part: BodyLeaf
}

/** Something attached. */
export interface Attachment {
  /** `1.2`. */
  readonly part: string
  /** For people; empty where there is none. */
  readonly name: string
  /** `image/png`. */
  readonly type: string
  /** Octets, about, once decoded. */
  readonly size: number
}

/** All leaves with their numbers (RFC 9051 §6.4.5.1); those within attached messages are theirs. */
function leaves(structure: BodyStructure, number: readonly number[] = []): readonly NumberedPart[] {
  if (structure.kind !== 'multipart') return [{ number: number.length === 0 ? [1] : number, part: structure }]
  return structure.parts.flatMap((part, index) => leaves(part, [...number, index + 1]))
}

/** The parts that are read, in order: of alternatives the plain one, else the last that is text. */
export function readableParts(structure: BodyStructure, number: readonly number[] = []): readonly NumberedPart[] {
  if (structure.kind !== 'multipart') {
    if (!isReadable(structure)) return []
    return [{ number: number.length === 0 ? [1] : number, part: structure }]
  }
  const parts = structure.parts.map((part, index) => readableParts(part, [...number, index + 1]))
  if (structure.subtype.toLowerCase() !== 'alternative') return parts.flat()
  const withText = parts.filter((each) => each.length > 0)
  const plain = withText.find((each) => each.every(({ part }) => part.subtype.toLowerCase() === 'plain'))
  return plain ?? withText.at(-1) ?? []
}

function isReadable(part: BodyLeaf): boolean {
  return part.kind === 'text' && part.disposition?.type.toLowerCase() !== 'attachment'
}

/** What is attached: parts with a name or disposition that says so, and what is no text. */
export function attachedParts(structure: BodyStructure): readonly NumberedPart[] {
  return leaves(structure).filter(({ part }) => {
    const disposition = part.disposition?.type.toLowerCase()
    if (disposition === 'attachment') return true
    // a picture that the text shows
    if (part.id !== undefined && part.type.toLowerCase() === 'image') return false
    if (part.kind === 'text') return disposition !== 'inline' && partName(part) !== undefined
    return part.type.toLowerCase() !== 'multipart' && !/^pgp-signature$|^pkcs7-signature$/i.test(part.subtype)
  })
}

export function attachmentsOf(structure: BodyStructure): readonly Attachment[] {
  return attachedParts(structure).map(({ number, part }) => ({
    part: number.join('.'),
    name: oneLine(partName(part) ?? ''),
    type: `${part.type}/${part.subtype}`.toLowerCase(),
    size: part.encoding.toLowerCase() === 'base64' ? Math.floor((part.size / 78) * 57) : part.size,
  }))
}
