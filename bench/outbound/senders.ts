/**
 * Malle and Debian's Postfix as servers that send: on the servers' core, five connections a domain and 100 in all; neither
 * signs, and DNS is not asked: each domain is a port of its own.
 * @module
 */
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { Postfix, postfixLacking } from '../../test/peers/foreign/postfix.ts'
import { SERVER_CORE } from '../compare/cores.ts'
import { processTree } from '../compare/process-tree.ts'
import { type Endpoint, Installation } from '../raw.ts'

const CONNECTIONS = 100
const PER_DOMAIN = 5
/** Who sends; Malle knows the account. */
export const SENDER = 'ann@example.org'

export interface Sender extends AsyncDisposable {
  readonly name: 'Malle' | 'Postfix'
  readonly endpoint: Endpoint
  /** The process whose tree is the server. */
  readonly pid: number
  /** Said after EHLO. */
  readonly login: string | undefined
  /** Stops it and starts it again, where code that it compiled the first time is kept for the second. */
  restart?(): Promise<void>
}

/** Recipients of this domain are behind the port of that number. */
export function domainOf(number: number): string {
  return `d${number}.example`
}

/** Puts what has started since on the servers' core. */
export async function pin({ pid }: Sender): Promise<void> {
  for (const each of await processTree(pid)) spawnSync('taskset', ['-a', '-p', '-c', String(SERVER_CORE), String(each)])
}

/** Installs it where it is not there. @throws when it cannot be. */
export async function startPostfix(ports: readonly number[]): Promise<Sender> {
  const missing = postfixLacking()
  if (missing !== false) throw new Error(missing)
  const transports = ports.map((port, number) => `/@d${number}\\.example$/ smtp:[127.0.0.1]:${port}\n`).join('')
  const postfix = await Postfix.start({
    main: `transport_maps = regexp:$config_directory/transports
default_process_limit = ${CONNECTIONS}
smtp_destination_concurrency_limit = ${PER_DOMAIN}
initial_destination_concurrency = ${PER_DOMAIN}
smtp_connection_cache_on_demand = yes
in_flow_delay = 0
`,
    files: { transports },
  })
  return {
    name: 'Postfix',
    endpoint: { host: '127.0.0.1', port: postfix.port },
    pid: postfix.pid,
    login: undefined,
    [Symbol.asyncDispose]: () => postfix[Symbol.asyncDispose](),
  }
}

/** @param profile a folder for CPU profiles of the server, one a thread. */
export async function startMalle(folder: string, ports: readonly number[], profile?: string): Promise<Sender> {
  const routes = ports.map(
    (port, number) =>
      `[[route]]\ndomain = "${domainOf(number)}"\nhost = "127.0.0.1"\nport = ${port}\nsecurity = "none"\n`,
  )
  const queue = `[queue]\nconnections = ${CONNECTIONS}\nconnections_per_destination = ${PER_DOMAIN}\n`
  const limits = '[submission]\nmessages_per_day = 0\nrecipients_per_day = 0\noutburst = 0\n'
  const installation = await Installation.make(folder, { more: queue + limits + routes.join('') })
  const [account] = await installation.addAccounts([SENDER.slice(0, SENDER.indexOf('@'))])
  if (account === undefined) throw new Error('There is no account')
  const login = Buffer.from(`\0${account.address}\0${account.password}`).toString('base64')
  // with the size given, the launcher does not begin again, which a running profile does not survive
  const nodeArguments =
    profile === undefined ? [] : ['--max-semi-space-size=16', '--cpu-prof', `--cpu-prof-dir=${path.resolve(profile)}`]
  let server = await installation.serve({ nodeArguments })
  return {
    name: 'Malle',
    get endpoint() {
      return server.endpoint('submission')
    },
    get pid() {
      return server.pid
    },
    login: `AUTH PLAIN ${login}\r\n`,
    async restart() {
      await server.stop()
      server = await installation.serve({ nodeArguments })
    },
    [Symbol.asyncDispose]: () => server.stop(),
  }
}
