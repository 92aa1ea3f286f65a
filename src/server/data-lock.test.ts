import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { DataInUse, lockData } from './data-lock.ts'

test('a data directory is taken by one process at a time', async () => {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'malle-lock-'))
  try {
    const lock = await lockData(directory)
    await assert.rejects(lockData(directory), DataInUse)
    const other = `import { lockData } from '${import.meta.resolve('./data-lock.ts')}'
      await lockData(process.argv[1]).then(() => console.log('taken'), (error) => console.log(error.constructor.name))`
    const run = () => promisify(execFile)(process.execPath, ['--input-type=module', '-e', other, directory])
    assert.equal((await run()).stdout.trim(), 'DataInUse')
    lock[Symbol.dispose]()
    assert.equal((await run()).stdout.trim(), 'taken')
    ;(await lockData(directory))[Symbol.dispose]()
  } finally {
    await rm(directory, { recursive: true })
  }
})
