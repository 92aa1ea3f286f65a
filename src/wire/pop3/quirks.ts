/** Where we read more than the RFCs write, and who needs it. Names are used in comments beside the code. @module */

export interface Quirk {
  readonly name: string
  readonly what: string
  readonly who: string
}

export const QUIRKS: readonly Quirk[] = [
  {
    name: 'bare-lf',
    what: 'A line may end in LF alone; a status line that does so says that the whole response may.',
    who: 'Scripts, netcat, home-made clients and servers',
  },
  {
    name: 'long-command',
    what: 'Commands of up to 2,048 octets are read, where RFC 2449 §4 stops at 255.',
    who: 'Long login names and machine-made passwords in UTF-8',
  },
  {
    name: 'long-initial-response',
    what: 'AUTH is read up to 65,536 octets, where RFC 5034 §4 keeps the initial response within 255.',
    who: 'Clients that put tokens into the initial response',
  },
  {
    name: 'trailing-space',
    what: 'Spaces at the end of a command are dropped, but in PASS, where they may be the password.',
    who: 'Old Eudora and scripts ("NOOP ", "LIST ")',
  },
  {
    name: 'extra-spaces',
    what: 'Several spaces may stand before the mechanism and the initial response of AUTH.',
    who: 'Old phones ("AUTH PLAIN  AGFubg==")',
  },
  {
    name: 'bare-auth',
    what: 'AUTH without a mechanism lists the mechanisms, as drafts before RFC 1734 had it.',
    who: 'Outlook, Thunderbird, getmail: they ask so where CAPA is not understood',
  },
  {
    name: 'status-case',
    what: 'Our client reads "+ok" and "-err" in any case, where RFC 1939 §3 demands capitals.',
    who: 'Home-made servers',
  },
  {
    name: 'long-response',
    what: 'Our client reads status and listing lines of up to 65,536 octets, where RFC 1939 §3 stops at 512.',
    who: 'Servers with long messages of the day',
  },
  {
    name: 'long-unique-id',
    what: 'Our client reads unique-ids of up to 512 octets of any characters but spaces and controls.',
    who: 'Servers that use Message-IDs or paths',
  },
  {
    name: 'wide-listing',
    what: 'Our client reads listings with several spaces and with words after them (RFC 1939 §5 allows those in LIST).',
    who: 'Old Exchange, qpopper',
  },
]
