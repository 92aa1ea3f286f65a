/**
 * The least that a server can do on this runtime, in a process of its own: `node bare-server.ts WHAT FOLDER`.
 *
 * - `tls`: greets over TLS, answers one line and closes; nobody logs in.
 * - `synced`: answers each line once it has written five pages and synced them.
 * - `synced-by-worker`: the same, the file being another thread's.
 * - `lmtp`: the SMTP engine alone; messages are read and forgotten.
 *
 * Prints its port.
 * @module
 */
import { fdatasyncSync, openSync, readFileSync, writeSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import path from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { SMTPServer } from 'smtp-server'

/** What a change of a flag writes to the log of the index, and how large that log becomes before it is written anew. */
const PAGES = Buffer.alloc(5 * 8_192, 1)
const TURNS = 100

/** Answers when the pages are on disk. */
type Write = (answer: () => void) => void

function serve(what: string | undefined, folder: string): Server {
  switch (what) {
    case 'tls':
      return bareTls(folder)
    case 'lmtp':
      return bareLmtp()
    case 'synced':
      return bareLines(writeHere(folder))
    case 'synced-by-worker':
      return bareLines(writeByWorker(folder))
    default:
      throw new Error(`There is no server ${what}`)
  }
}

function bareTls(folder: string): Server {
  const [cert, key] = ['cert.pem', 'key.pem'].map((name) => readFileSync(path.join(folder, name)))
  const options = { cert, key, ticketKeys: Buffer.alloc(48, 1), ecdhCurve: 'X25519', noDelay: true }
  return createTlsServer(options, (socket) => {
    socket.write('* OK\r\n')
    socket.on('data', () => socket.end('* BYE\r\n'))
  })
}

function bareLmtp(): Server {
  return new SMTPServer({
    lmtp: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    onData(stream, _session, callback) {
      stream.resume().on('end', () => callback(null, '2.0.0 Forgotten'))
    },
  }).server
}

function bareLines(write: Write): Server {
  return createServer({ noDelay: true }, (socket) => {
    socket.on('data', () => write(() => socket.write('OK\r\n')))
  })
}

function writeHere(folder: string): Write {
  const file = openSync(path.join(folder, `pages-${process.pid}`), 'w')
  const at = (turn: number): number => (turn % TURNS) * PAGES.length
  for (let turn = 0; turn < TURNS; turn += 1) writeSync(file, PAGES, 0, PAGES.length, at(turn))
  let turn = 0
  return (answer) => {
    writeSync(file, PAGES, 0, PAGES.length, at(turn))
    fdatasyncSync(file)
    turn += 1
    answer()
  }
}

function writeByWorker(folder: string): Write {
  const worker = new Worker(new URL(import.meta.url), { workerData: folder })
  const waiting: (() => void)[] = []
  worker.on('message', () => waiting.shift()?.())
  return (answer) => {
    waiting.push(answer)
    worker.postMessage('write')
  }
}

if (isMainThread) {
  const [what, folder = '.'] = process.argv.slice(2)
  const server = serve(what, folder)
  server.listen(0, '127.0.0.1', () => {
    const address = server.address()
    if (address !== null && typeof address === 'object') console.log(address.port)
  })
} else {
  const write = writeHere(String(workerData))
  parentPort?.on('message', () => write(() => parentPort?.postMessage('written')))
}
