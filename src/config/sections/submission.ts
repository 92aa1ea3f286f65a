/** `[submission]`. @module */
import type { Config } from '../config.ts'
import { count, field, fieldsOf, oneOf, type Section, section, yesOrNo } from '../fields.ts'

/** Mail from people here. */
export const submissionSection: Section<Config['submission']> = section(
  fieldsOf({
    check_sender: field(oneOf(['own', 'domain', 'off']), 'own', {
      doc: 'Whose addresses a person may send as, in MAIL FROM and in From: addresses that lead to the own account (itself, aliases, what has + and more before its @), any address of the own domain too, or any address at all.',
      type: '"own", "domain" or "off"',
      right: '"own", "domain" or "off"',
    }),
    hide_client: field(yesOrNo(), false, {
      doc: 'Received does not tell the address and the name of the computer or telephone that a message was sent from.',
      type: 'true or false',
      right: 'true or false',
    }),
    header: field(oneOf(['complete', 'keep']), 'complete', {
      doc: 'What is done to the header of a message: Bcc goes, From, Date and Message-ID come where they are missing or cannot be read; or it stays as it came, for programs that see to all of this themselves.',
      type: '"complete" or "keep"',
      right: '"complete" or "keep"',
    }),
    hold_days: count(
      0,
      365,
      30,
      'How long a mail program may have a message wait in the queue before it goes (FUTURERELEASE, RFC 4865), to send it later or to take it back; 0: it may not.',
      'days',
    ),
    messages_per_day: count(
      0,
      1_000_000,
      1_000,
      'Messages that an account may send within 24 hours, where it has no limit of its own; 0: no limit.',
      'a day',
    ),
    recipients_per_day: count(
      0,
      10_000_000,
      2_000,
      'Recipients of the messages that an account may send within 24 hours, where it has no limit of its own; 0: no limit.',
      'a day',
    ),
    outburst: count(
      0,
      10_000_000,
      100,
      'Mail of an account is held, and its owner and postmaster are told, when it goes to more recipients on other servers than this within an hour, to more than ten times what is usual in a day, and from a network that the account has not sent from for three days; 0: never.',
      'recipients an hour',
    ),
    language: field(oneOf(['en', 'fr']), 'en', {
      doc: 'What people are written to in (reports, warnings) who have no language of their own (`malle account set --language`).',
      type: '"en" or "fr"',
      right: '"en" or "fr"',
    }),
  }),
  (raw) => ({
    checkSender: raw.check_sender,
    hideClient: raw.hide_client,
    header: raw.header,
    holdSeconds: raw.hold_days * 86_400,
    messages: raw.messages_per_day,
    recipients: raw.recipients_per_day,
    outburst: raw.outburst,
    language: raw.language,
  }),
)
