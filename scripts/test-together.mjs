import path from 'node:path'
import { after, suite } from 'node:test'
import { pathToFileURL } from 'node:url'

/**
 * Runs test files in this one process, each as a suite of its name: its hooks are its own, and where it cannot be
 * loaded it fails alone. What a process costs to begin is paid once; scripts/test.cjs says for which files.
 */
export function together(files) {
  let ended = false
  after(() => {
    ended = true
  })
  // A test that ends the process would take those behind it along, unseen.
  process.on('exit', () => {
    if (ended) return
    process.stderr.write('The process ended before all of its tests had run.\n')
    process.exitCode = 1
  })
  for (const file of files) {
    suite(path.relative('', file), async () => {
      await import(pathToFileURL(file).href)
    })
  }
}
