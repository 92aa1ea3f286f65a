/** Bounds of looking for a person's servers. @module */

/** All of it together. */
export const DISCOVERY_MS = 20_000
/** One file, one question to the DNS, one handshake. */
export const STEP_MS = 6_000
/** Octets of a configuration file; real ones have 3,000. */
export const CONFIG_BYTES = 262_144
export const REDIRECTS = 3
export const XML_DEPTH = 24
export const XML_ELEMENTS = 4_000
export const XML_ATTRIBUTES = 32
/** Servers that one configuration may name. */
export const SERVERS = 32
/** SRV records of one name that are looked at. */
export const SRV_RECORDS = 16
/** Octets of a server's lines before TLS begins. */
export const PROBE_BYTES = 16_384
