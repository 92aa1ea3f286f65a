/** Every link in the documentation leads somewhere, and every page is in its index. @module */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'

const root = path.join(import.meta.dirname, '..')
const docs = path.join(root, 'docs')
const pages = readdirSync(docs, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.md'))
  .map((name) => path.join(docs, name))

/** Files that a page links to, its own anchors apart. */
function linked(page: string): readonly string[] {
  const targets = Array.from(readFileSync(page, 'utf8').matchAll(/\]\(([^)#\s]+)[^)]*\)/g), ([, target = '']) => target)
  return targets.filter((target) => !/^\w+:/.test(target)).map((target) => path.join(path.dirname(page), target))
}

test('links in the documentation lead to files that are there', () => {
  const all = [...pages, ...['README.md', 'README.fr.md', 'CHANGELOG.md'].map((name) => path.join(root, name))]
  const links = all.flatMap((page) => linked(page).map((target) => [path.relative(root, page), target] as const))
  assert.ok(links.length > 100, String(links.length))
  assert.deepEqual(
    links.filter(([, target]) => !existsSync(target)),
    [],
  )
})

test('docs/README.md names every page', () => {
  const index = path.join(docs, 'README.md')
  const named = new Set(linked(index))
  assert.deepEqual(
    pages.filter((page) => page !== index && !named.has(page)),
    [],
  )
})
