import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileNameOf } from './mail-file-name.ts'

for (const [written, name] of [
  ['plan.pdf', 'plan.pdf'],
  ['../../etc/passwd', 'passwd'],
  ['..\\..\\boot.ini', 'boot.ini'],
  ['/', 'attachment-2.pdf'],
  ['..', 'attachment-2.pdf'],
  [undefined, 'attachment-2.pdf'],
  ['.bashrc', 'bashrc'],
  ['a\u0000b\u001b[2J\n.txt', 'a b [2J .txt'],
  ['photo\u202egnp.exe', 'photognp.exe'],
  ['CON', '_CON'],
  ['nul.txt', '_nul.txt'],
  ['-rf', '_-rf'],
  ['a:b?.txt', 'a_b_.txt'],
  ['été 東京.pdf', 'été 東京.pdf'],
] as const)
  test(`fileNameOf() makes ${JSON.stringify(written)} ${name}`, () =>
    assert.equal(fileNameOf(written, 'application/pdf', '2'), name))

test('fileNameOf() keeps the extension of a name that is too long', () => {
  const name = fileNameOf(`${'東'.repeat(200)}.pdf`, 'application/pdf', '2')
  assert.ok(Buffer.byteLength(name) <= 200)
  assert.match(name, /^東+\.pdf$/)
})
