/** BODYSTRUCTURE out of a scan (RFC 9051 §7.5.2). @module */
import type { BodyExtension, BodyLeaf, BodyStructure, Parameters } from './body-structure.ts'
import { parameter } from './parameters.ts'
import type { ContentFacts, ScannedPart } from './scanned.ts'

/** The structure of a message, from its root, or of one part. */
export function bodyStructureOf(part: ScannedPart): BodyStructure {
  const { content, kind } = part
  if (kind === 'multipart') {
    return {
      kind,
      subtype: content.subtype,
      parts: part.children.map(bodyStructureOf),
      parameters: content.parameters,
      ...extensionOf(content),
    }
  }
  const inner = kind === 'message' ? part.children[0] : undefined
  return {
    ...leafOf(kind, content, part.bodyEnd - part.bodyStart),
    lines: kind === 'basic' ? undefined : part.lines,
    envelope: inner?.envelope,
    body: inner === undefined ? undefined : bodyStructureOf(inner),
  }
}

function leafOf(
  kind: BodyLeaf['kind'],
  content: ContentFacts,
  size: number,
): Omit<BodyLeaf, 'lines' | 'envelope' | 'body'> {
  return {
    kind,
    type: content.type,
    subtype: content.subtype,
    parameters: kind === 'text' ? withCharset(content.parameters) : content.parameters,
    id: content.id,
    description: content.description,
    encoding: content.encoding,
    size,
    md5: content.md5,
    ...extensionOf(content),
  }
}

/** Text without a charset is US-ASCII (RFC 2045 §5.2), and clients expect to be told so. */
function withCharset(parameters: Parameters): Parameters {
  const known = parameter(parameters, 'charset') ?? parameter(parameters, 'charset*')
  return known === undefined ? [...parameters, ['CHARSET', 'US-ASCII']] : parameters
}

function extensionOf(content: ContentFacts): BodyExtension {
  return { disposition: content.disposition, language: content.language, location: content.location }
}
