/**
 * Asks an authority for one certificate (RFC 8555 §7.4), in a thread of its own: the library and what it needs are 40 MB
 * that nobody uses for two months.
 * @module
 */
import { parentPort, workerData } from 'node:worker_threads'
import acme from 'acme-client'
import type { Challenge } from './challenges.ts'
import type { FromOrder, OrderRequest, ToOrder } from './order.ts'

const ANSWER_MS = 30_000
/** The authority is asked how it goes: after half a second, then less and less often. */
const ASKING = { backoffAttempts: 16, backoffMin: 500, backoffMax: 15_000 }

/** A name that was not shown to be ours. */
class NameFault extends Error {
  readonly names: readonly string[]

  constructor(names: readonly string[], message: string) {
    super(message)
    this.names = names
  }
}

const request = workerData as OrderRequest
const port = parentPort
if (port === null) throw new Error('This is a thread')
const tell = (message: FromOrder): void => port.postMessage(message)

/** The main thread shows it before the authority looks. */
async function show(challenge: Challenge): Promise<void> {
  const shown = new Promise<void>((resolve) => {
    port?.once('message', (_message: ToOrder) => resolve())
  })
  tell({ kind: 'show', challenge })
  await shown
}

async function order(): Promise<string> {
  acme.axios.defaults.timeout = ANSWER_MS
  if (request.ca !== undefined) {
    const { Agent } = await import('node:https')
    acme.axios.defaults.httpsAgent = new Agent({ ca: request.ca })
  }
  const client = new acme.Client({
    directoryUrl: request.directory,
    accountKey: request.accountKey,
    ...(request.account === undefined ? {} : { externalAccountBinding: request.account }),
    ...ASKING,
  })
  await account(client)
  const placed = await client.createOrder({
    identifiers: request.names.map((value) => ({ type: 'dns', value })),
  })
  // one after the other: what is shown is acknowledged in turn
  const faults: { readonly name: string; readonly why: string }[] = []
  for (const authorization of await client.getAuthorizations(placed)) {
    if (authorization.status === 'valid') continue
    try {
      await authorize(client, authorization)
    } catch (error) {
      const name = authorization.identifier.value
      faults.push({ name, why: error instanceof Error ? error.message : String(error) })
    }
  }
  if (faults.length > 0) {
    throw new NameFault(
      faults.map(({ name }) => name),
      faults.map(({ name, why }) => `${name}: ${why}`).join('; '),
    )
  }
  const [, csr] = await acme.crypto.createCsr({ altNames: [...request.names] }, request.key)
  return client.getCertificate(await client.finalizeOrder(placed, csr))
}

/** The account of our key, made where there is none yet (RFC 8555 §7.3.1). */
async function account(client: acme.Client): Promise<void> {
  const contact = request.email === undefined ? {} : { contact: [`mailto:${request.email}`] }
  try {
    await client.createAccount({ onlyReturnExisting: true })
  } catch {
    // authorities have different words for it; if it is something else, this fails too, and says what
    await client.createAccount({ termsOfServiceAgreed: true, ...contact })
    return
  }
  if (request.email !== undefined) await client.updateAccount(contact)
}

async function authorize(client: acme.Client, authorization: acme.Authorization): Promise<void> {
  // the library's types lack one of them
  const offered = new Map(authorization.challenges.map((one) => [String(one.type), one]))
  const type = request.challenges.find((one) => offered.has(one))
  const challenge = offered.get(type ?? '')
  if (type === undefined || challenge === undefined)
    throw new Error(`The authority offers none of ${request.challenges.join(', ')}`)
  const name = authorization.identifier.value
  const answer = await client.getChallengeKeyAuthorization(challenge)
  if (type === 'http-01') await show({ type, name, token: challenge.token, answer })
  else {
    const [key, cert] = await acme.crypto.createAlpnCertificate(authorization, answer, request.key)
    await show({ type, name, key: key.toString(), cert: cert.toString() })
  }
  await client.completeChallenge(challenge)
  await client.waitForValidStatus(challenge)
}

try {
  tell({ kind: 'done', chain: await order() })
} catch (error) {
  const reason = error instanceof Error ? error.message : String(error)
  tell({ kind: 'failed', reason, names: error instanceof NameFault ? error.names : [] })
}
port.close()
