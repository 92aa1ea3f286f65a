/** Parameters of ID (RFC 2971 §3.3). @module */
import type { ElementReader } from './element-reader.ts'
import type { ElementWriter } from './element-writer.ts'

/** Names in lower case and their values; `undefined` is NIL. */
export type IdParams = ReadonlyMap<string, string | undefined> | undefined

// id_params_list = "(" *(string SP nstring) ")" / nil
export function readIdParams(r: ElementReader): IdParams {
  if (r.nil()) return undefined
  return new Map(
    r.list((): [string, string | undefined] => {
      const name = r.string().toLowerCase()
      return [name, r.sp().nstring()]
    }),
  )
}

/** NIL or the list. */
export function writeIdParams(w: ElementWriter, params: IdParams): void {
  if (params === undefined) w.text('NIL')
  else w.list(params, ([name, value]) => w.string(name).sp().nstring(value))
}
