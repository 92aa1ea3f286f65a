/** From the text of a file to a configuration, or to mistakes that say where, what, and what would be right. @module */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { parse, TomlError } from 'smol-toml'
import { done, type Result, refused } from '#lib/result.ts'
import type { Config } from './config.ts'
import { nearest } from './did-you-mean.ts'
import { lineOf } from './locate.ts'
import { type ConfigIssue, checkConfig, reference, type Surroundings } from './schema.ts'

/** Larger files are no configurations. */
const LARGEST_FILE = 256 * 1024

/** One mistake in a configuration file. */
export interface ConfigMistake {
  /** As it was asked for. */
  readonly file: string
  /** From 1; `undefined`: the file as a whole. */
  readonly line: number | undefined
  /** `limits.line`; empty when it is the syntax or the file. */
  readonly key: string
  /** What is wrong, as a sentence without a full stop. */
  readonly wrong: string
  /** What would be right, as a sentence without a full stop; may be empty. */
  readonly right: string
}

/** `malle.toml:12: limits.line "12" is not a size. Write …` */
export function formatMistake({ file, line, wrong, right }: ConfigMistake): string {
  const place = line === undefined ? file : `${file}:${line}`
  return right === '' ? `${place}: ${wrong}.` : `${place}: ${wrong}. ${right}.`
}

/** Reads a configuration file. Relative paths in it count from its folder. */
export async function loadConfig(
  file: string,
  surroundings: Partial<Omit<Surroundings, 'folder'>> = {},
): Promise<Result<Config, readonly ConfigMistake[]>> {
  const text = await readText(file)
  if (!text.ok) return refused([{ file, line: undefined, key: '', ...text.error }])
  return parseConfig(text.value, file, { ...surroundings, folder: path.dirname(path.resolve(file)) })
}

/** The same from its text; `file` is only named in mistakes. */
export function parseConfig(
  text: string,
  file: string,
  surroundings: Partial<Surroundings> = {},
): Result<Config, readonly ConfigMistake[]> {
  const table = parseToml(text)
  if (!table.ok) return refused([{ file, key: '', ...table.error }])
  const checked = checkConfig(table.value, surroundings)
  if (checked.ok) return done(checked.value)
  const mistakes = checked.error.map((issue) => explain(issue, table.value, text, file))
  return refused(mistakes.sort((a, b) => (a.line ?? 0) - (b.line ?? 0)))
}

interface Said {
  readonly wrong: string
  readonly right: string
}

async function readText(file: string): Promise<Result<string, Said>> {
  try {
    const bytes = await readFile(file)
    if (bytes.length > LARGEST_FILE) return refused({ wrong: 'The file is too large to be a configuration', right: '' })
    return done(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    if (error instanceof TypeError) return refused({ wrong: 'The file is not UTF-8', right: 'Save it as UTF-8 text' })
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT') return refused({ wrong: 'There is no such file', right: 'Name another one with --config' })
    if (code === 'EACCES') return refused({ wrong: 'You may not read this file', right: '' })
    if (code === 'EISDIR') return refused({ wrong: 'This is a folder', right: 'Name the file in it with --config' })
    throw error
  }
}

function parseToml(text: string): Result<Record<string, unknown>, Said & { readonly line: number | undefined }> {
  try {
    return done(parse(text, { unsafeKeyBehaviour: 'throw', maxDepth: 20 }))
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    const [first = ''] = error.message.split('\n')
    const why = first.replace(/^Invalid TOML document: /, '')
    return refused({
      line: error.line,
      wrong: `This is not TOML: ${why}`,
      right: 'Write key = value, strings in quotes',
    })
  }
}

function explain(issue: ConfigIssue, table: Record<string, unknown>, text: string, file: string): ConfigMistake {
  const key = formatKey(issue.path)
  // A key that is missing is looked for where its table begins.
  const line = lineOf(text, issue.kind === 'missing' ? issue.path.slice(0, -1) : issue.path)
  const shown = issue.kind === 'wrong' ? show(valueAt(table, issue.path)) : ''
  return { file, line, key, wrong: `${key}${shown} ${issue.wrong}`, right: whatIsRight(issue) }
}

function whatIsRight({ kind, path }: ConfigIssue): string {
  const sections = reference()
  // a section in a section has a name of two keys
  const deep = sections.some((one) => one.name === path.slice(0, 2).join('.'))
  const [first, second, ...rest] = deep ? [path.slice(0, 2).join('.'), ...path.slice(2)] : path
  const top = sections.find((section) => section.name === '')?.fields.map((one) => one.key) ?? []
  const names = sections.flatMap((section) => (section.name === '' ? [] : [section.name]))
  const section = sections.find((one) => one.name === first)
  const field =
    section === undefined
      ? sections[0]?.fields.find((one) => one.key === first)
      : section.fields.find((one) => one.key === second)
  if (field !== undefined && kind === 'wrong') return `Write ${field.right}`
  if (field !== undefined && kind === 'missing') {
    return rest.length > 0 ? `Write ${field.right}` : `Write ${field.key} = ${JSON.stringify(field.sample ?? '')}`
  }
  if (section !== undefined && second === undefined)
    return `Write [${section.name}] on a line of its own, keys below it`
  const wanted = String(section === undefined ? first : second)
  const near = nearest(wanted, section === undefined ? [...top, ...names] : section.fields.map((one) => one.key))
  if (near !== undefined) return `Perhaps you mean ${near}`
  const home = sections.find((one) => one.fields.some((candidate) => candidate.key === wanted))
  if (home !== undefined)
    return home.name === '' ? `It stands before the first [section]` : `It belongs in [${home.name}]`
  return section === undefined
    ? `Known are ${[...top, ...names].join(', ')}`
    : `Known in [${section.name}] are ${section.fields.map((one) => one.key).join(', ')}`
}

/** `tls.hosts[1].key`. */
function formatKey(keys: readonly (string | number)[]): string {
  let key = ''
  for (const one of keys) {
    if (typeof one === 'number') key += `[${one + 1}]`
    else key += (key === '' ? '' : '.') + (/^[\w-]+$/.test(one) ? one : JSON.stringify(one))
  }
  return key === '' ? 'The file' : key
}

function valueAt(table: unknown, keys: readonly (string | number)[]): unknown {
  let value = table
  for (const key of keys) {
    if (typeof value !== 'object' || value === null) return undefined
    value = (value as Record<string | number, unknown>)[key]
  }
  return value
}

/** A value short enough for a message; nothing of a table. */
function show(value: unknown): string {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return ''
  const text = JSON.stringify(value)
  return text.length > 60 ? ` ${text.slice(0, 57)}…` : ` ${text}`
}
