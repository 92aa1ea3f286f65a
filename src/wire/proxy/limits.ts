/** Every bound of the PROXY protocol in one place. @module */

/** Octets of a version 1 header, its CRLF included (§2.1: the longest there can be). */
export const V1_OCTETS = 107

/** Octets of a version 2 header behind its first 16: addresses and what proxies add to them, which is read over. */
export const V2_OCTETS = 4_096
