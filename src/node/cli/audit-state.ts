/**
 * What an auditor keeps from one audit to the next: which ledger it is, what each source showed last, the tree and state that were computed, and the
 * fault proofs that were found. Run again with the same directory, an audit is a monitor: only what is new is fetched, and what was shown before
 * is held against what is shown now.
 *
 *     <directory>/audit.json     the ledger, the sources' checkpoints, how far each was compared
 *     <directory>/genesis.json   the genesis that was pinned, byte for byte
 *     <directory>/tree/          what was computed from the blocks (audit-store.ts)
 *     <directory>/fault-….json   fault proofs, each a file that stands by itself
 */
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Genesis, parseGenesis } from '../../chain/genesis.ts'
import { Refusal } from '../../chain/refusal.ts'
import type { Seen } from '../audit/audit.ts'
import { readBytes, readText, writeWhole } from './files.ts'

export interface AuditState {
  /** Undefined before the first audit. */
  readonly genesis: Genesis | undefined
  readonly seen: ReadonlyMap<string, Seen>
  readonly entriesRead: number
}

export const treeDirectory = (directory: string): string => join(directory, 'tree')
const auditFile = 'audit.json'
const genesisFile = 'genesis.json'
const format = 1

interface AuditFile {
  readonly format: number
  readonly ledger: string
  readonly sources: Readonly<Record<string, Seen>>
  readonly entriesRead: number
}

/** @throws {Refusal} audit.state-damaged */
export function readAuditState(directory: string): AuditState {
  if (!existsSync(join(directory, auditFile))) return { genesis: undefined, seen: new Map(), entriesRead: 0 }
  const genesis = parseGenesis(readBytes(join(directory, genesisFile)))
  const damaged = (why: string): Refusal => new Refusal('audit.state-damaged', `${directory}: ${why}`)
  let file: AuditFile
  try {
    file = JSON.parse(readText(join(directory, auditFile))) as AuditFile
  } catch (error) {
    if (error instanceof SyntaxError) throw damaged(error.message)
    throw error
  }
  if (file.format !== format) throw damaged(`${auditFile} is of another version`)
  if (file.ledger !== genesis.ledger) throw damaged(`${auditFile} and ${genesisFile} are of two ledgers`)
  return { genesis, seen: new Map(Object.entries(file.sources)), entriesRead: file.entriesRead }
}

export function writeAuditState(
  directory: string,
  { genesis, seen, entriesRead }: AuditState & { readonly genesis: Genesis },
): void {
  const file: AuditFile = { format, ledger: genesis.ledger, sources: Object.fromEntries(seen), entriesRead }
  // The genesis first: audit.json is what says that there is a pin.
  writeWhole(join(directory, genesisFile), genesis.entry, { replace: true })
  writeWhole(join(directory, auditFile), `${JSON.stringify(file, null, 2)}\n`, { replace: true })
}

export function writeProofs(directory: string, proofs: ReadonlyMap<string, string>): void {
  mkdirSync(directory, { recursive: true })
  for (const [name, content] of proofs) writeWhole(join(directory, name), content, { replace: true })
}
