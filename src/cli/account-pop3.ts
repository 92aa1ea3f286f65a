/** What `malle account set` changes of POP3, and `account show` tells. @module */
import type { Command } from 'commander'
import { EXIT } from '#lib/exit-codes.ts'
import { parsePop3Policy } from '#mail/pop3-policy.ts'
import type { AccountChangeArgs, AccountView } from '#server/verbs.ts'
import { CliError } from './cli-error.ts'
import { say } from './language.ts'

export interface Pop3SetOptions {
  readonly pop3Policy?: string
  readonly pop3LoginDelay?: string
}

const LONGEST_DELAY_SECONDS = 86_400

export function withPop3(command: Command): Command {
  return command
    .option(
      '--pop3-policy <policy>',
      say(
        'downloaded mail over POP3: client, delete, keep=DAYS, read-only, or default (as configured)',
        'courrier relevé en POP3 : client, delete, keep=JOURS, read-only, ou default (selon la configuration)',
      ),
    )
    .option(
      '--pop3-login-delay <seconds>',
      say(
        'least time between two POP3 logins, or default (as configured)',
        'temps minimal entre deux connexions POP3, ou default (selon la configuration)',
      ),
    )
}

/** `undefined`: nothing of POP3 is to be changed. */
export function pop3Of({ pop3Policy, pop3LoginDelay }: Pop3SetOptions): AccountChangeArgs['pop3'] {
  if (pop3Policy === undefined && pop3LoginDelay === undefined) return undefined
  return {
    ...(pop3Policy === undefined ? {} : { policy: policyOf(pop3Policy) }),
    ...(pop3LoginDelay === undefined ? {} : { loginDelaySeconds: delayOf(pop3LoginDelay) }),
  }
}

/** Lines for `account show`. */
export function pop3Rows({ pop3Policy, pop3LoginDelay }: AccountView): [string, string][] {
  const configured = say('as configured', 'selon la configuration')
  return [
    [say('POP3 policy', 'Règle POP3'), pop3Policy ?? configured],
    [
      say('POP3 login delay', 'Délai entre connexions POP3'),
      pop3LoginDelay === null ? configured : `${pop3LoginDelay} s`,
    ],
  ]
}

function policyOf(value: string) {
  if (value === 'default') return null
  const policy = parsePop3Policy(value)
  if (policy !== undefined) return policy
  throw new CliError(
    EXIT.usage,
    say(
      `"${value}" is not client, delete, keep=DAYS (1 to 3650), read-only or default.`,
      `« ${value} » n’est ni client, ni delete, ni keep=JOURS (1 à 3650), ni read-only, ni default.`,
    ),
  )
}

function delayOf(value: string): number | null {
  if (value === 'default') return null
  const seconds = /^\d{1,5}$/.test(value) ? Number(value) : Number.NaN
  if (seconds <= LONGEST_DELAY_SECONDS) return seconds
  throw new CliError(
    EXIT.usage,
    say(
      `"${value}" is not a number of seconds from 0 to ${LONGEST_DELAY_SECONDS} or default.`,
      `« ${value} » n’est ni un nombre de secondes de 0 à ${LONGEST_DELAY_SECONDS} ni default.`,
    ),
  )
}
