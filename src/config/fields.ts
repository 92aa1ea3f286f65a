/** The kinds of values a configuration field may have. @module */
import { isIP } from 'node:net'
import * as v from 'valibot'
import { type Network, parseNetwork } from '#lib/network.ts'

/** Where a listener binds. */
export interface ListenAddress {
  /** IP address or name, an IPv6 address without brackets. */
  readonly host: string
  /** 0: any free one. */
  readonly port: number
}

/** What people are told of a field. */
export interface FieldDoc {
  /** One sentence or more. */
  readonly doc: string
  /** In words: `size`, `integer, at least 1`. */
  readonly type: string
  readonly unit?: string
  /** What would be right, after "write": shown with a mistake. */
  readonly right: string
  /** Shown in the sample in place of the default. */
  readonly sample?: unknown
}

/** A field of a file that may be left out. */
export type Field<Input, Output> = v.OptionalSchema<v.GenericSchema<Input, Output>, Input>

/** A field that may be left out: `fallback` is written as in the file. */
export function field<Input, Output>(
  schema: v.GenericSchema<Input, Output>,
  fallback: NoInfer<Input>,
  doc: FieldDoc,
): Field<Input, Output> {
  return v.optional(v.pipe(schema, v.metadata({ ...doc })), fallback)
}

/** A field that must be there. */
export function required<Input, Output>(
  schema: v.GenericSchema<Input, Output>,
  doc: FieldDoc,
): v.GenericSchema<Input, Output> {
  return v.pipe(schema, v.metadata({ ...doc }))
}

/** A section of the file, which may be left out, and what becomes of it. */
export type Section<Derived> = v.GenericSchema<Readonly<Record<string, unknown>> | undefined, Derived>

/** What must hold between the fields of a section: which one is wrong when it does not. */
export interface Rule<Raw> {
  readonly key: string & keyof Raw
  readonly wrong: string
  readonly holds: (raw: Raw) => boolean
}

/** A section with these fields. @param derive makes of what the file says what the rest of Malle knows. */
export function section<Raw, Derived>(
  fields: v.GenericSchema<Readonly<Record<string, unknown>>, Raw>,
  derive: (raw: Raw) => Derived,
  rules: readonly Rule<Raw>[] = [],
): Section<Derived> {
  const checked = v.pipe(
    fields,
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed || dataset.issues !== undefined) return
      const { value } = dataset
      for (const { key, wrong, holds } of rules)
        if (!holds(value))
          addIssue({
            message: wrong,
            path: [{ type: 'unknown', origin: 'value', input: value, key, value: value[key] }],
          })
    }),
    v.transform(derive),
  )
  return v.optional(checked, {})
}

/** The fields of a section by their keys. */
export function fieldsOf<const Entries extends v.ObjectEntries>(
  entries: Entries,
): v.ObjectSchema<Entries, 'is not a section'> {
  return v.object(entries, 'is not a section')
}

/** What was said of a field, and its default (`undefined`: required). */
export function fieldDoc(schema: v.GenericSchema): { readonly doc: FieldDoc; readonly fallback: unknown } {
  const optional = schema.type === 'optional' ? (schema as Field<unknown, unknown>) : undefined
  return { doc: v.getMetadata(optional?.wrapped ?? schema) as unknown as FieldDoc, fallback: optional?.default }
}

/** A whole number within bounds. */
export function integer(least: number, most: number): v.GenericSchema<number, number> {
  return v.pipe(
    v.number('is not a number'),
    v.integer('is not a whole number'),
    v.minValue(least, `is less than ${least}`),
    v.maxValue(most, `is more than ${most}`),
  )
}

/** A field with a whole number within bounds. */
export function count(
  least: number,
  most: number,
  fallback: number,
  doc: string,
  unit?: string,
): Field<number, number> {
  const type = `integer, ${least} to ${most}`
  const right = `a whole number from ${least} to ${most}`
  return field(integer(least, most), fallback, unit === undefined ? { doc, type, right } : { doc, type, right, unit })
}

export function yesOrNo(): v.GenericSchema<boolean, boolean> {
  return v.boolean('is neither true nor false')
}

/** One of a few words. */
export function oneOf<const Words extends readonly string[]>(
  words: Words,
): v.GenericSchema<Words[number], Words[number]> {
  return v.picklist(words, 'is not one of the words known here')
}

export function text(): v.GenericSchema<string, string> {
  return v.string('is not a string')
}

const HOST_NAME = /^(?=.{1,253}$)(?!-)[A-Za-z0-9-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*$/

export function hostName(): v.GenericSchema<string, string> {
  return v.pipe(v.string('is not a string'), v.regex(HOST_NAME, 'is not a host name'))
}

const UNITS: Readonly<Record<string, number>> = { B: 1, KB: 1024, MB: 1024 ** 2, GB: 1024 ** 3 }

/** Octets; `KB` is 1,024 of them. `undefined` when it is no size. */
export function parseSize(written: string): number | undefined {
  const match = /^(\d{1,12})\s*(B|KB|MB|GB)$/i.exec(written.trim())
  const unit = UNITS[match?.[2]?.toUpperCase() ?? '']
  if (match === null || unit === undefined) return undefined
  const octets = Number(match[1]) * unit
  return Number.isSafeInteger(octets) ? octets : undefined
}

/** A number of octets with its unit: "50MB". */
export function size(least: string, most: string): v.GenericSchema<string, number> {
  return v.pipe(
    v.string('is not a string with a unit'),
    v.check((written) => parseSize(written) !== undefined, 'is not a size'),
    v.transform((written) => parseSize(written) ?? 0),
    v.check((octets) => octets >= (parseSize(least) ?? 0), `is less than ${least}`),
    v.check((octets) => octets <= (parseSize(most) ?? 0), `is more than ${most}`),
  )
}

/** A number of octets with its unit, or "auto": `undefined`. */
export function sizeOrAuto(least: string, most: string): v.GenericSchema<string, number | undefined> {
  const fixed = size(least, most)
  return v.union(
    [
      v.pipe(
        v.literal('auto'),
        v.transform(() => undefined),
      ),
      fixed,
    ],
    'is neither "auto" nor a size within bounds',
  )
}

/** `host:port`, an IPv6 host in brackets; `undefined` when it is not. */
export function parseListenAddress(written: string): ListenAddress | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+(?:%[\w.-]+)?)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/.exec(written)
  if (match === null) return undefined
  const [, v6, other, digits] = match
  const port = Number(digits)
  if (port > 65_535) return undefined
  if (v6 !== undefined) return isIP(v6) === 6 ? { host: v6, port } : undefined
  if (other === undefined || (/^[\d.]+$/.test(other) && isIP(other) !== 4)) return undefined
  return { host: other, port }
}

/** A list of `host:port`. */
export function listenAddresses(): v.GenericSchema<string[], ListenAddress[]> {
  return v.array(
    v.pipe(
      v.string('is not a string'),
      v.check((written) => parseListenAddress(written) !== undefined, 'is not "host:port"'),
      v.transform((written) => parseListenAddress(written) ?? { host: '', port: 0 }),
    ),
    'is not a list',
  )
}

/** A list of addresses and networks. */
export function networks(): v.GenericSchema<string[], Network[]> {
  return v.array(
    v.pipe(
      v.string('is not a string'),
      v.check((written) => parseNetwork(written) !== undefined, 'is not an IP address or network'),
      v.transform((written) => parseNetwork(written) ?? { address: '', prefix: 0, family: 'ipv4' as const }),
    ),
    'is not a list',
  )
}
