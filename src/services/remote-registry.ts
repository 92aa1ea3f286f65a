/**
 * The registry from another thread, over a MessagePort. Calls are answered by number; calls that have no answer have
 * none; all arrive in the order in which they were made. What is said in one turn of the loop travels in one message, as
 * each wakes the thread that it goes to.
 * @module
 */
import type { MessagePort } from 'node:worker_threads'
import type { Result } from '#lib/result.ts'
import type { AccountId, MailboxKey } from '#mail/ids.ts'
import type { HoldReason } from '#store/queue.ts'
import type { AccountRef, QuotaLimits } from '#store/types.ts'
import type {
  Asker,
  CertificateAttempt,
  ConnectionId,
  ConnectionInfo,
  ConnectionNote,
  ConnectionRefusal,
  Login,
  LoginRefusal,
  MaildropRefusal,
  PasswordAttempt,
  Pop3Announcement,
  Pop3Terms,
  QuotaRefusal,
  RecipientRefusal,
  Registry,
  Resolution,
  ScramAttempt,
  ScramOutcome,
  ScramSecrets,
  SendingCount,
  SendingRefusal,
  SendingTerms,
  SessionOrder,
  TokenAttempt,
} from './registry.ts'

type Asking =
  | 'connect'
  | 'login'
  | 'scramStart'
  | 'scramFinish'
  | 'loginByToken'
  | 'loginByCertificate'
  | 'lockMaildrop'
  | 'pop3Announcement'
  | 'quotaOf'
  | 'addressesOf'
  | 'ownAddresses'
  | 'sendingTerms'
  | 'countSending'
  | 'uncountSending'
  | 'resolve'
type Telling = 'note' | 'disconnect' | 'unlockMaildrop'
/** Arguments that cross; the listener of `connect` stays behind. */
type Crossing<M extends keyof Registry> = M extends 'connect' ? [ConnectionInfo] : Parameters<Registry[M]>

type Question = { [M in Asking]: readonly [M, number, ...Crossing<M>] }[Asking]
type Notice = { [M in Telling]: readonly [M, ...Crossing<M>] }[Telling]
/** What a protocol thread sends, gathered in one turn of its loop; private to this module's two ends. */
export type FromSession = readonly (Question | Notice)[]
type Said =
  | readonly ['answer', number, unknown]
  | readonly ['fault', number, string]
  | readonly ['order', ConnectionId, SessionOrder]
type ToSession = readonly Said[]

/** How long a note for `session list` waits for something else that goes the same way. */
const NOTE_MS = 20

/** Sends together what is said in one turn of the loop. */
class Gathered<T> {
  readonly #send: (all: readonly T[]) => void
  #all: T[] = []
  #sending = false
  #waiting: NodeJS.Timeout | undefined

  constructor(send: (all: readonly T[]) => void) {
    this.#send = send
  }

  add(item: T): void {
    this.#all.push(item)
    if (this.#sending) return
    this.#sending = true
    setImmediate(() => this.#flush())
  }

  /** What is in no hurry. */
  addForLater(item: T): void {
    this.#all.push(item)
    if (!this.#sending) this.#waiting ??= setTimeout(() => this.#flush(), NOTE_MS)
  }

  #flush(): void {
    clearTimeout(this.#waiting)
    this.#waiting = undefined
    this.#sending = false
    const all = this.#all
    this.#all = []
    if (all.length > 0) this.#send(all)
  }
}

/** What is needed of a `MessagePort` or `Worker`. */
export interface RegistryPort {
  postMessage(message: unknown): void
  on(event: 'message', listener: (message: FromSession) => void): unknown
  on(event: 'close' | 'exit', listener: () => void): unknown
  off(event: 'message', listener: (message: FromSession) => void): unknown
  off(event: 'close' | 'exit', listener: () => void): unknown
}

/**
 * Serves a registry to one thread. When the thread ends, what its connections held is freed.
 * @returns Ends it.
 */
export function serveRegistry(registry: Registry, port: RegistryPort): () => void {
  const connections = new Set<ConnectionId>()
  const gathered = new Gathered<Said>((all) => port.postMessage(all satisfies ToSession))
  const post = (said: Said): void => gathered.add(said)

  async function connect(info: ConnectionInfo): Promise<Result<void, ConnectionRefusal>> {
    connections.add(info.id)
    const answer = await registry.connect(info, (order) => post(['order', info.id, order]))
    if (!answer.ok) connections.delete(info.id)
    return answer
  }

  function ask(question: Question): Promise<unknown> {
    switch (question[0]) {
      case 'connect':
        return connect(question[2])
      case 'login':
        return registry.login(question[2])
      case 'scramStart':
        return registry.scramStart(question[2])
      case 'scramFinish':
        return registry.scramFinish(question[2])
      case 'loginByToken':
        return registry.loginByToken(question[2])
      case 'loginByCertificate':
        return registry.loginByCertificate(question[2])
      case 'lockMaildrop':
        return registry.lockMaildrop(question[2], question[3], question[4])
      case 'pop3Announcement':
        return registry.pop3Announcement()
      case 'quotaOf':
        return registry.quotaOf(question[2], question[3], question[4])
      case 'addressesOf':
        return registry.addressesOf(question[2])
      case 'sendingTerms':
        return registry.sendingTerms(question[2])
      case 'countSending':
        return registry.countSending(question[2], question[3])
      case 'uncountSending':
        return registry.uncountSending(question[2], question[3])
      case 'ownAddresses':
        return registry.ownAddresses(question[2], question[3], question[4])
      case 'resolve':
        return registry.resolve(question[2], question[3])
    }
  }

  function onMessage(messages: FromSession): void {
    for (const message of messages) hear(message)
  }

  function hear(message: FromSession[number]): void {
    switch (message[0]) {
      case 'note':
        return registry.note(message[1], message[2])
      case 'disconnect':
        connections.delete(message[1])
        return registry.disconnect(message[1])
      case 'unlockMaildrop':
        return registry.unlockMaildrop(message[1], message[2])
      default: {
        const [, id] = message
        ask(message).then(
          (value) => post(['answer', id, value]),
          (error: unknown) => post(['fault', id, String(error)]),
        )
      }
    }
  }

  function end(): void {
    port.off('message', onMessage)
    port.off('close', end)
    port.off('exit', end)
    for (const id of connections) registry.disconnect(id)
    connections.clear()
  }

  port.on('message', onMessage)
  port.on('close', end)
  port.on('exit', end)
  return end
}

/** The registry of the main thread, asked from a protocol thread. Faults there are faults here. */
export class RemoteRegistry implements Registry {
  readonly #gathered: Gathered<Question | Notice>
  readonly #waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>()
  readonly #listeners = new Map<ConnectionId, (order: SessionOrder) => void>()
  #lastId = 0

  constructor(port: MessagePort) {
    this.#gathered = new Gathered((all) => port.postMessage(all satisfies FromSession))
    port.on('message', (messages: ToSession) => {
      for (const said of messages) this.#onMessage(said)
    })
    port.on('close', () => this.#onClose())
  }

  async connect(
    info: ConnectionInfo,
    listener: (order: SessionOrder) => void,
  ): Promise<Result<void, ConnectionRefusal>> {
    // before the answer, because orders may come right behind it
    this.#listeners.set(info.id, listener)
    const answer = await this.#ask<Result<void, ConnectionRefusal>>((id) => ['connect', id, info])
    if (!answer.ok) this.#listeners.delete(info.id)
    return answer
  }

  note(connection: ConnectionId, note: ConnectionNote): void {
    this.#gathered.addForLater(['note', connection, note])
  }

  disconnect(connection: ConnectionId): void {
    this.#listeners.delete(connection)
    this.#post(['disconnect', connection])
  }

  login(attempt: PasswordAttempt): Promise<Result<Login, LoginRefusal>> {
    return this.#ask((id) => ['login', id, attempt])
  }

  scramStart(attempt: ScramAttempt): Promise<Result<ScramSecrets, LoginRefusal>> {
    return this.#ask((id) => ['scramStart', id, attempt])
  }

  scramFinish(outcome: ScramOutcome): Promise<Result<Login, LoginRefusal>> {
    return this.#ask((id) => ['scramFinish', id, outcome])
  }

  loginByToken(attempt: TokenAttempt): Promise<Result<Login, LoginRefusal>> {
    return this.#ask((id) => ['loginByToken', id, attempt])
  }

  loginByCertificate(attempt: CertificateAttempt): Promise<Result<Login, LoginRefusal>> {
    return this.#ask((id) => ['loginByCertificate', id, attempt])
  }

  lockMaildrop(
    account: AccountId,
    connection: ConnectionId,
    mailbox?: MailboxKey,
  ): Promise<Result<Pop3Terms, MaildropRefusal>> {
    return this.#ask((id) => ['lockMaildrop', id, account, connection, mailbox])
  }

  pop3Announcement(): Promise<Pop3Announcement> {
    return this.#ask((id) => ['pop3Announcement', id])
  }

  unlockMaildrop(account: AccountId, connection: ConnectionId): void {
    this.#post(['unlockMaildrop', account, connection])
  }

  quotaOf(
    connection: ConnectionId,
    address: string,
    limits: QuotaLimits | undefined,
  ): Promise<Result<AccountRef, QuotaRefusal>> {
    return this.#ask((id) => ['quotaOf', id, connection, address, limits])
  }

  addressesOf(accounts: readonly AccountId[]): Promise<readonly (string | undefined)[]> {
    return this.#ask((id) => ['addressesOf', id, accounts])
  }

  sendingTerms(connection: ConnectionId): Promise<SendingTerms | undefined> {
    return this.#ask((id) => ['sendingTerms', id, connection])
  }

  countSending(
    connection: ConnectionId,
    message: SendingCount,
  ): Promise<Result<HoldReason | undefined, SendingRefusal>> {
    return this.#ask((id) => ['countSending', id, connection, message])
  }

  uncountSending(connection: ConnectionId, message: SendingCount): Promise<void> {
    return this.#ask((id) => ['uncountSending', id, connection, message])
  }

  ownAddresses(
    connection: ConnectionId,
    addresses: readonly string[],
    within: 'own' | 'domain',
  ): Promise<readonly boolean[]> {
    return this.#ask((id) => ['ownAddresses', id, connection, addresses, within])
  }

  resolve(address: string, asker?: Asker): Promise<Result<Resolution, RecipientRefusal>> {
    return this.#ask((id) => ['resolve', id, address, asker])
  }

  #post(message: Question | Notice): void {
    this.#gathered.add(message)
  }

  #ask<T>(question: (id: number) => Question): Promise<T> {
    this.#lastId += 1
    const id = this.#lastId
    return new Promise<T>((resolve, reject) => {
      // each method knows what its answer is; the port does not
      this.#waiting.set(id, { resolve: (value) => resolve(value as T), reject })
      this.#post(question(id))
    })
  }

  #onMessage(message: Said): void {
    const [kind, id, value] = message
    if (kind === 'order') {
      this.#listeners.get(id)?.(value)
      return
    }
    const waiter = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (kind === 'answer') waiter?.resolve(value)
    else waiter?.reject(new Error(`The registry failed: ${value}`))
  }

  #onClose(): void {
    for (const { reject } of this.#waiting.values()) reject(new Error('The registry is gone'))
    this.#waiting.clear()
    for (const listener of this.#listeners.values()) listener({ kind: 'close', why: 'stopping' })
    this.#listeners.clear()
  }
}
