/**
 * A long stretch of mixed work with clients that die at any moment: memory, handles and threads of the server must
 * stay flat, no command may be refused, and the store must be whole in the end.
 *
 * ```
 * node bench/soak.ts [--minutes 30] [--warm-up 3] [--clients 24] [--workers 1] [--seed 1]
 * ```
 * Of the clients half speak IMAP (APPEND, FETCH, STORE, SEARCH, COPY, MOVE, EXPUNGE, IDLE), a quarter POP3, a quarter
 * deliver by LMTP; each pauses a little between commands. A fifth of the connections end in the middle of a command.
 * Flat: the mean of the last third is at most a tenth above that of the middle third. The minutes of warm-up do not count:
 * the search index stands back for a minute before its threads begin, and open their files. @module
 */
import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Random } from '#testing/random.ts'
import { isFlat, meansOfThirds } from '#testing/thirds.ts'
import { deliver, inFolder, megabytes, openLmtp, report, rounded, textMessage } from './kit.ts'
import { Gone, Installation, type Login, RawImap, RawLines, type ServerProcess } from './raw.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    'warm-up': { type: 'string', default: '3' },
    clients: { type: 'string', default: '24' },
    workers: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
  },
})
const minutes = Number(values.minutes)
const warmUp = Number(values['warm-up'])
const clients = Number(values.clients)

const ACCOUNTS = 8
const SAMPLE_MS = 5_000
const PAUSE_MS = 40
const DEATHS = 0.2
const COMMANDS_A_CONNECTION = 30
/** More in INBOX, and IMAP clients rather expunge. */
const CROWDED = 300
/** Octets of messages: mostly small, now and then a large one. */
const SIZES = [2_000, 2_000, 10_000, 10_000, 100_000, 3_000_000]

interface Sample {
  readonly resident: number
  readonly handles: number
  readonly threads: number
}

const counts = { commands: 0, connections: 0, deaths: 0, deliveries: 0, faults: 0 }
let over = false

await inFolder(soak)

async function soak(folder: string): Promise<void> {
  const installation = await Installation.make(folder, { workers: Number(values.workers), retentionDays: 1 })
  const logins = await installation.addAccounts(Array.from({ length: ACCOUNTS }, (_, n) => `a${n}`))
  const server = await installation.serve()
  const seeds = new Random(Number(values.seed))
  const working = Array.from({ length: clients }, (_, n) => live(server, logins, n, new Random(seeds.below(2 ** 32))))
  await pause(warmUp * 60_000)
  const samples: Sample[] = []
  const end = performance.now() + minutes * 60_000
  while (performance.now() < end) {
    await pause(SAMPLE_MS)
    samples.push(await sample(server.pid))
  }
  over = true
  await Promise.all(working)
  await pause(2_000)
  const rest = await sample(server.pid)
  await server.stop()
  const damage = await installation.check()
  const thirds = {
    resident: meansOfThirds(samples.map(({ resident }) => resident)),
    handles: meansOfThirds(samples.map(({ handles }) => handles)),
    threads: meansOfThirds(samples.map(({ threads }) => threads)),
  }
  const met = Object.values(thirds).every(isFlat) && damage.length === 0 && counts.faults === 0
  const { resident, handles } = thirds
  report(
    'soak',
    `${minutes} min after ${warmUp} of warm-up, ${clients} clients: ${counts.commands} commands, ${counts.deliveries} deliveries, ${counts.connections} connections, ${counts.deaths} of them ended in the middle of a command, ${counts.faults} faults; memory ${resident.map(megabytes).join(', ')} by thirds, ${megabytes(rest.resident)} when all had gone; handles ${handles.map(rounded).join(', ')}, then ${rest.handles}; check found ${damage.length}`,
    { minutes, warmUp, clients, ...counts, ...thirds, rest, damage: damage.length, met },
  )
  process.exitCode = met ? 0 : 1
}

async function sample(pid: number): Promise<Sample> {
  const status = await readFile(`/proc/${pid}/status`, 'latin1')
  const figure = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1])
  return {
    resident: figure('VmRSS') * 1024,
    handles: (await readdir(`/proc/${pid}/fd`)).length,
    threads: figure('Threads'),
  }
}

// --- clients ---

/** One client after the other, until time is over. */
async function live(server: ServerProcess, logins: readonly Login[], number: number, random: Random): Promise<void> {
  const kind = number % 4
  while (!over) {
    const login = random.pick(logins)
    counts.connections += 1
    try {
      if (kind < 2) await imapClient(server, login, random)
      else if (kind === 2) await pop3Client(server, login, random)
      else await lmtpClient(server, logins, random)
    } catch (error) {
      if (!(error instanceof Gone)) {
        counts.faults += 1
        console.error(String(error))
      }
    }
    await pause(random.below(PAUSE_MS))
  }
}

/** Runs a command, or dies in the middle of it. */
async function orDie<T>(random: Random, close: () => void, command: () => Promise<T>): Promise<T> {
  counts.commands += 1
  if (!random.chance(DEATHS / COMMANDS_A_CONNECTION)) {
    const done = await command()
    await pause(random.below(PAUSE_MS))
    return done
  }
  const running = command()
  running.catch(() => undefined)
  await pause(random.below(10))
  counts.deaths += 1
  close()
  throw new Gone('We died')
}

async function imapClient(server: ServerProcess, { address, password }: Login, random: Random): Promise<void> {
  const imap = await RawImap.login(server.endpoint('imap'), address, password)
  const ask = (text: string, literal?: Uint8Array) =>
    orDie(
      random,
      () => imap.close(),
      () => imap.command(text, literal),
    )
  try {
    // the second of two clients may find it made
    await ask('CREATE Work')
    const selected = await imap.ok('SELECT INBOX')
    const exists = Number(/^\* (\d+) EXISTS$/m.exec(selected.lines.join('\n'))?.[1] ?? 0)
    if (exists > CROWDED) {
      await ask(`STORE 1:${exists - CROWDED / 2} +FLAGS.SILENT (\\Deleted)`)
      await ask('EXPUNGE')
    }
    for (let n = 0; n < COMMANDS_A_CONNECTION && !over; n += 1) {
      const message = textMessage(random.pick(SIZES), random.below(1_000_000))
      const step = random.below(9)
      if (step === 0) await ask(`APPEND ${random.pick(['INBOX', 'Work'])} (\\Seen) {${message.length}+}`, message)
      else if (step === 1) await ask('FETCH 1:* (UID FLAGS)')
      else if (step === 2) await ask('FETCH * (ENVELOPE BODYSTRUCTURE BODY.PEEK[])')
      else if (step === 3) await ask('FETCH 1:20 (PREVIEW BODY.PEEK[HEADER.FIELDS (SUBJECT FROM)])')
      else if (step === 4) await ask(`STORE 1:5 ${random.pick(['+', '-'])}FLAGS (\\Flagged $Later)`)
      else if (step === 5) await ask(`SEARCH ${random.pick(['UNSEEN', 'SUBJECT Message', 'TEXT "lazy dog"'])}`)
      else if (step === 6) await ask('COPY * Work')
      else if (step === 7) await ask('MOVE 1 Work')
      else {
        await ask('SELECT Work')
        await ask('STORE 1:30 +FLAGS.SILENT (\\Deleted)')
        await ask('EXPUNGE')
        await ask('SELECT INBOX')
      }
    }
  } finally {
    imap.close()
  }
}

async function pop3Client(server: ServerProcess, { address, password }: Login, random: Random): Promise<void> {
  const pop3 = await RawLines.connect(server.endpoint('pop3'))
  const ask = (text: string) =>
    orDie(
      random,
      () => pop3.close(),
      () => pop3.ask(text),
    )
  try {
    await pop3.line()
    await ask(`USER ${address}`)
    // in use by another of us
    if (!(await ask(`PASS ${password}`)).startsWith('+OK')) return
    const [, count = '0'] = (await ask('STAT')).split(' ')
    for (let number = 1; number <= Math.min(Number(count), COMMANDS_A_CONNECTION / 2); number += 1) {
      if (!(await ask(`RETR ${number}`)).startsWith('+OK')) continue
      await pop3.multiline()
      if (random.chance(0.7)) await ask(`DELE ${number}`)
    }
    await ask('QUIT')
  } finally {
    pop3.close()
  }
}

async function lmtpClient(server: ServerProcess, logins: readonly Login[], random: Random): Promise<void> {
  const lmtp = await openLmtp(server.endpoint('lmtp'))
  try {
    for (let n = 0; n < COMMANDS_A_CONNECTION && !over; n += 1) {
      const message = textMessage(random.pick(SIZES), random.below(1_000_000))
      await orDie(
        random,
        () => lmtp.close(),
        () => deliver(lmtp, random.pick(logins).address, message),
      )
      counts.deliveries += 1
    }
  } finally {
    lmtp.close()
  }
}
