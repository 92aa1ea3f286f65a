/** Thunderbird under Xvfb, with a profile of its own. It finds its settings by itself, and asks nobody but our server. @module */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { PROGRAM_PATH } from '../install.ts'
import { killGroup } from '../kill-group.ts'
import { eventually } from '../run.ts'
import type { PeerAccount, PeerServer } from '../server.ts'
import { type Json, Marionette } from './marionette.ts'

/** Debian's `thunderbird` is a script for people around this. */
const PROGRAM = '/usr/lib/thunderbird/thunderbird'
const INSIDE = path.join(import.meta.dirname, 'inside-thunderbird.js')
const SOCKET_TYPES = { starttls: 2, tls: 3 } as const
const PASSWORD_UNDER_TLS = 3
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

  /**
   * Starts it and has it set up an account: from the address and the password alone, by the server's autoconfig file. It
   * trusts the server's certificate, and has not connected yet.
   */
  static async start(server: PeerServer, account: PeerAccount, options: ThunderbirdOptions): Promise<Thunderbird> {
    const profile = path.join(account.home, 'profile')
    await mkdir(profile)
    await writeFile(path.join(profile, 'user.js'), userPrefs(server))
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
      killGroup(program.pid)
      display.kill('SIGKILL')
    }
    process.once('exit', kill)
    try {
      const port = await eventually('the port of Marionette', () => activePort(profile), START_MS)
      const inside = await readFile(INSIDE, 'utf8')
      const thunderbird = new Thunderbird(display, program, await Marionette.connect(port), inside)
      await thunderbird.call('ready')
      await thunderbird.call('trust', pemBody(await readFile(server.ca, 'utf8')))
      const { address, password } = account
      const { protocol = 'imap', security } = options
      const socket = SOCKET_TYPES[security]
      const found = await thunderbird.call('setUp', address, password, 'Ann Example', protocol, socket)
      const settings = (kind: 'smtp' | typeof protocol) => {
        const { host: hostname, port } = server.place(kind, security)
        return { hostname, port, username: account.login, auth: PASSWORD_UNDER_TLS }
      }
      const [incoming, outgoing] = [settings(protocol), settings('smtp')]
      assert.deepEqual(found, { from: 'xml-from-isp-http', incoming, outgoing })
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
    const deadline = setTimeout(() => killGroup(this.#program.pid), STOP_MS)
    await this.#marionette.quit()
    await gone
    clearTimeout(deadline)
    killGroup(this.#program.pid)
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

/** `user.js`: local folders alone, and everything off that calls home or asks a person. */
function userPrefs(server: PeerServer): string {
  const prefs: Readonly<Record<string, string | number | boolean>> = {
    'mail.accountmanager.accounts': 'account1',
    'mail.accountmanager.localfoldersserver': 'server1',
    'mail.account.account1.server': 'server1',
    'mail.server.server1.type': 'none',
    'mail.server.server1.hostname': 'Local Folders',
    'mail.server.server1.userName': 'nobody',
    'mail.server.server1.name': 'Local Folders',
    'mail.server.default.offline_download': false,
    'app.use_without_mail_account': true,
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
    // Whatever is not loopback goes to a proxy that is not there; over HTTP to our server, as the DNS of its domain would say.
    'network.proxy.type': 1,
    'network.proxy.http': '127.0.0.1',
    'network.proxy.http_port': server.port('http'),
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
