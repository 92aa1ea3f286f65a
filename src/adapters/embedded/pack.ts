/**
 * Requests on their way to a writer: all bytes of a turn travel in one buffer that changes hands, instead of being
 * copied twice, and views of pooled memory do not drag the pool along. @module
 */
import type { PreparedEmail } from '#mail/prepare.ts'
import type { RestoredEmail } from '#store/image.ts'
import type { NewMessage, StagedBody } from '#store/types.ts'
import type {
  AppendRequest,
  DeliverRequest,
  Recipient,
  RestoreEmailsRequest,
  WriteKind,
  Writes,
} from '#store/writes.ts'

/** Bytes in the buffer of the turn. */
export type Span = readonly [offset: number, length: number]

type PackedBody = Extract<StagedBody, { kind: 'big' }> | Span
type Blobs = 'envelope' | 'bodyStructure' | 'parts' | 'header' | 'fields'
type PackedEmail = Omit<PreparedEmail, Blobs> & { readonly blobs: readonly Span[] }
type PackedMessage = Omit<NewMessage, 'body' | 'email' | 'trace'> & {
  readonly body: PackedBody
  readonly email: PackedEmail
  readonly trace: Span
}
type PackedAppend = Omit<AppendRequest, 'messages'> & { readonly messages: readonly PackedMessage[] }
type PackedRestoredEmail = Omit<RestoredEmail, 'body' | 'email' | 'trace'> & {
  readonly body: PackedBody
  readonly email: PackedEmail
  readonly trace: Span
}
type PackedRestoreEmails = Omit<RestoreEmailsRequest, 'emails'> & { readonly emails: readonly PackedRestoredEmail[] }
type PackedDeliver = Omit<DeliverRequest, 'body' | 'email' | 'recipients'> & {
  readonly body: PackedBody
  readonly email: PackedEmail
  readonly recipients: readonly (Omit<Recipient, 'trace'> & { readonly trace: Span })[]
}

/** A request as it travels, as JSON where it is one of {@link AS_TEXT}. */
export type PackedRequest = PackedParts | string

type PackedParts =
  | { readonly kind: 'deliver'; readonly request: PackedDeliver }
  | { readonly kind: 'append'; readonly request: PackedAppend }
  | { readonly kind: 'restoreEmails'; readonly request: PackedRestoreEmails }
  | { readonly kind: Exclude<WriteKind, 'append' | 'restoreEmails'>; readonly request: Writes[WriteKind]['request'] }

/** Kinds that come often, and have nothing that JSON does not give back: cloning them key by key takes four times as long. */
const AS_TEXT: ReadonlySet<AnyRequest['kind']> = new Set([
  'deliver',
  'append',
  'changeFlags',
  'copy',
  'move',
  'expunge',
] satisfies ('deliver' | WriteKind)[])

/** A request as the writer executes it. */
export type AnyRequest =
  | { readonly kind: 'deliver'; readonly request: DeliverRequest }
  | { readonly kind: WriteKind; readonly request: Writes[WriteKind]['request'] }

/** Collects the bytes of one turn. They must not change until {@link Packer.take}. */
export class Packer {
  #chunks: Uint8Array[] = []
  #size = 0

  get size(): number {
    return this.#size
  }

  add(bytes: Uint8Array): Span {
    const span: Span = [this.#size, bytes.length]
    if (bytes.length > 0) {
      this.#chunks.push(bytes)
      this.#size += bytes.length
    }
    return span
  }

  /** All bytes in memory of their own. */
  take(): Uint8Array<ArrayBuffer> {
    const joined = new Uint8Array(new ArrayBuffer(this.#size))
    let at = 0
    for (const chunk of this.#chunks) {
      joined.set(chunk, at)
      at += chunk.length
    }
    this.#chunks = []
    this.#size = 0
    return joined
  }
}

function packBody(body: StagedBody, into: Packer): PackedBody {
  return body.kind === 'big' ? body : into.add(body.bytes)
}

function packEmail(email: PreparedEmail, into: Packer): PackedEmail {
  const { envelope, bodyStructure, parts, header, fields, ...rest } = email
  return { ...rest, blobs: [envelope, bodyStructure, parts, header, fields].map((bytes) => into.add(bytes)) }
}

/** Puts a request's bytes into the packer. */
export function pack(asked: AnyRequest, into: Packer): PackedRequest {
  const parts = packParts(asked, into)
  return AS_TEXT.has(asked.kind) ? JSON.stringify(parts) : parts
}

function packParts(asked: AnyRequest, into: Packer): PackedParts {
  if (asked.kind === 'deliver') {
    const { request } = asked as { readonly request: DeliverRequest }
    return {
      kind: 'deliver',
      request: {
        ...request,
        body: packBody(request.body, into),
        email: packEmail(request.email, into),
        recipients: request.recipients.map((each) => ({ ...each, trace: into.add(each.trace) })),
      },
    }
  }
  if (asked.kind === 'append') {
    const request = asked.request as AppendRequest
    return {
      kind: 'append',
      request: {
        ...request,
        messages: request.messages.map((message) => ({
          ...message,
          body: packBody(message.body, into),
          email: packEmail(message.email, into),
          trace: into.add(message.trace),
        })),
      },
    }
  }
  if (asked.kind === 'restoreEmails') {
    const request = asked.request as RestoreEmailsRequest
    return {
      kind: 'restoreEmails',
      request: {
        ...request,
        emails: request.emails.map((each) => ({
          ...each,
          body: packBody(each.body, into),
          email: packEmail(each.email, into),
          trace: into.add(each.trace),
        })),
      },
    }
  }
  return { kind: asked.kind, request: asked.request }
}

function unpackBody(body: PackedBody, bytes: Uint8Array): StagedBody {
  return 'kind' in body ? body : { kind: 'bytes', bytes: view(body, bytes) }
}

function view([offset, length]: Span, bytes: Uint8Array): Uint8Array {
  return bytes.subarray(offset, offset + length)
}

const NONE: Span = [0, 0]

function unpackEmail({ blobs, ...rest }: PackedEmail, bytes: Uint8Array): PreparedEmail {
  const [envelope = NONE, structure = NONE, parts = NONE, header = NONE, fields = NONE] = blobs
  return {
    ...rest,
    envelope: view(envelope, bytes),
    bodyStructure: view(structure, bytes),
    parts: view(parts, bytes),
    header: view(header, bytes),
    fields: view(fields, bytes),
  }
}

/** The request again, its bytes being views of the turn's buffer. */
export function unpack(request: PackedRequest, bytes: Uint8Array): AnyRequest {
  const packed = typeof request === 'string' ? (JSON.parse(request) as PackedParts) : request
  if (packed.kind === 'deliver') {
    const { request } = packed
    return {
      kind: 'deliver',
      request: {
        ...request,
        body: unpackBody(request.body, bytes),
        email: unpackEmail(request.email, bytes),
        recipients: request.recipients.map((each) => ({ ...each, trace: view(each.trace, bytes) })),
      },
    }
  }
  if (packed.kind === 'append') {
    const { request } = packed
    return {
      kind: 'append',
      request: {
        ...request,
        messages: request.messages.map((message) => ({
          ...message,
          body: unpackBody(message.body, bytes),
          email: unpackEmail(message.email, bytes),
          trace: view(message.trace, bytes),
        })),
      },
    }
  }
  if (packed.kind === 'restoreEmails') {
    const { request } = packed
    return {
      kind: 'restoreEmails',
      request: {
        ...request,
        emails: request.emails.map((each) => ({
          ...each,
          body: unpackBody(each.body, bytes),
          email: unpackEmail(each.email, bytes),
          trace: view(each.trace, bytes),
        })),
      },
    }
  }
  return packed
}
