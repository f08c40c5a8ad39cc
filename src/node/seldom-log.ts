/**
 * The log of a node whose peers may lie. How often something wrong is sent is up to its sender; but a line is written while the node waits, on
 * a disk that may be the ledger's, where a full one keeps statements out. So of warnings and errors that say the same of the same member
 * one is written in a while, and the next says how many were left out. Whatever names no member is written as ever.
 */
import { sameLineMs } from './limits.ts'
import type { Clock, Log, LogFields } from './ports.ts'

export function seldomLog(log: Log, clock: Pick<Clock, 'monotonic'>): Log {
  /** By event, member, and code, kind or key: all of them words of ours, or from the lists of members. */
  const lines = new Map<string, { readonly writtenAt: number; leftOut: number }>()
  const write = (level: 'warn' | 'error', event: string, fields: LogFields): void => {
    const { member, code, kind, kid } = fields
    if (member === undefined) return log[level](event, fields)
    const name = JSON.stringify([event, member, code, kind, kid])
    const last = lines.get(name)
    const now = clock.monotonic()
    if (last !== undefined && now - last.writtenAt < sameLineMs) {
      last.leftOut++
      return
    }
    lines.set(name, { writtenAt: now, leftOut: 0 })
    log[level](event, last === undefined || last.leftOut === 0 ? fields : { ...fields, leftOut: last.leftOut })
  }
  return {
    debug: (event, fields) => log.debug(event, fields),
    info: (event, fields) => log.info(event, fields),
    warn: (event, fields = {}) => write('warn', event, fields),
    error: (event, fields = {}) => write('error', event, fields),
  }
}
