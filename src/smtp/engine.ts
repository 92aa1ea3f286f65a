/**
 * The engine, required and not imported. It has `node:http` below it, and to import that is to read all that it exports,
 * which loads the runtime's own HTTP client: 11 MB of memory and 45 ms of every start for nothing.
 * @module
 */
import { createRequire } from 'node:module'
import type * as server from 'smtp-server'
import type * as connection from 'smtp-server/lib/smtp-connection.js'
import type * as stream from 'smtp-server/lib/smtp-stream.js'

const require = createRequire(import.meta.url)
const engine = require('smtp-server') as typeof server
const connections = require('smtp-server/lib/smtp-connection.js') as typeof connection
const streams = require('smtp-server/lib/smtp-stream.js') as typeof stream

export const SMTPServer: typeof server.SMTPServer = engine.SMTPServer
export const SMTPConnection: typeof connection.SMTPConnection = connections.SMTPConnection
export const SMTPStream: typeof streams.SMTPStream = streams.SMTPStream
