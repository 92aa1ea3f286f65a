/** What the server says it can do, by state (RFC 9051 §6.1.1, §7.2.2). @module */
import { clientAddresses } from '#services/client-certificate.ts'
import { channelBindings } from '#wire/sasl/channel-binding.ts'
import type { SaslMechanism } from '#wire/sasl/mechanism.ts'
import { listedMechanisms, type OfferedBy, offeredMechanisms } from '#wire/sasl/server.ts'
import { advisedLimit } from './message-limit.ts'
import type { SessionControl } from './session-control.ts'

/** In every state. LITERAL+ includes LITERAL-, and only one may be named (RFC 7888 §5). */
const ALWAYS = 'IMAP4rev1 IMAP4rev2 LITERAL+ SASL-IR ID ENABLE LANGUAGE'

/** After the login. */
const LOGGED_IN: string = [
  'IDLE NOTIFY NAMESPACE CHILDREN LIST-EXTENDED LIST-STATUS SPECIAL-USE CREATE-SPECIAL-USE STATUS=SIZE',
  'UIDPLUS UNSELECT MOVE MULTIAPPEND BINARY UTF8=ACCEPT CONDSTORE QRESYNC ESEARCH SEARCHRES WITHIN',
  'OBJECTID SAVEDATE PREVIEW REPLACE UIDONLY UIDBATCHES I18NLEVEL=1 INPROGRESS QUOTA QUOTASET QUOTA=RES-STORAGE QUOTA=RES-MESSAGE',
  'SORT SORT=DISPLAY ESORT CONTEXT=SEARCH THREAD=ORDEREDSUBJECT THREAD=REFERENCES THREAD=REFS',
  'SEARCH=FUZZY PARTIAL MULTISEARCH METADATA LIST-METADATA ACL RIGHTS=kxte LIST-MYRIGHTS',
].join(' ')

/** Capabilities as they are now. */
export function capabilities(session: SessionControl): string {
  const { deps, state } = session
  if (state !== 'not-authenticated') {
    const compress = session.connection.compressed ? '' : ' COMPRESS=DEFLATE'
    const unauthenticate = deps.unauthenticate === false ? '' : ' UNAUTHENTICATE'
    const limits = `MESSAGELIMIT=${advisedLimit(deps.limits)} APPENDLIMIT=${deps.limits.messageBytes}`
    return `${ALWAYS} ${LOGGED_IN}${compress}${unauthenticate} ${limits}`
  }
  const startTls = mayStartTls(session) ? ' STARTTLS' : ''
  const disabled = mayLogInPlainly(session) ? '' : ' LOGINDISABLED'
  return `${ALWAYS}${startTls}${disabled}${listed(offeredBy(session), deps.scramForPasswords)}`
}

const lists = new Map<string, string>()

/** Mechanisms as capabilities; made once for each kind of connection. */
function listed(by: OfferedBy, scramForPasswords: boolean): string {
  const key = `${by.plaintext} ${by.bindings} ${by.bearer} ${by.external} ${scramForPasswords}`
  let text = lists.get(key)
  if (text === undefined) {
    const names = listedMechanisms(offeredMechanisms(by), scramForPasswords)
    text = names.map((mechanism) => ` AUTH=${mechanism}`).join('')
    lists.set(key, text)
  }
  return text
}

/** Whether STARTTLS works now. */
export function mayStartTls({ deps, secure }: SessionControl): boolean {
  return !secure && deps.tls.context(undefined) !== undefined
}

/** Whether passwords may be sent as they are. */
export function mayLogInPlainly({ deps, secure }: SessionControl): boolean {
  return secure || deps.allowPlaintext
}

/** SASL mechanisms that are done when asked for. */
export function mechanisms(session: SessionControl): readonly SaslMechanism[] {
  return offeredMechanisms(offeredBy(session))
}

function offeredBy(session: SessionControl): Required<OfferedBy> {
  return {
    plaintext: mayLogInPlainly(session),
    bindings: session.connection.tls !== undefined,
    bearer: session.deps.oauth !== undefined,
    external: clientAddresses(session.connection.tls).length > 0,
  }
}

/** Channel bindings of the connection, `undefined` in the clear. */
export function bindings({ connection }: SessionControl): ReturnType<typeof channelBindings> | undefined {
  return connection.tls === undefined ? undefined : channelBindings(connection.tls, 'server')
}
