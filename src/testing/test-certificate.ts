/** A certificate for tests, and the authority that signed it. @module */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createSecureContext, type SecureContext } from 'node:tls'
import { selfMadeCertificate } from '#server/self-made-certificate.ts'

export interface TestCertificate extends AsyncDisposable {
  readonly context: SecureContext
  /** Path of the authority's certificate. */
  readonly ca: string
}

export async function testCertificate(names: readonly string[]): Promise<TestCertificate> {
  const folder = await mkdtemp(path.join(tmpdir(), 'malle-certificate-'))
  const made = await selfMadeCertificate(folder, [...names])
  return {
    context: createSecureContext({ cert: await readFile(made.cert), key: await readFile(made.key) }),
    ca: made.ca,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  }
}
