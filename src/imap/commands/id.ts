import type { IdParams } from '#wire/imap/id-params.ts'
import { ANY_STATE, type Command, command } from '../command.ts'

/** Characters of a client's name that an administrator is shown. */
const SHOWN_CHARS = 100

/** ID (RFC 2971). Never needed for anything but reading logs. */
export const id: Command = command<IdParams>({
  name: 'ID',
  states: ANY_STATE,
  // id = "ID" SP id_params_list
  parse(r) {
    const params = r.sp().idParams()
    r.end()
    return params
  },
  async run(params, _by, { out, session }) {
    const client = [params?.get('name'), params?.get('version')].filter((word) => word !== undefined).join(' ')
    if (client !== '') session.note({ client: client.replace(/[^\x20-\x7e]/g, '?').slice(0, SHOWN_CHARS) })
    out.text('* ID ("name" "Malle")\r\n')
    return { status: 'OK', text: 'Pleased to meet you' }
  },
})
