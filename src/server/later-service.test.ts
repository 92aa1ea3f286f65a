import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import type { Log } from '#services/session-deps.ts'
import { LaterService, type Service } from './later-service.ts'
import { type Acceptor, open } from './listeners.ts'

/** Sends back what it is sent. */
class Echo implements Service {
  readonly taken: Socket[] = []
  disposed = 0

  accept(socket: Socket): void {
    this.taken.push(socket)
    socket.pipe(socket)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.disposed += 1
    for (const socket of this.taken) socket.destroy()
  }
}

/** A listener for a service that is made when `made` settles. */
async function world(
  work: (world: {
    readonly later: LaterService
    readonly made: PromiseWithResolvers<Service>
    readonly port: number
    /** How often it was made. */
    readonly makings: () => number
    /** Sockets of the server. */
    readonly accepted: readonly Socket[]
    readonly errors: readonly unknown[]
  }) => Promise<void>,
): Promise<void> {
  const made = Promise.withResolvers<Service>()
  const errors: unknown[] = []
  const nothing = (): void => undefined
  const log: Log = { debug: nothing, info: nothing, warn: nothing, error: (fields) => errors.push(fields) }
  const accepted: Socket[] = []
  let makings = 0
  await using later = new LaterService(() => {
    makings += 1
    return made.promise
  }, log)
  const endpoint = { host: '127.0.0.1', port: 0 }
  const acceptor: Acceptor = {
    accept(socket, how) {
      accepted.push(socket)
      later.accept(socket, how)
    },
  }
  const listener = await open(endpoint, acceptor, { implicitTls: undefined, reusePort: false, log })
  try {
    await work({ later, made, port: listener.endpoint.port, makings: () => makings, accepted, errors })
  } finally {
    made.resolve(new Echo())
    for (const socket of accepted) socket.destroy()
    await listener.close()
  }
}

async function dial(port: number, first: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  // some are cut off
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  socket.write(first)
  return socket
}

test('a service that is loaded later gets the connections that came before, with what they said', () =>
  world(async ({ later, made, port, makings }) => {
    const clients = await Promise.all([dial(port, 'one'), dial(port, 'two')])
    while (makings() === 0) await new Promise(setImmediate)
    const answers = clients.map((client) => once(client, 'data').then(([octets]) => String(octets)))
    const echo = new Echo()
    made.resolve(echo)
    assert.deepEqual(await Promise.all(answers), ['one', 'two'])
    const third = await dial(port, 'three')
    assert.deepEqual((await once(third, 'data')).map(String), ['three'])
    assert.equal(makings(), 1)
    assert.equal(await later.load(), echo)
    for (const client of [...clients, third]) client.destroy()
  }))

test('a client that is gone before its service is loaded is not handed over', () =>
  world(async ({ later, made, port, makings, accepted }) => {
    const client = await dial(port, 'gone')
    while (makings() === 0) await new Promise(setImmediate)
    client.resetAndDestroy()
    const [socket] = accepted
    assert.ok(socket)
    while (!socket.closed) await new Promise(setImmediate)
    const echo = new Echo()
    made.resolve(echo)
    await later.load()
    await new Promise(setImmediate)
    assert.deepEqual(echo.taken, [])
  }))

test('a service that cannot be loaded ends its connections, and the log says why', () =>
  world(async ({ made, port, makings, errors }) => {
    const client = await dial(port, '')
    while (makings() === 0) await new Promise(setImmediate)
    const error = new Error('not there')
    made.reject(error)
    client.resume()
    await once(client, 'close')
    assert.deepEqual(errors, [{ error }])
  }))

test('a service that stops while it is loaded ends what waits for it, and what it has become', () =>
  world(async ({ later, made, port, makings }) => {
    const client = await dial(port, 'late')
    while (makings() === 0) await new Promise(setImmediate)
    const stopped = later[Symbol.asyncDispose]()
    const echo = new Echo()
    made.resolve(echo)
    await stopped
    client.resume()
    while (!client.closed) await new Promise(setImmediate)
    assert.deepEqual(echo.taken, [])
    assert.equal(echo.disposed, 1)
  }))

test('a service that nobody asked for is not loaded when it stops', () =>
  world(async ({ later, makings }) => {
    await later[Symbol.asyncDispose]()
    assert.equal(makings(), 0)
  }))
