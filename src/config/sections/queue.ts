/** `[queue]`. @module */
import * as v from 'valibot'
import type { Config } from '../config.ts'
import { count, field, fieldsOf, integer, type Section, section, text, yesOrNo } from '../fields.ts'

/** Mail out by SMTP. */
export const queueSection: Section<Config['queue']> = section(
  fieldsOf({
    connections: count(1, 1_000, 20, 'Connections to other servers open at once, all destinations together.'),
    connections_per_destination: count(1, 100, 5, 'Connections to the servers of one domain, or to one smarthost.'),
    messages_per_connection: count(1, 10_000, 100, 'Messages sent over one connection before it is closed.'),
    messages_per_minute: count(
      0,
      1_000_000,
      0,
      'Messages a minute to one domain, or to one smarthost, for whoever takes no more; 0 for no limit.',
      'a minute',
    ),
    retry_minutes: field(
      v.pipe(v.array(integer(1, 1_440), 'is not a list'), v.minLength(1, 'is empty')),
      [5, 15, 30, 60, 120, 240],
      {
        doc: 'How long a message waits after its first, second … try; the last one counts for all that follow. A tenth more or less comes by chance.',
        type: 'list of integers, 1 to 1440',
        unit: 'minutes',
        right: 'a list of whole numbers from 1 to 1440, such as [5, 15, 30, 60, 120, 240]',
      },
    ),
    warn_hours: count(
      0,
      240,
      4,
      'After how long the sender is told that a message still waits; 0: never. NOTIFY of the sender comes before it.',
      'hours',
    ),
    give_up_days: count(
      1,
      30,
      5,
      'After how long a message goes back to its sender (RFC 5321 §4.5.4.1: 4 to 5).',
      'days',
    ),
    history_days: count(1, 3_650, 30, 'How long is known what became of a message that has left the queue.', 'days'),
    tls_reports: field(yesOrNo(), false, {
      doc: 'Whether domains that ask for it (`_smtp._tls`, RFC 8460) are told once a day how TLS to their servers went.',
      type: 'true or false',
      right: 'true or false without quotes',
    }),
    ca: field(text(), '', {
      doc: 'Certificates of authorities that are trusted beside those the runtime knows, such as one of your own: for mail servers whose certificate must be valid, and for the web servers that MTA-STS policies are fetched from. A `ca` of a route stands in for all of them. Read at the start.',
      type: 'path',
      right: 'the path of a PEM file in quotes',
    }),
    port: count(1, 65_535, 25, 'Port of other servers where no route says another one. Anything but 25 is for tests.'),
    https_port: count(
      1,
      65_535,
      443,
      'Port of the web servers that MTA-STS policies are fetched from. Anything but 443 is for tests.',
    ),
  }),
  (raw) => ({
    connections: raw.connections,
    connectionsPerDestination: raw.connections_per_destination,
    messagesPerConnection: raw.messages_per_connection,
    messagesPerMinute: raw.messages_per_minute,
    retryMs: raw.retry_minutes.map((minutes) => minutes * 60_000),
    warnMs: raw.warn_hours * 3_600_000,
    giveUpMs: raw.give_up_days * 86_400_000,
    historyDays: raw.history_days,
    tlsReports: raw.tls_reports,
    ca: raw.ca === '' ? undefined : raw.ca,
    port: raw.port,
    httpsPort: raw.https_port,
  }),
)
