/** How connections end that end as they should; whatever else ends one is worth a line in the log. @module */

export const PEER_ENDED = 'The peer has closed its side'
export const PEER_CLOSED = 'The peer has closed the connection'
export const STOPPING = 'The server is stopping'
