/** What a message is known by where nothing else says which it is. @module */
import { createHash } from 'node:crypto'

const MESSAGE_ID = /^message-id[ \t]*:[ \t\r\n]*<[^>\r\n]+>/im

/** The identity by header and size; `undefined`: there is no Message-ID, so that the whole message must tell. */
export function identityOfHeader(header: Uint8Array, size: number): string | undefined {
  const text = Buffer.from(header.buffer, header.byteOffset, header.byteLength).toString('latin1')
  if (!MESSAGE_ID.test(text)) return undefined
  return `${size}h${createHash('sha256').update(text.trimEnd(), 'latin1').digest('base64')}`
}

/** The identity by the whole message. */
export function identityOfBytes(bytes: Uint8Array): string {
  return `${bytes.length}b${createHash('sha256').update(bytes).digest('base64')}`
}

/** The same of a body that is not held. */
export async function identityOfBody(body: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256')
  let size = 0
  for await (const chunk of body) {
    hash.update(chunk)
    size += chunk.length
  }
  return `${size}b${hash.digest('base64')}`
}
