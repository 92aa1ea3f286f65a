/** The calls that change segment files, as a port: tests make them fail. @module */
import fs from 'node:fs'

/** What the writer needs of a file system. */
export interface SegmentFiles {
  open(path: string): number
  close(fd: number): void
  /** Writes all of it at the position. */
  writev(fd: number, buffers: readonly Uint8Array[], position: number): void
  truncate(fd: number, size: number): void
  /** Makes file contents durable. */
  sync(fd: number): void
  /** Makes names in a folder durable. */
  syncFolder(path: string): void
}

/** IOV_MAX on Linux. */
const MOST_BUFFERS = 1_024

/** The machine's file system. */
export const realFiles: SegmentFiles = {
  open: (path) => fs.openSync(path, fs.constants.O_RDWR | fs.constants.O_CREAT, 0o600),
  close: (fd) => fs.closeSync(fd),
  writev(fd, buffers, position) {
    let at = position
    for (let first = 0; first < buffers.length; first += MOST_BUFFERS) {
      let rest: readonly Uint8Array[] = buffers.slice(first, first + MOST_BUFFERS)
      while (rest.length > 0) {
        let written = fs.writevSync(fd, rest, at)
        at += written
        let index = 0
        for (let buffer = rest[0]; buffer !== undefined && written >= buffer.length; buffer = rest[index]) {
          written -= buffer.length
          index += 1
        }
        const cut = rest[index]
        rest = cut === undefined ? [] : [cut.subarray(written), ...rest.slice(index + 1)]
      }
    }
  },
  truncate: (fd, size) => fs.ftruncateSync(fd, size),
  sync: (fd) => fs.fdatasyncSync(fd),
  syncFolder(path) {
    const fd = fs.openSync(path, 'r')
    try {
      fs.fsyncSync(fd)
    } finally {
      fs.closeSync(fd)
    }
  },
}

/** For `relaxed` durability: nothing is synced. */
export const unsyncedFiles: SegmentFiles = { ...realFiles, sync: () => {}, syncFolder: () => {} }
