/** Files that people write for a command: TOML of a given form. @module */
import { parse, TomlError } from 'smol-toml'
import * as v from 'valibot'
import { EXIT } from '#lib/exit-codes.ts'
import { CliError } from './cli-error.ts'
import { readText } from './options.ts'

/** What the file says. @throws {CliError} naming the line, or every key that is wrong. */
export async function readToml<S extends v.GenericSchema>(file: string, schema: S): Promise<v.InferOutput<S>> {
  const checked = v.safeParse(schema, parsed(file, await readText(file)))
  if (checked.success) return checked.output
  const mistakes = checked.issues.map(({ message, path }) => {
    const key = (path ?? []).map(({ key: one }) => String(one)).join('.')
    return `${file}: ${key}: ${message}`
  })
  throw new CliError(EXIT.configuration, mistakes.join('\n'))
}

function parsed(file: string, text: string): unknown {
  try {
    return parse(text)
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    throw new CliError(EXIT.configuration, `${file}:${error.line}: ${error.message.split('\n')[0]}`)
  }
}
