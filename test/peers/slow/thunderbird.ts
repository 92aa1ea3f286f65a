/** Thunderbird under Xvfb, with a profile of its own that knows one account and asks nobody but our server. @module */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { PROGRAM_PATH } from '../install.ts'
import { eventually } from '../run.ts'
import type { PeerAccount, PeerServer } from '../server.ts'
import { type Json, Marionette } from './marionette.ts'

/** Debian's `thunderbird` is a script for people around this. */
const PROGRAM = '/usr/lib/thunderbird/thunderbird'
const INSIDE = path.join(import.meta.dirname, 'inside-thunderbird.js')
const SOCKET_TYPES = { starttls: 2, tls: 3 } as const
const STOP_MS = 20_000
const START_MS = 60_000

export interface ThunderbirdOptions {
  readonly protocol?: 'imap' | 'pop3'
  readonly security: keyof typeof SOCKET_TYPES
}

/** A folder with what it is for. */
export interface Folder {
  readonly path: string
  readonly uses: readonly string[]
}

/** A line of the list of messages. */
export interface Header {
  readonly uid: number
  readonly id: string
  readonly subject: string
  readonly author: string
  readonly seconds: number
  readonly size: number
  readonly read: boolean
  readonly flagged: boolean
}

export class Thunderbird implements AsyncDisposable {
  readonly #display: ChildProcess
  readonly #program: ChildProcess
  readonly #marionette: Marionette
  readonly #inside: string

  private constructor(display: ChildProcess, program: ChildProcess, marionette: Marionette, inside: string) {
    this.#display = display
    this.#program = program
    this.#marionette = marionette
    this.#inside = inside
  }

  /** Starts it with an account; it trusts the server's certificate and knows the password, but has not connected yet. */
  static async start(server: PeerServer, account: PeerAccount, options: ThunderbirdOptions): Promise<Thunderbird> {
    const profile = path.join(account.home, 'profile')
    await mkdir(profile)
    await writeFile(path.join(profile, 'user.js'), userPrefs(server, account, options))
    const { child: display, number } = await startDisplay()
    const program = spawn(
      PROGRAM,
      ['--profile', profile, '--no-remote', '--marionette', '--remote-allow-system-access'],
      {
        cwd: account.home,
        // A group of its own, so that its content processes end with it.
        detached: true,
        stdio: 'ignore',
        env: {
          PATH: PROGRAM_PATH,
          HOME: account.home,
          LANG: 'C.UTF-8',
          DISPLAY: `:${number}`,
          MOZ_CRASHREPORTER_DISABLE: '1',
        },
      },
    )
    const kill = () => {
      killGroup(program)
      display.kill('SIGKILL')
    }
    process.once('exit', kill)
    try {
      const port = await eventually('the port of Marionette', () => activePort(profile), START_MS)
      const inside = await readFile(INSIDE, 'utf8')
      const thunderbird = new Thunderbird(display, program, await Marionette.connect(port), inside)
      await thunderbird.call('ready')
      const { protocol = 'imap' } = options
      await thunderbird.call('trust', pemBody(await readFile(server.ca, 'utf8')))
      for (const service of [protocol === 'imap' ? 'imap' : 'mailbox', 'smtp'])
        await thunderbird.call('remember', service, server.host, account.address, account.password)
      return thunderbird
    } catch (error) {
      kill()
      throw error
    }
  }

  /** Calls a function of `inside-thunderbird.js` in the program. */
  async call(name: string, ...args: readonly Json[]): Promise<Json> {
    return this.#marionette.run(`${this.#inside}\nreturn inside[arguments[0]](...arguments[1])`, name, args)
  }

  /** Calls a function that gives a text. */
  async text(name: string, ...args: readonly Json[]): Promise<string> {
    const text = await this.call(name, ...args)
    assert.ok(typeof text === 'string')
    return text
  }

  /** Its folders, once those named are there. */
  async folders(...names: readonly string[]): Promise<readonly Folder[]> {
    return (await this.call('folders', names)) as unknown as readonly Folder[]
  }

  /** The list of messages of a folder, by UID. */
  async headers(folder: string): Promise<readonly Header[]> {
    return (await this.call('headers', folder)) as unknown as readonly Header[]
  }

  /** What its window shows, as PNG. */
  screenshot(): Promise<Buffer> {
    return this.#marionette.screenshot()
  }

  /** Quits it and its display. */
  async [Symbol.asyncDispose](): Promise<void> {
    const gone = this.#program.exitCode === null ? once(this.#program, 'exit') : undefined
    const deadline = setTimeout(() => killGroup(this.#program), STOP_MS)
    await this.#marionette.quit()
    await gone
    clearTimeout(deadline)
    killGroup(this.#program)
    this.#display.kill('SIGKILL')
  }
}
async function startDisplay(): Promise<{ child: ChildProcess; number: number }> {
  const args = ['-displayfd', '3', '-screen', '0', '1280x900x24', '-nolisten', 'tcp']
  const child = spawn('Xvfb', args, { stdio: ['ignore', 'ignore', 'ignore', 'pipe'], env: { PATH: PROGRAM_PATH } })
  const pipe = child.stdio[3]
  if (pipe === null || pipe === undefined) throw new Error('Xvfb has no pipe')
  const [bytes] = (await once(pipe, 'data')) as [Buffer]
  return { child, number: Number(bytes.toString('latin1').trim()) }
}

async function activePort(profile: string): Promise<number | undefined> {
  const text = await readFile(path.join(profile, 'MarionetteActivePort'), 'utf8').catch(() => '')
  return text === '' ? undefined : Number(text)
}

/** The base64 between the lines of a PEM file. */
function pemBody(pem: string): string {
  return pem.replace(/-----[^-]*-----/g, '').replace(/\s/g, '')
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** `user.js`: the account as its assistant would have made it, and everything off that calls home or asks a person. */
function userPrefs(
  server: PeerServer,
  { address }: PeerAccount,
  { protocol = 'imap', security }: ThunderbirdOptions,
): string {
  const submission = security === 'tls' ? 'submissions' : 'submission'
  const root = `imap://${encodeURIComponent(address)}@${server.host}`
  const prefs: Readonly<Record<string, string | number | boolean>> = {
    'mail.accountmanager.accounts': 'account1,account2',
    'mail.accountmanager.defaultaccount': 'account1',
    'mail.accountmanager.localfoldersserver': 'server2',
    'mail.account.account1.server': 'server1',
    'mail.account.account1.identities': 'id1',
    'mail.account.account2.server': 'server2',
    'mail.server.server1.type': protocol,
    'mail.server.server1.hostname': server.host,
    'mail.server.server1.port': server.portOf(protocol, security),
    'mail.server.server1.socketType': SOCKET_TYPES[security],
    'mail.server.server1.authMethod': 3, // a password, under TLS
    'mail.server.server1.userName': address,
    'mail.server.server1.name': address,
    // It connects when the test says so, and never looks again: what arrives comes by IDLE.
    'mail.server.server1.login_at_startup': false,
    'mail.server.server1.check_new_mail': false,
    'mail.server.server1.check_time': 1_000,
    'mail.server.server1.offline_download': false,
    'mail.server.server1.leave_on_server': true,
    'mail.server.server2.type': 'none',
    'mail.server.server2.hostname': 'Local Folders',
    'mail.server.server2.userName': 'nobody',
    'mail.server.server2.name': 'Local Folders',
    'mail.identity.id1.useremail': address,
    'mail.identity.id1.fullName': 'Ann Example',
    'mail.identity.id1.smtpServer': 'smtp1',
    'mail.identity.id1.valid': true,
    'mail.identity.id1.compose_html': false,
    'mail.identity.id1.reply_on_top': 0,
    ...(protocol === 'imap' ? { 'mail.identity.id1.fcc_folder': `${root}/Sent` } : {}),
    'mail.smtpservers': 'smtp1',
    'mail.smtp.defaultserver': 'smtp1',
    'mail.smtpserver.smtp1.type': 'smtp',
    'mail.smtpserver.smtp1.hostname': server.host,
    'mail.smtpserver.smtp1.port': server.port(submission),
    'mail.smtpserver.smtp1.try_ssl': SOCKET_TYPES[security],
    'mail.smtpserver.smtp1.authMethod': 3,
    'mail.smtpserver.smtp1.username': address,
    'marionette.port': 0,
    // Nothing that is not the account: no assistants, no pages, no updates, no telemetry, no lookups.
    'app.donation.eoy.version.viewed': 999,
    'app.normandy.enabled': false,
    'app.update.auto': false,
    'app.update.enabled': false,
    'browser.safebrowsing.malware.enabled': false,
    'browser.safebrowsing.phishing.enabled': false,
    'browser.search.update': false,
    'datareporting.healthreport.uploadEnabled': false,
    'datareporting.policy.dataSubmissionEnabled': false,
    'datareporting.policy.dataSubmissionPolicyBypassNotification': true,
    'dom.push.connection.enabled': false,
    'extensions.getAddons.cache.enabled': false,
    'extensions.systemAddon.update.enabled': false,
    'extensions.update.enabled': false,
    'mail.inappnotifications.enabled': false,
    'mail.instrumentation.postUrl': '',
    'mail.provider.enabled': false,
    'mail.rights.version': 1,
    'mail.shell.checkDefaultClient': false,
    'mail.spotlight.firstRunDone': true,
    'mail.winsearch.firstRunDone': true,
    'mailnews.start_page.enabled': false,
    'mailnews.start_page_override.mstone': 'ignore',
    'media.gmp-manager.updateEnabled': false,
    'network.captive-portal-service.enabled': false,
    'network.connectivity-service.enabled': false,
    'network.proxy.type': 1, // whatever is not loopback goes to a proxy that is not there
    'network.proxy.http': '127.0.0.1',
    'network.proxy.http_port': 9,
    'network.proxy.ssl': '127.0.0.1',
    'network.proxy.ssl_port': 9,
    'network.proxy.socks': '',
    'services.settings.server': 'http://127.0.0.1:9/',
    'toolkit.telemetry.enabled': false,
    'toolkit.telemetry.server': '',
    'toolkit.telemetry.unified': false,
    'trailhead.firstrun.didSeeAboutWelcome': true,
  }
  return Object.entries(prefs)
    .map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`)
    .join('')
}
