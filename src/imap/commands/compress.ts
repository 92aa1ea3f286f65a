import { type Command, command, LOGGED_IN } from '../command.ts'

/** COMPRESS DEFLATE (RFC 4978 §3): from the CRLF of the OK on, both sides deflate. */
export const compress: Command = command<void>({
  name: 'COMPRESS',
  states: LOGGED_IN,
  // compress = "COMPRESS" SP algorithm
  parse(r) {
    const start = r.sp().position
    if (r.keyword() !== 'DEFLATE') r.fault('DEFLATE is the only way known here', start)
    r.end()
  },
  async run(_args, _by, { session }) {
    const { connection } = session
    if (connection.compressed) return { status: 'BAD', code: 'COMPRESSIONACTIVE', text: 'DEFLATE is on already' }
    const early = connection.holdInput()
    session.note({ compressed: true })
    return { status: 'OK', text: 'DEFLATE begins', after: () => connection.compress(early) }
  },
})
