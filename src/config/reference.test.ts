import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { parse } from 'smol-toml'
import { parseConfig } from './load.ts'
import { annotatedSample, configurationPage } from './reference.ts'
import { checkConfig, reference } from './schema.ts'

const docs = path.join(import.meta.dirname, '..', '..', 'docs')

for (const [file, generated] of [
  ['configuration.md', configurationPage()],
  ['malle.sample.toml', annotatedSample()],
] as const)
  test(`docs/${file} is what the schema says (else run \`node scripts/config-docs.ts\`)`, () =>
    assert.equal(readFileSync(path.join(docs, file), 'utf8'), generated))

test('the sample is a configuration, and its comments are the defaults', () => {
  const sample = annotatedSample()
  const loaded = parseConfig(sample, 'sample', { cores: 4, platform: 'linux' })
  assert.ok(loaded.ok)
  assert.deepEqual(loaded.value.listen.imaps, [{ host: '::', port: 993 }])
  const everything = parseConfig(sample.replace(/^# /gm, ''), 'sample', { cores: 4, platform: 'linux' })
  assert.deepEqual(everything, loaded)
})

test('every field has a sentence, a type, and advice for mistakes', () => {
  for (const { name, doc, fields } of reference()) {
    assert.match(doc, /\.$/, name)
    for (const field of fields) {
      assert.match(field.doc, /^.*[.)]$/, field.key)
      assert.doesNotMatch(field.doc, /\|/)
      assert.ok(field.type.length > 0 && field.right.length > 0, field.key)
    }
  }
})

test('every default passes its own check', () => {
  const all: Record<string, unknown> = { hostname: 'mail.example.org' }
  for (const { name, fields } of reference()) {
    const values = Object.fromEntries(
      fields.flatMap((field) => (field.fallback === undefined ? [] : [[field.key, field.fallback]])),
    )
    if (name === '') Object.assign(all, values)
    else {
      const [section = '', inner] = name.split('.')
      if (inner === undefined) all[section] = values
      else all[section] = { ...(all[section] as object), [inner]: values }
    }
  }
  assert.deepEqual(checkConfig(all), checkConfig({ hostname: 'mail.example.org' }))
  assert.ok(parse(annotatedSample()))
})
