/** Commands of RFC 1939, RFC 2449, RFC 2595 §4, RFC 5034 and RFC 6856 as values, read and written. @module */
import type { MessageNumber } from '#mail/ids.ts'
import { SyntaxFault } from '../imap/syntax-fault.ts'
import { COMMAND_OCTETS, LARGEST_MESSAGE_NUMBER } from './limits.ts'

export interface UserCommand {
  readonly name: 'USER'
  readonly user: string
}
export interface PassCommand {
  readonly name: 'PASS'
  /** May have spaces, also at its ends (RFC 1939 §7). */
  readonly password: string
}
export interface AuthCommand {
  readonly name: 'AUTH'
  /** In capitals; `undefined` asks for the list (quirk `bare-auth`). */
  readonly mechanism: string | undefined
  /** As it stands there: base64, or `=` for an empty one. */
  readonly initial: string | undefined
}
export interface PlainCommand<Name extends 'CAPA' | 'STLS' | 'UTF8' | 'STAT' | 'NOOP' | 'RSET' | 'QUIT'> {
  readonly name: Name
}
export interface LangCommand {
  readonly name: 'LANG'
  /** A basic language range (RFC 4647 §2.1) or `*`; `undefined` asks for the list. */
  readonly range: string | undefined
}
export interface ListingCommand<Name extends 'LIST' | 'UIDL'> {
  readonly name: Name
  /** `undefined`: all messages. */
  readonly message: MessageNumber | undefined
}
export interface MessageCommand<Name extends 'RETR' | 'DELE'> {
  readonly name: Name
  readonly message: MessageNumber
}
export interface TopCommand {
  readonly name: 'TOP'
  readonly message: MessageNumber
  /** Lines of the body behind the header, from 0. */
  readonly lines: number
}

export type Pop3Command =
  | UserCommand
  | PassCommand
  | AuthCommand
  | PlainCommand<'CAPA'>
  | PlainCommand<'STLS'>
  | PlainCommand<'UTF8'>
  | LangCommand
  | PlainCommand<'STAT'>
  | PlainCommand<'NOOP'>
  | PlainCommand<'RSET'>
  | PlainCommand<'QUIT'>
  | ListingCommand<'LIST'>
  | ListingCommand<'UIDL'>
  | MessageCommand<'RETR'>
  | MessageCommand<'DELE'>
  | TopCommand
export type CommandName = Pop3Command['name']

/**
 * Reads a command from its line (one character an octet, without line end).
 * @throws {SyntaxFault} whose message may be shown: it has nothing of the line in it.
 */
export function parseCommand(line: string): Pop3Command {
  const control = line.search(/[\x00-\x1f\x7f]/)
  if (control >= 0) throw new SyntaxFault('A control character is in the command', control)
  const space = line.indexOf(' ')
  const keyword = (space < 0 ? line : line.slice(0, space)).toUpperCase()
  // quirk trailing-space
  const rest = space < 0 ? '' : withoutTrailingSpaces(line.slice(space + 1))
  const at = space < 0 ? line.length : space + 1
  switch (keyword) {
    case 'USER':
      if (rest === '') throw new SyntaxFault('USER wants a name', at)
      return { name: keyword, user: decodeLogin(rest) }
    case 'PASS':
      if (space < 0) throw new SyntaxFault('PASS wants a password', at)
      return { name: keyword, password: decodeLogin(line.slice(space + 1)) }
    case 'AUTH':
      return parseAuth(rest, at)
    case 'CAPA':
    case 'STLS':
    case 'UTF8':
    case 'STAT':
    case 'NOOP':
    case 'RSET':
    case 'QUIT':
      if (rest !== '') throw new SyntaxFault(`${keyword} wants no argument`, at)
      return { name: keyword }
    case 'LANG':
      if (rest !== '' && !/^(?:\*|[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8}){0,15})$/.test(rest)) {
        throw new SyntaxFault('LANG wants one language range at most', at)
      }
      return { name: keyword, range: rest === '' ? undefined : rest }
    case 'APOP':
      throw new SyntaxFault('APOP is not offered here', 0)
    case 'LIST':
    case 'UIDL':
      return { name: keyword, message: rest === '' ? undefined : messageNumber(rest, at) }
    case 'RETR':
    case 'DELE':
      return { name: keyword, message: messageNumber(rest, at) }
    case 'TOP': {
      const [message = '', lines = '', ...more] = rest.split(' ')
      if (more.length > 0 || !/^\d{1,20}$/.test(lines)) {
        throw new SyntaxFault('TOP wants a message-number and a number of lines', at)
      }
      return {
        name: keyword,
        message: messageNumber(message, at),
        lines: Math.min(Number(lines), Number.MAX_SAFE_INTEGER),
      }
    }
    default:
      throw new SyntaxFault('Unknown command', 0)
  }
}

/** Not `trimEnd`: the octet A0 is part of letters in UTF-8. Not a pattern: those are quadratic here. */
function withoutTrailingSpaces(text: string): string {
  let end = text.length
  while (end > 0 && text.charCodeAt(end - 1) === 0x20) end -= 1
  return text.slice(0, end)
}

// auth-command = "AUTH" SP sasl-mech [SP initial-response]
function parseAuth(rest: string, at: number): AuthCommand {
  // quirk extra-spaces
  const [mechanism = '', initial, ...more] = rest.replace(/^ +/, '').split(/ +/)
  if (rest === '') return { name: 'AUTH', mechanism: undefined, initial: undefined }
  if (more.length > 0 || !/^[A-Za-z0-9_-]{1,20}$/.test(mechanism) || initial === '') {
    throw new SyntaxFault('AUTH wants a mechanism and at most one initial response', at)
  }
  return { name: 'AUTH', mechanism: mechanism.toUpperCase(), initial }
}

function messageNumber(text: string, at: number): MessageNumber {
  const number = /^[1-9]\d{0,9}$/.test(text) ? Number(text) : 0
  if (number < 1 || number > LARGEST_MESSAGE_NUMBER) throw new SyntaxFault('A message-number is wanted here', at)
  return number as MessageNumber
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** UTF-8 with or without the command UTF8, and nothing else (RFC 6856 §2.2). */
function decodeLogin(octets: string): string {
  if (!/[\x80-\xff]/.test(octets)) return octets
  try {
    return utf8.decode(Buffer.from(octets, 'latin1'))
  } catch (error) {
    if (error instanceof TypeError) throw new SyntaxFault('That is not UTF-8', 5)
    throw error
  }
}

/**
 * Writes a command with its line end, one character an octet.
 * @throws {RangeError} when a value cannot be in a command: line ends, an empty name, too many octets.
 */
export function formatCommand(command: Pop3Command): string {
  const line = `${body(command)}\r\n`
  if (/[\x00-\x1f\x7f]/.test(line.slice(0, -2))) throw new RangeError('A control character cannot be in a POP3 command')
  // Longer names and passwords are for the server to refuse; only AUTH has another way (RFC 5034 §4).
  if (command.name === 'AUTH' && line.length > COMMAND_OCTETS) {
    throw new RangeError('The initial response is too long for the AUTH command')
  }
  return line
}

/** Whether an initial response may go with AUTH, or has to wait for the empty challenge (RFC 5034 §4). */
export function fitsAuth(mechanism: string, initial: string): boolean {
  return `AUTH ${mechanism} ${initial}\r\n`.length <= COMMAND_OCTETS
}

function body(command: Pop3Command): string {
  switch (command.name) {
    case 'USER':
      if (command.user.trim() === '' || command.user.endsWith(' ')) throw new RangeError('The name for USER is empty')
      return `USER ${encodeLogin(command.user)}`
    case 'PASS':
      return `PASS ${encodeLogin(command.password)}`
    case 'AUTH':
      if (command.mechanism === undefined) return 'AUTH'
      return command.initial === undefined
        ? `AUTH ${command.mechanism}`
        : `AUTH ${command.mechanism} ${command.initial}`
    case 'CAPA':
    case 'STLS':
    case 'UTF8':
    case 'STAT':
    case 'NOOP':
    case 'RSET':
    case 'QUIT':
      return command.name
    case 'LANG':
      return command.range === undefined ? 'LANG' : `LANG ${command.range}`
    case 'LIST':
    case 'UIDL':
      return command.message === undefined ? command.name : `${command.name} ${command.message}`
    case 'RETR':
    case 'DELE':
      return `${command.name} ${command.message}`
    case 'TOP':
      return `TOP ${command.message} ${command.lines}`
  }
}

function encodeLogin(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}
