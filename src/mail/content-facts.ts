/** The Content-* fields of a part, with the defaults of RFC 2045 §5.2 and RFC 2046 §5.1.5. @module */
import type { Parameters } from './body-structure.ts'
import { trimBinary } from './bytes.ts'
import { firstValue, type HeaderField } from './headers.ts'
import { parseParameterised } from './parameters.ts'
import type { ContentFacts } from './scanned.ts'

const PLAIN = { type: 'TEXT', subtype: 'PLAIN' } as const
const MESSAGE = { type: 'MESSAGE', subtype: 'RFC822' } as const

/** A part without any Content-* field. */
export const NO_CONTENT: ContentFacts = contentFacts([], false)

/** @param inDigest Whether the part stands in a multipart/digest, where a message is the default. */
export function contentFacts(fields: readonly HeaderField[], inDigest: boolean): ContentFacts {
  const type = firstValue(fields, 'content-type')
  const disposition = firstValue(fields, 'content-disposition')
  return {
    ...mediaType(type, inDigest),
    id: nonEmpty(firstValue(fields, 'content-id')),
    description: firstValue(fields, 'content-description'),
    encoding: encodingOf(firstValue(fields, 'content-transfer-encoding')),
    md5: nonEmpty(firstValue(fields, 'content-md5')),
    disposition: disposition === undefined ? undefined : dispositionOf(disposition),
    language: languagesOf(firstValue(fields, 'content-language')),
    location: nonEmpty(firstValue(fields, 'content-location')),
  }
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text
}

interface MediaType {
  readonly type: string
  readonly subtype: string
  readonly parameters: Parameters
}

// content := "Content-Type" ":" type "/" subtype *(";" parameter)
function mediaType(field: string | undefined, inDigest: boolean): MediaType {
  const fallback = inDigest ? MESSAGE : PLAIN
  if (field === undefined) return { ...fallback, parameters: [] }
  const { value, parameters } = parseParameterised(field)
  const match = /^([^/"]+)\/([^/"]+)/.exec(value)
  if (match?.[1] !== undefined && match[2] !== undefined) return { type: match[1], subtype: match[2], parameters }
  // Unreadable is text/plain (RFC 2045 §5.2), but a type alone tells more.
  switch (value.replace('/', '').toLowerCase()) {
    case 'multipart':
      return { type: 'MULTIPART', subtype: 'MIXED', parameters }
    case 'application':
    case 'image':
    case 'audio':
    case 'video':
      return { type: 'APPLICATION', subtype: 'OCTET-STREAM', parameters }
    default:
      return { ...PLAIN, parameters }
  }
}

function encodingOf(field: string | undefined): string {
  const value = field === undefined ? '' : parseParameterised(field).value
  return value === '' ? '7BIT' : value
}

// disposition := "Content-Disposition" ":" disposition-type *(";" disposition-parm) (RFC 2183 §2)
function dispositionOf(field: string): ContentFacts['disposition'] {
  const { value, parameters } = parseParameterised(field)
  if (value === '' && parameters.length === 0) return undefined
  // Any type that nobody knows counts as an attachment (RFC 2183 §2.8).
  return { type: value === '' ? 'attachment' : value, parameters }
}

// Language-List = Language-Tag [CFWS] *("," [CFWS] Language-Tag [CFWS]) (RFC 3282 §2)
function languagesOf(field: string | undefined): readonly string[] | undefined {
  if (field === undefined) return undefined
  const tags = field
    .replace(/\([^()]*\)/g, '')
    .split(',', 100)
    .map(trimBinary)
    .filter((tag) => tag !== '')
  return tags.length === 0 ? undefined : tags
}
