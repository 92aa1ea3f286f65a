/** THREAD as a value (RFC 5256 §5). @module */
import type { ElementReader } from './element-reader.ts'
import type { ElementWriter } from './element-writer.ts'
import { readSearchCharset, readSearchKeys, type SearchKey, writeSearchKeys } from './search-program.ts'

/** Everything after THREAD. */
export interface ThreadRequest {
  /** Upper case; the session knows which ones there are. */
  readonly algorithm: string
  /** Upper case. */
  readonly charset: string
  /** All must match; at least one. */
  readonly keys: readonly SearchKey[]
}

// thread = "THREAD" SP thread-alg SP charset 1*(SP search-key)
export function readThreadRequest(r: ElementReader): ThreadRequest {
  const algorithm = r.keyword()
  const charset = readSearchCharset(r.sp())
  return { algorithm, charset, keys: readSearchKeys(r.sp(), charset) }
}

/** Everything after THREAD and its space. */
export function writeThreadRequest(w: ElementWriter, request: ThreadRequest): void {
  w.text(`${request.algorithm} `).astring(request.charset).sp()
  writeSearchKeys(w, request)
}
