/** What `malle doctor` finds. @module */

export interface Finding {
  readonly check: 'configuration' | 'server' | 'port' | 'certificate' | 'data' | 'disk' | 'clock' | 'node' | 'dns'
  readonly state: 'ok' | 'warning' | 'failed'
  readonly message: string
}
