/** docs/cli.md against the program: every command, every option, and no others. @module */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import type { Command } from 'commander'
import { programFor } from '#cli/program.ts'
import { EXIT } from '#lib/exit-codes.ts'
import { ROOT } from './cli-process.ts'

/** Said once for all commands. */
const COMMON = new Set(['--config', '--help'])
const text = readFileSync(path.join(ROOT, 'docs', 'cli.md'), 'utf8')

interface Documented {
  readonly name: string
  readonly command: Command
}

function verbs(command: Command, name: string): Documented[] {
  if (command.commands.length === 0) return [{ name, command }]
  return command.commands.flatMap((inner) => verbs(inner, `${name} ${inner.name()}`))
}

function optionsOf(command: Command): Set<string> {
  return new Set(command.options.flatMap(({ long }) => (long === undefined || long === null ? [] : [long])))
}

test('docs/cli.md has every command with every option, and no others', async () => {
  const sections = new Map(
    text.split(/^#{2,3} /m).map((section) => {
      const [title = '', ...rest] = section.split('\n')
      return [title, rest.join('\n')]
    }),
  )
  const program = await programFor(() => true)
  const all = verbs(program, 'malle')
  assert.ok(all.length > 20)
  assert.deepEqual(
    [...sections.keys()].filter((title) => title.startsWith('malle ')),
    [...sections.keys()].filter((title) => all.some(({ name }) => name === title)),
    'a section is about no command',
  )
  for (const { name, command } of all) {
    const section = sections.get(name)
    assert.ok(section !== undefined, `${name} has no section`)
    const synopsis = section
      .split('\n')
      .filter((line) => line.startsWith(`\`${name}`))
      .join(' ')
    assert.notEqual(synopsis, '', `${name} has no synopsis`)
    const written = new Set(synopsis.match(/--[a-z0-9-]+/g))
    const real = new Set([...optionsOf(command)].filter((option) => !COMMON.has(option)))
    assert.deepEqual(written, real, name)
    const words = synopsis.replaceAll(/\[?--\S*/g, '').match(/\b[A-Z]{2,}\b/g) ?? []
    const argumentCount = command.registeredArguments.length
    assert.ok(words.length >= argumentCount, `${name} takes ${argumentCount} arguments`)
  }
})

test('docs/cli.md has every exit code', () => {
  const written = [...text.matchAll(/^\| (\d+) \|/gm)].map(([, code]) => Number(code))
  assert.deepEqual(
    written,
    Object.values(EXIT).toSorted((a, b) => a - b),
  )
})

/** Every description of the program in a language, by command and option. */
function descriptions(language: string): ReadonlyMap<string, string> {
  const script = `
    import { programFor } from './src/cli/program.ts'
    const seen = []
    const walk = (command, name) => {
      seen.push([name, command.description()])
      for (const option of command.options) seen.push([name + ' ' + option.long, option.description])
      for (const inner of command.commands) walk(inner, name + ' ' + inner.name())
    }
    walk(await programFor(() => true), 'malle')
    console.log(JSON.stringify(seen))`
  const out = execFileSync(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: ROOT,
    env: { ...process.env, LC_ALL: language },
    encoding: 'utf8',
  })
  return new Map(JSON.parse(out) as [string, string][])
}

/** Words that only English has. */
const ENGLISH = /\b(?:the|of|from|with|what|this|read|show|only|and|an|it|is|are|may|all)\b/i

test('every text of the help is there in French', () => {
  const english = descriptions('C')
  const french = descriptions('fr_FR.UTF-8')
  assert.deepEqual([...french.keys()], [...english.keys()])
  for (const [name, said] of french) {
    assert.notEqual(said, '', `${name} has no description`)
    assert.notEqual(said, english.get(name), `${name} is not translated: ${said}`)
    // Options, columns and values are named as they are typed.
    assert.doesNotMatch(said.replaceAll(/--[a-z0-9-]+|\b[a-z]+-[a-z]+\b/g, ''), ENGLISH, name)
  }
})
