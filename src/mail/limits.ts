/** How much of a hostile message the parsers of this folder look at (design §7). @module */

/** Open parts above each other; a message inside counts twice. What nests deeper is an opaque leaf. */
export const MAX_DEPTH = 100

/** Parts of one message. The last one holds all the rest. */
export const MAX_PARTS = 5_000

/** Octets of a message's header that are looked at; it is stored whole all the same. */
export const MAX_MESSAGE_HEADER = 1_048_576

/** Octets of a part's MIME header that are looked at. */
export const MAX_PART_HEADER = 65_536

/** Octets of all headers inside one message that are looked at, the outermost header apart. */
export const MAX_INNER_HEADERS = 4_194_304

/** Fields of one header that are looked at for ENVELOPE, structure, columns and searches; FETCH gives them all. */
export const MAX_FIELDS = 5_000

/** Octets of a line that may be a boundary (RFC 2046 §5.1.1 allows 70 for the boundary; real mail goes beyond). */
export const MAX_DELIMITER_LINE = 1_024

/** Addresses of one header field. */
export const MAX_ADDRESSES = 20_000

/** Parameters of one Content-Type or Content-Disposition. */
export const MAX_PARAMETERS = 500

/** Message ids kept of References: the first one and the newest. */
export const MAX_REFERENCES = 200

/** Octets kept of the first plain text and of the first HTML, for PREVIEW. */
export const MAX_PLAIN_BEGINNING = 8_192
export const MAX_HTML_BEGINNING = 65_536

/** Characters of PREVIEW (RFC 8970 §3.1 asks for at most 256, and 200 is what it recommends). */
export const MAX_PREVIEW = 200

/** Octets of the raw header that the store keeps beside an email (design §4). */
export const MAX_CACHED_HEADER = 4_096
