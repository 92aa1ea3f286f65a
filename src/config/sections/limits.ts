/** `[limits]`. @module */
import type { Config } from '../config.ts'
import { count, field, fieldsOf, networks, type Section, section, size, sizeOrAuto } from '../fields.ts'

/** What one server, account or address may use. */
export const limitsSection: Section<Config['limits']> = section(
  fieldsOf({
    connections: count(1, 1_000_000, 20_000, 'Connections open at once, all protocols together.'),
    connections_per_user: count(1, 100_000, 50, 'Connections one account may have open at once.'),
    connections_per_address: count(
      1,
      1_000_000,
      100,
      'Connections one IP address may have open at once, over HTTP too (but for `http.watchers`).',
    ),
    connections_before_login: count(
      10,
      1_000_000,
      2_000,
      'Connections of mail clients on which nobody has logged in yet; when there are more, the oldest of them is closed.',
    ),
    memory: field(sizeOrAuto('256MB', '1024GB'), 'auto', {
      doc: 'Memory of the server above which new connections are told to come back later, while those there are go on. `auto`: three quarters of what the machine, or its control group, has.',
      type: 'size or "auto"',
      unit: 'octets with B, KB, MB or GB (KB = 1,024)',
      right: '"auto", or a number with its unit in quotes, such as "4GB", from "256MB" to "1024GB"',
    }),
    auth_failures_per_minute: count(
      1,
      10_000,
      10,
      'Wrong passwords from one address or for one account before it must wait; five times as many from one network (IPv4 /24, IPv6 /48). From a third of them on, answers come later and later.',
      'a minute',
    ),
    mailboxes_for_anyone: count(
      0,
      10_000,
      100,
      'Mailboxes that one account may share with everybody (`anyone`): each of them is in the LIST of all. What is shared already stays.',
    ),
    message_size: field(size('64KB', '2GB'), '50MB', {
      doc: 'The largest message that comes in, by whichever way.',
      type: 'size',
      unit: 'octets with B, KB, MB or GB (KB = 1,024)',
      right: 'a number with its unit in quotes, such as "50MB", from "64KB" to "2GB"',
    }),
    line: field(size('8KB', '1MB'), '64KB', {
      doc: 'The longest command line.',
      type: 'size',
      unit: 'octets with B, KB, MB or GB (KB = 1,024)',
      right: 'a number with its unit in quotes, such as "64KB", from "8KB" to "1MB"',
    }),
    idle_minutes: count(
      30,
      10_080,
      30,
      'Silence after which an IMAP session ends (RFC 9051 §5.4 asks for 30 at least).',
      'minutes',
    ),
    exempt: field(networks(), [], {
      doc: 'Addresses and networks that no limit by address counts and no failed login slows, such as your own webmail.',
      type: 'list of addresses and networks',
      right: 'a list such as ["127.0.0.1", "::1", "10.0.0.0/8"]',
      sample: ['127.0.0.1', '::1'],
    }),
  }),
  (raw) => ({
    connections: raw.connections,
    connectionsPerUser: raw.connections_per_user,
    connectionsPerAddress: raw.connections_per_address,
    connectionsBeforeLogin: raw.connections_before_login,
    memoryBytes: raw.memory,
    authFailuresPerMinute: raw.auth_failures_per_minute,
    mailboxesForAnyone: raw.mailboxes_for_anyone,
    messageBytes: raw.message_size,
    lineBytes: raw.line,
    idleMs: raw.idle_minutes * 60_000,
    exempt: raw.exempt,
  }),
)
