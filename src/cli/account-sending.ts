/** What `malle account set` changes of sending, and `account show` tells. @module */
import { type Command, Option } from 'commander'
import { EXIT } from '#lib/exit-codes.ts'
import type { AccountChangeArgs, AccountView } from '#server/verbs.ts'
import { CliError } from './cli-error.ts'
import { say } from './language.ts'

export interface SendingSetOptions {
  readonly sentCopy?: 'on' | 'off'
  readonly messagesPerDay?: string
  readonly recipientsPerDay?: string
  readonly language?: 'en' | 'fr' | 'default'
}

type SendingChange = Pick<AccountChangeArgs, 'sending' | 'language'>

export function withSending(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--sent-copy <on|off>',
        say(
          'keep what is sent in the Sent mailbox, for programs that do not',
          'garder ce qui est envoyé dans le dossier Sent, pour les logiciels qui ne le font pas',
        ),
      ).choices(['on', 'off']),
    )
    .option(
      '--messages-per-day <count>',
      say(
        'messages sent in a day, none, or default (as configured)',
        'messages envoyés par jour, none, ou default (selon la configuration)',
      ),
    )
    .option(
      '--recipients-per-day <count>',
      say(
        'recipients of messages sent in a day, none, or default (as configured)',
        'destinataires des messages envoyés par jour, none, ou default (selon la configuration)',
      ),
    )
    .addOption(
      new Option(
        '--language <language>',
        say(
          'what the server writes to the person in: en, fr, or default (as configured)',
          'langue de ce que le serveur écrit à la personne : en, fr, ou default (selon la configuration)',
        ),
      ).choices(['en', 'fr', 'default']),
    )
}

/** `undefined`: nothing of sending is to be changed. */
export function sendingOf(options: SendingSetOptions): SendingChange | undefined {
  const { sentCopy, messagesPerDay, recipientsPerDay, language } = options
  const sending = {
    ...(sentCopy === undefined ? {} : { copy: sentCopy === 'on' }),
    ...(messagesPerDay === undefined ? {} : { messagesPerDay: countOf(messagesPerDay) }),
    ...(recipientsPerDay === undefined ? {} : { recipientsPerDay: countOf(recipientsPerDay) }),
  }
  const change = {
    ...(Object.keys(sending).length === 0 ? {} : { sending }),
    ...(language === undefined ? {} : { language: language === 'default' ? null : language }),
  }
  return Object.keys(change).length === 0 ? undefined : change
}

/** Lines for `account show`. */
export function sendingRows(one: AccountView): [string, string][] {
  const configured = say('as configured', 'selon la configuration')
  const count = (value: number | null): string =>
    value === null ? configured : value === 0 ? say('no limit', 'sans limite') : String(value)
  return [
    [
      say('Copy in Sent', 'Copie dans Sent'),
      one.sentCopy ? say('by the server', 'par le serveur') : say('by the mail program', 'par le logiciel'),
    ],
    [say('Messages sent a day', 'Messages envoyés par jour'), count(one.messagesPerDay)],
    [say('Recipients a day', 'Destinataires par jour'), count(one.recipientsPerDay)],
    [say('Language', 'Langue'), one.language ?? configured],
  ]
}

function countOf(value: string): number | null {
  if (value === 'default') return null
  if (value === 'none') return 0
  if (/^[1-9]\d{0,8}$/.test(value)) return Number(value)
  throw new CliError(
    EXIT.usage,
    say(
      `"${value}" is not a number of at least 1, none or default.`,
      `« ${value} » n’est ni un nombre d’au moins 1, ni none, ni default.`,
    ),
  )
}
