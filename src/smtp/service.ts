/**
 * SMTP and LMTP sessions on the `smtp-server` engine (design §11): port 25 for local domains, submission with AUTH,
 * and LMTP with one answer a recipient (RFC 5321, RFC 6409, RFC 2033).
 *
 * Invariants: 250 after DATA is sent only when the message is on disk for everyone it answers for; only who is logged in
 * names recipients on other servers, others reach them by aliases of ours alone; a recipient is answered before DATA whenever what is known by then suffices.
 * @module
 */
import type { Socket } from 'node:net'
import type { SMTPServer as Engine, SMTPServerAddress, SMTPServerDataStream, SMTPServerSession } from 'smtp-server'
import { IncomingMessage } from '#services/delivery.ts'
import { checksLogged, type InboundChecks } from '#services/inbound-checks.ts'
import { queuedRecipient } from '#services/local-delivery.ts'
import { MOST_WAYS, waysOf } from '#services/outgoing.ts'
import type { Login, SessionOrder } from '#services/registry.ts'
import type { SessionDeps } from '#services/session-deps.ts'
import { foreignSender, NO_POLICY } from '#services/submission.ts'
import { listedMechanisms } from '#wire/sasl/server.ts'
import { authenticateOver, mechanismsOf } from './authentication.ts'
import { MalleSmtpConnection } from './connection.ts'
import { type Conversation, checkLimit, deliveryOptions, type SmtpServiceOptions } from './conversation.ts'
import { NO_ENVELOPE_DSN } from './dsn-parameters.ts'
import { SMTPServer } from './engine.ts'
import { isExpanded, notifyOf, originalRecipientOf } from './outgoing-dsn.ts'
import { readAll } from './read-message.ts'
import {
  connectionRefused,
  deliveryRefused,
  recipientRefused,
  SmtpRefusal,
  submissionRefused,
  TOO_MANY_WAYS,
} from './replies.ts'
import { resultsOf } from './results.ts'
import { announcedSize, loginOf, originOf, unmapped } from './session-facts.ts'
import { type EnvelopeRecipient, reportSuccess } from './success-report.ts'

export type { SmtpRole, SmtpServiceOptions } from './conversation.ts'

/** RFC 5321 §4.5.3.2.7. */
const COMMAND_TIMEOUT_MS = 300_000
const MOST_RECIPIENTS = 1_000
const CLOSE_GRACE_MS = 10_000

type Callback = (error?: Error | null) => void

/** Speaks SMTP or LMTP on sockets that someone else accepted. */
export class SmtpService implements AsyncDisposable {
  readonly #deps: SessionDeps
  readonly #options: SmtpServiceOptions
  readonly #plain: Engine
  readonly #secure: Engine
  readonly #conversations = new Map<string, Conversation>()
  readonly #connections = new Map<string, MalleSmtpConnection>()
  readonly #inFlight = new Set<Promise<void>>()

  constructor(deps: SessionDeps, options: SmtpServiceOptions) {
    this.#deps = deps
    this.#options = options
    this.#plain = this.#engine(false)
    this.#secure = this.#engine(true)
  }

  /** Owns the socket from now on. `secure`: a `TLSSocket` whose handshake is done. */
  accept(socket: Socket, { secure }: { readonly secure: boolean }): void {
    const engine = secure ? this.#secure : this.#plain
    const id = this.#deps.newConnectionId()
    const connection = new MalleSmtpConnection(engine, socket, {
      id,
      remoteAddress: unmapped(socket.remoteAddress ?? ''),
    })
    connection.waitsForEarlyTalkers = this.#options.role === 'mx'
    if (this.#options.role === 'submission') {
      connection.notifies = true
      connection.now = () => this.#deps.clock.now()
      connection.holdSeconds = this.#deps.outbox === undefined ? 0 : (this.#deps.submission?.holdSeconds ?? 0)
      connection.mechanisms = () => mechanismsOf(this.#deps, connection)
      connection.listedMechanisms = () =>
        listedMechanisms(mechanismsOf(this.#deps, connection), this.#deps.scramForPasswords)
      connection.authenticate = (over, mechanism, initial) => authenticateOver(this.#deps, over, mechanism, initial)
    }
    connection.on('error', (error: Error) =>
      this.#deps.log.debug({ connection: id, error: error.message }, 'connection failed'),
    )
    this.#connections.set(id, connection)
    engine.connections.add(connection)
    connection.init()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const deadline = AbortSignal.timeout(CLOSE_GRACE_MS)
    await Promise.race([
      Promise.allSettled(this.#inFlight),
      new Promise((resolve) => deadline.addEventListener('abort', resolve, { once: true })),
    ])
    for (const connection of this.#connections.values()) {
      connection.send(421, '4.3.2 Server is stopping, try again later')
      connection.close()
    }
  }

  #engine(secure: boolean): Engine {
    const { hostname, limits, tls, allowPlaintext } = this.#deps
    const { role } = this.#options
    const disabled = ['XCLIENT', 'XFORWARD', 'WIZ', 'SHELL', 'KILL']
    if (role !== 'submission') disabled.push('AUTH')
    if (secure || tls.context(undefined) === undefined) disabled.push('STARTTLS')
    const server = new SMTPServer({
      name: hostname,
      banner: 'Malle',
      heloResponse: '%s',
      lmtp: role === 'lmtp',
      secure,
      size: limits.messageBytes,
      hideENHANCEDSTATUSCODES: false,
      // Senders elsewhere cannot be told: without DSN here, the server that hands a message over tells them it did
      // (RFC 3461 §5.2.2).
      hideDSN: role !== 'submission',
      authRequiredMessage: '5.7.0 Authentication required',
      allowInsecureAuth: allowPlaintext,
      disabledCommands: disabled,
      disableReverseLookup: true,
      socketTimeout: COMMAND_TIMEOUT_MS,
      maxRecipients: MOST_RECIPIENTS,
      minVersion: 'TLSv1.2',
      logger: false,
      SNICallback: (name, callback) => callback(null, tls.context(name)),
      onConnect: (session, callback) => void settle(this.#opened(session, secure), callback),
      onSecure: (_socket, session, callback) => {
        this.#deps.registry.note(session.id, { secure: true })
        callback()
      },
      onMailFrom: (address, session, callback) => void settle(this.#mailFrom(address, session), callback),
      onRcptTo: (address, session, callback) => void settle(this.#recipient(address, session), callback),
      onData: (stream, session, callback) => {
        const work = this.#data(stream, session).then(
          (replies) => callback(null, replies),
          (error: unknown) => callback(this.#fault(error, session)),
        )
        this.#inFlight.add(work)
        void work.finally(() => this.#inFlight.delete(work))
      },
      onClose: (session) => this.#closed(session),
    })
    // The default context is asked for at each STARTTLS, so that SIGHUP's new certificate counts at once.
    const contexts = server.secureContext
    server.secureContext = Object.assign(new Map(contexts), {
      get: (name: string) => tls.context(name === '*' ? undefined : name) ?? contexts.get('*'),
    })
    // Asked for at each STARTTLS too; the engine tells what became of it in `authorized`, as our own handshake does.
    if (role === 'submission') {
      Object.defineProperties(server.options, {
        requestCert: { get: () => tls.requestsCertificate === true, enumerable: true },
        rejectUnauthorized: { value: false, enumerable: true },
      })
    }
    server.on('error', (error) => this.#deps.log.debug({ error: error.message }, 'smtp engine reported an error'))
    return server
  }

  async #opened(session: SMTPServerSession, secure: boolean): Promise<void> {
    const connection = this.#connections.get(session.id)
    const info = {
      id: session.id,
      protocol: this.#options.role === 'mx' ? 'smtp' : this.#options.role,
      remoteAddress: session.remoteAddress,
      remotePort: session.remotePort,
      localPort: session.localPort,
      secure,
      since: this.#deps.clock.now(),
    } as const
    const admitted = await this.#deps.registry.connect(info, (order) => this.#obey(order, connection))
    if (!admitted.ok) throw connectionRefused(admitted.error)
    this.#conversations.set(session.id, {
      id: session.id,
      recipients: new Map(),
      ways: new Set(),
      terms: undefined,
      notBefore: undefined,
      dsn: NO_ENVELOPE_DSN,
    })
    this.#deps.log.info(
      { connection: session.id, protocol: info.protocol, remote: info.remoteAddress, secure },
      'connected',
    )
  }

  #obey(order: SessionOrder, connection: MalleSmtpConnection | undefined): void {
    if (order.kind !== 'close' || connection === undefined) return
    connection.send(421, '4.3.2 Closing the connection')
    connection.close()
  }

  #closed(session: SMTPServerSession): void {
    this.#connections.delete(session.id)
    if (!this.#conversations.delete(session.id)) return
    this.#deps.registry.disconnect(session.id)
    this.#deps.log.info({ connection: session.id }, 'disconnected')
  }

  async #mailFrom({ address }: SMTPServerAddress, session: SMTPServerSession): Promise<void> {
    const conversation = this.#conversation(session)
    const login = this.#submitter(session)
    const { registry, submission: policy = NO_POLICY } = this.#deps
    conversation.terms = login && (await registry.sendingTerms(session.id))
    checkLimit(conversation, 'messages')
    if (login !== undefined && address !== '') {
      const refusal = await foreignSender({ registry }, { connection: session.id, login, policy }, [address])
      if (refusal !== undefined) throw submissionRefused(refusal)
    }
    conversation.recipients.clear()
    conversation.ways = new Set()
    conversation.notBefore = this.#connections.get(session.id)?.notBefore
    conversation.dsn = this.#connections.get(session.id)?.envelopeDsn ?? NO_ENVELOPE_DSN
  }

  async #recipient({ address }: SMTPServerAddress, session: SMTPServerSession): Promise<void> {
    const { registry, store, outbox } = this.#deps
    const own = outbox !== undefined && this.#submitter(session) !== undefined
    const resolved = await registry.resolve(address, own ? 'own' : 'anyone')
    if (!resolved.ok) throw recipientRefused(resolved.error, this.#options.role)
    const { local, outside } = resolved.value
    checkLimit(this.#conversation(session), 'recipients')
    if (outside.length > 0 && outbox === undefined) throw recipientRefused({ kind: 'not-local' }, this.#options.role)
    const checks = this.#checksOf(session)
    const refusal = checks?.asksAtRecipient
      ? await checks.recipient({ ...originOf(session, ''), recipient: address })
      : undefined
    if (refusal !== undefined) {
      const { code, text } = refusal
      this.#deps.log.info({ connection: session.id, recipient: address, reply: `${code} ${text}` }, 'recipient refused')
      throw new SmtpRefusal(code, text)
    }
    const announced = announcedSize(session)
    for (const { account, limitBytes } of local) {
      if (limitBytes === undefined) continue
      const state = await store.state(account)
      const limit = state?.limits.storageBytes
      if (state === undefined || limit === undefined) continue
      if (state.usage.storageBytes + Math.max(announced, 1) > limit) {
        throw deliveryRefused({ kind: 'over-quota', resource: 'storage', limit })
      }
    }
    const dsn = this.#connections.get(session.id)?.recipientDsn
    const conversation = this.#conversation(session)
    const resolvedTo = { address, targets: local, outside }
    const ends = conversation.notBefore === undefined ? resolvedTo : queuedRecipient(resolvedTo)
    const recipient = {
      ...ends,
      dsn,
      notify: notifyOf(dsn, isExpanded(ends)),
      originalRecipient: originalRecipientOf(dsn),
    }
    const ways = conversation.ways.union(waysOf(recipient))
    if (ways.size > MOST_WAYS) throw new SmtpRefusal(452, TOO_MANY_WAYS)
    conversation.ways = ways
    conversation.recipients.set(address.toLowerCase(), recipient)
  }

  /** The replies to DATA: one for LMTP's each recipient, else one for all. */
  async #data(stream: SMTPServerDataStream, session: SMTPServerSession): Promise<(string | Error)[]> {
    const { log, clock, store, hostname } = this.#deps
    const { role } = this.#options
    const recipients = this.#recipientsOf(session)
    const id = `${session.id}.${session.transaction}`
    const checks = this.#checksOf(session)
    const origin = { ...originOf(session, id), hidden: this.#hides(session) }
    const options = deliveryOptions(this.#deps, this.#options, this.#conversation(session), session, origin)
    const message = new IncomingMessage({ store, clock, hostname, checks }, origin, recipients, options)
    try {
      await readAll(stream, message)
    } catch (error) {
      // The client went away in mid-message: nothing stays behind.
      await message.abandon()
      throw error
    }
    const outcomes = await message.finish()
    const login = loginOf(session)
    for (const [index, result] of resultsOf(outcomes, message.recipients, role !== 'lmtp').entries()) {
      log.info(
        {
          connection: session.id,
          message: id,
          recipient: recipients[index]?.address,
          account: login?.address,
          size: message.size,
          ...(message.verdict && checksLogged(message.verdict)),
          ...(message.copy && { sentCopy: message.copy }),
          ...(message.keptBefore > 0 && { keptBefore: message.keptBefore }),
          result,
        },
        'message in',
      )
    }
    const replies = outcomes.map((outcome) => (outcome.ok ? `2.0.0 Kept as ${id}` : deliveryRefused(outcome.error)))
    if (role === 'lmtp') return replies
    const refusal = replies.find((reply) => reply instanceof SmtpRefusal)
    if (refusal !== undefined) throw refusal
    await reportSuccess(this.#deps, {
      connection: session.id,
      id,
      sender: origin.sender,
      envelopeId: this.#conversation(session).dsn.envelopeId,
      header: message.header,
      // of those that are held the queue tells
      recipients: recipients.filter((one, index) => message.recipients[index] === one),
      login: login?.address,
    })
    return replies.slice(0, 1)
  }

  /** Mail from our own people and from an MTA in front of us has been looked at. */
  #checksOf({ remoteAddress }: SMTPServerSession): InboundChecks | undefined {
    const { checks } = this.#deps
    return this.#options.role === 'mx' && checks?.concerns(unmapped(remoteAddress)) === true ? checks : undefined
  }

  /** Who is logged in to send; `undefined` where mail comes from others. */
  #submitter(session: SMTPServerSession): Login | undefined {
    return this.#options.role === 'submission' ? loginOf(session) : undefined
  }

  #hides(session: SMTPServerSession): boolean {
    return this.#deps.submission?.hideClient === true && this.#submitter(session) !== undefined
  }

  #recipientsOf(session: SMTPServerSession): EnvelopeRecipient[] {
    const { recipients } = this.#conversation(session)
    return session.envelope.rcptTo.map(({ address }) => {
      const recipient = recipients.get(address.toLowerCase())
      if (recipient === undefined) throw new Error(`No record of the recipient ${address}`)
      return recipient
    })
  }

  #conversation(session: SMTPServerSession): Conversation {
    const conversation = this.#conversations.get(session.id)
    if (conversation === undefined) throw new SmtpRefusal(421, '4.3.2 Closing the connection')
    return conversation
  }

  #fault(error: unknown, session: SMTPServerSession): Error {
    if (error instanceof SmtpRefusal) return error
    // the peer is gone: nothing of ours is broken, and nobody hears the reply
    if (error instanceof Error && 'code' in error && error.code === 'ECONNECTION') return error
    this.#deps.log.error({ connection: session.id, error }, 'message could not be taken')
    return new SmtpRefusal(451, '4.3.0 The message cannot be taken now, try again later')
  }
}

/** Calls back with what became of the work. */
async function settle(work: Promise<void>, callback: Callback): Promise<void> {
  try {
    await work
  } catch (error) {
    callback(error instanceof Error ? error : new Error(String(error)))
    return
  }
  callback()
}
