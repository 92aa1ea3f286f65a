/** Data of a newer release: every command refuses it in one sentence, and changes nothing. @module */
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { suite, test } from 'node:test'
import { VERSION } from '#lib/version.ts'
import { malle, Place } from './cli-process.ts'

const STORE = 'store/shard-00/index.db'
const NEWER = 4_711

async function newer(database: string): Promise<Place> {
  const place = await Place.make()
  await place.ok(['domain', 'add', 'example.org'])
  await place.ok(['account', 'add', 'ann@example.org', '--no-password'])
  assert.equal(await readFile(path.join(place.data, 'version'), 'utf8'), `${VERSION}\n`)
  const db = new DatabaseSync(path.join(place.data, database))
  db.exec(`PRAGMA user_version = ${NEWER}`)
  db.close()
  return place
}

suite('data of a newer Malle', { concurrency: 2 }, () => {
  test('every verb and serve refuse the store in one sentence that names the release', async () => {
    await using place = await newer(STORE)
    await writeFile(path.join(place.data, 'version'), '97.1.0\n')
    const verbs = [
      ['serve'],
      ['check'],
      ['compact'],
      ['account', 'list'],
      ['account', 'add', 'bob@example.org', '--no-password'],
      ['import', 'ann@example.org', place.config],
    ]
    for (const verb of verbs) {
      const { code, stdout, stderr } = await malle([...verb, '--config', place.config])
      const file = path.join(place.data, STORE)
      assert.match(
        stderr,
        new RegExp(
          `^malle: Malle 97\\.1\\.0 wrote ${file} \\(format 4711\\), and this is Malle ${VERSION}, which reads formats up to \\d+\\. Nothing was changed\\. Run Malle 97\\.1\\.0 or newer, or give this one a copy made before the upgrade\\.\n$`,
        ),
        verb.join(' '),
      )
      assert.deepEqual([code, stdout], [78, ''], verb.join(' '))
    }
    assert.equal(await readFile(path.join(place.data, 'version'), 'utf8'), '97.1.0\n')
    const french = await malle(['serve', '--config', place.config], { env: { LC_ALL: 'fr_FR.UTF-8' } })
    assert.match(
      french.stderr,
      /^malle: Malle 97\.1\.0 a écrit .*Utilisez Malle 97\.1\.0 ou plus récent, ou donnez .*\.\n$/,
    )
    assert.equal(french.code, 78)
  })

  test('so they do with the directory, also when nobody knows which release it was', async () => {
    await using place = await newer('directory.db')
    for (const verb of [['serve'], ['account', 'list']]) {
      const { code, stderr } = await malle([...verb, '--config', place.config])
      assert.match(
        stderr,
        /^malle: A newer Malle wrote .*directory\.db \(format 4711\).* Run the newer release, or .*\n$/,
      )
      assert.equal(stderr.split('\n').length, 2)
      assert.equal(code, 78)
    }
  })
})
