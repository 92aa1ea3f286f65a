/** Reads BODY and BODYSTRUCTURE; `mail/format-structure.ts` writes them (RFC 9051 §7.5.2, §9 body). @module */
import type { BodyExtension, BodyLeaf, BodyMultipart, BodyStructure, Parameters } from '#mail/body-structure.ts'
import type { ElementReader } from './element-reader.ts'
import { readEnvelope } from './envelope-reader.ts'
import { readExtensionValue } from './extension-value.ts'
import { RESPONSE_DEPTH } from './limits.ts'

const NO_EXTENSION: BodyExtension = { disposition: undefined, language: undefined, location: undefined }

// body = "(" (body-type-1part / body-type-mpart) ")"
export function readBodyStructure(r: ElementReader, depth = 0): BodyStructure {
  if (depth >= RESPONSE_DEPTH) r.fault('The body structure is nested too deep')
  r.expect('(')
  const body = r.peek() === '(' ? readMultipart(r, depth) : readLeaf(r, depth)
  r.spaces()
  r.expect(')')
  return body
}

// body-type-mpart = 1*body SP media-subtype [SP body-ext-mpart]
function readMultipart(r: ElementReader, depth: number): BodyMultipart {
  const parts: BodyStructure[] = []
  while (r.peek() === '(') {
    parts.push(readBodyStructure(r, depth + 1))
    r.spaces()
  }
  const subtype = r.nstring() ?? ''
  const parameters = more(r) ? readParameters(r) : []
  return { kind: 'multipart', subtype, parts, parameters, ...readExtension(r) }
}

// body-type-1part = (body-type-basic / body-type-msg / body-type-text) [SP body-ext-1part]
function readLeaf(r: ElementReader, depth: number): BodyLeaf {
  const type = r.nstring() ?? ''
  const subtype = r.sp().nstring() ?? ''
  const parameters = readParameters(r.sp())
  const id = r.sp().nstring()
  const description = r.sp().nstring()
  const encoding = r.sp().nstring() ?? '7BIT'
  const size = r.sp().number64()
  const basics = { type, subtype, parameters, id, description, encoding, size }
  let kind: BodyLeaf['kind'] = 'basic'
  let lines: number | undefined
  let envelope: BodyLeaf['envelope']
  let body: BodyStructure | undefined
  if (/^message$/i.test(type) && r.looksAt(' (')) {
    // body-type-msg = media-message SP body-fields SP envelope SP body SP body-fld-lines
    kind = 'message'
    envelope = readEnvelope(r.sp())
    body = readBodyStructure(r.sp(), depth + 1)
    lines = r.sp().number64()
  } else if (/^text$/i.test(type)) {
    // body-type-text = media-text SP body-fields SP body-fld-lines
    kind = 'text'
    lines = r.sp().number64()
  }
  const md5 = more(r) ? r.nstring() : undefined
  return { kind, ...basics, lines, envelope, body, md5, ...readExtension(r) }
}

// [SP body-fld-dsp [SP body-fld-lang [SP body-fld-loc *(SP body-extension)]]]
function readExtension(r: ElementReader): BodyExtension {
  if (!more(r)) return NO_EXTENSION
  let disposition: BodyExtension['disposition']
  if (!r.nil()) {
    const type = r.expect('(').string()
    disposition = { type, parameters: readParameters(r.sp()) }
    r.expect(')')
  }
  const language = more(r) ? readLanguages(r) : undefined
  const location = more(r) ? r.nstring() : undefined
  // "Client implementations MUST accept body-extension fields"
  while (more(r)) readExtensionValue(r)
  return { disposition, language, location }
}

function more(r: ElementReader): boolean {
  return r.spaces() && r.peek() !== ')'
}

// body-fld-lang = nstring / "(" string *(SP string) ")"
function readLanguages(r: ElementReader): readonly string[] | undefined {
  if (r.peek() === '(') return r.list(() => r.string())
  const language = r.nstring()
  return language === undefined ? undefined : [language]
}

// body-fld-param = "(" string SP string *(SP string SP string) ")" / nil
function readParameters(r: ElementReader): Parameters {
  if (r.nil()) return []
  return r.list((): readonly [string, string] => {
    const name = r.string()
    return [name, r.sp().nstring() ?? '']
  })
}
