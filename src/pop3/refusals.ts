/** The words for refusals; sentences belong to the session that speaks. @module */
import type { ConnectionRefusal, LoginRefusal } from '#services/registry.ts'
import type { SaslFault } from '#wire/sasl/mechanism.ts'
import { type Completion, err } from './command.ts'
import type { NumberRefusal } from './maildrop.ts'

/** AUTH says that other credentials may help, SYS/TEMP that time may, SYS/PERM that a person must (RFC 3206 §4). */
export function loginRefusal(refusal: LoginRefusal): Completion {
  switch (refusal.kind) {
    case 'wrong-credentials':
      return err('Wrong login name or password', 'AUTH')
    case 'not-allowed':
      switch (refusal.why) {
        case 'protocol':
          return err('POP3 is not allowed for this account', 'SYS/PERM')
        case 'disabled':
          return err('This account is disabled', 'SYS/PERM')
        case 'authorization':
          return err('You may only log in as yourself', 'AUTH')
      }
    case 'throttled':
      return err('Too many failed logins, try again later', 'SYS/TEMP')
    case 'too-many-sessions':
      return err(`This account has ${refusal.limit} connections, which is the limit`, 'SYS/TEMP')
    case 'unavailable':
      return err('Logins are not possible now, try again later', 'SYS/TEMP')
  }
}

export function saslFault(fault: SaslFault): Completion {
  switch (fault) {
    case 'malformed':
      return err('The answer is not what the mechanism wants')
    case 'cancelled':
      return err('Cancelled')
    case 'channel-binding':
      return err('The channel binding does not fit this connection', 'AUTH')
  }
}

export function numberRefusal(refusal: NumberRefusal): Completion {
  switch (refusal) {
    case 'no-such-message':
      return err('No such message')
    case 'deleted':
      return err('That message is deleted')
  }
}

export function connectionRefusal(refusal: ConnectionRefusal): Completion {
  switch (refusal.kind) {
    case 'too-many-connections':
      return err('Too many connections, try again later', 'SYS/TEMP')
    case 'too-many-from-address':
      return err('Too many connections from your address', 'SYS/TEMP')
    case 'closing':
      return err('The server is stopping, try again later', 'SYS/TEMP')
  }
}
