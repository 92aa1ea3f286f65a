/** What LOGIN and AUTHENTICATE share: the registry's word as an answer. @module */
import type { Result } from '#lib/result.ts'
import type { Login, LoginRefusal } from '#services/registry.ts'
import { capabilities } from './capabilities.ts'
import type { Completion } from './command.ts'
import type { SessionControl } from './session-control.ts'

/** Logs in, or says why not (response codes of RFC 5530 §3). */
export function loginCompletion(session: SessionControl, answer: Result<Login, LoginRefusal>): Completion {
  if (!answer.ok) return refusal(session, answer.error)
  session.loggedIn(answer.value)
  return { status: 'OK', code: `CAPABILITY ${capabilities(session)}`, text: 'Logged in' }
}

function refusal(session: SessionControl, error: LoginRefusal): Completion {
  switch (error.kind) {
    case 'wrong-credentials':
      session.loginFailed()
      return { status: 'NO', code: 'AUTHENTICATIONFAILED', text: 'Name or password is wrong' }
    case 'not-allowed':
      session.loginFailed()
      return { status: 'NO', code: 'AUTHORIZATIONFAILED', text: NOT_ALLOWED[error.why] }
    case 'throttled': {
      session.loginFailed()
      const seconds = Math.ceil(error.retryAfterMs / 1000)
      return { status: 'NO', code: 'UNAVAILABLE', text: `Too many failures, try again in ${seconds} s` }
    }
    case 'too-many-sessions':
      return { status: 'NO', code: 'LIMIT', text: `There may be ${error.limit} sessions at most` }
    case 'unavailable':
      return { status: 'NO', code: 'UNAVAILABLE', text: 'Logins are not possible now, try again' }
  }
}

const NOT_ALLOWED = {
  protocol: 'IMAP is switched off here',
  disabled: 'The account is switched off',
  authorization: 'You cannot be somebody else',
} as const
