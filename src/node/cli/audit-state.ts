/**
 * What an auditor keeps from one audit to the next: which ledger it is, what each source showed last, the tree and state that were computed, and the
 * fault proofs that were found. Run again with the same directory, an audit is a monitor: only what is new is fetched, and what was shown before
 * is held against what is shown now.
 *
 *     <directory>/audit.json     the ledger, the sources' checkpoints, how far each was compared
 *     <directory>/genesis.json   the genesis that was pinned, byte for byte
 *     <directory>/tree/          what was computed from the blocks (audit-store.ts)
 *     <directory>/held/          held by the one audit that runs (level-disk.ts)
 *     <directory>/fault-….json   fault proofs, each a file that stands by itself
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parseCheckpoint } from '../../chain/checkpoint.ts'
import { type Genesis, parseGenesis } from '../../chain/genesis.ts'
import { parseNote } from '../../chain/note.ts'
import { Refusal } from '../../chain/refusal.ts'
import { VerificationError } from '../../chain/verification-error.ts'
import type { Seen } from '../audit/audit.ts'
import { makeDirectories, readBytes, readText, writeWhole } from './files.ts'

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

/**
 * What was shown before convicts, and what was compared is not compared again: so nothing is taken that an audit would not have written.
 * @throws {Refusal} audit.state-damaged
 */
export function readAuditState(directory: string): AuditState {
  if (!existsSync(join(directory, auditFile))) return { genesis: undefined, seen: new Map(), entriesRead: 0 }
  try {
    const genesis = parseGenesis(readBytes(join(directory, genesisFile)))
    const file = object(JSON.parse(readText(join(directory, auditFile))), auditFile) as Partial<AuditFile>
    if (file.format !== format) throw damaged(`${auditFile} is of another version`)
    if (file.ledger !== genesis.ledger) throw damaged(`${auditFile} and ${genesisFile} are of two ledgers`)
    const sources = Object.entries(object(file.sources, 'sources'))
    const seen = new Map(sources.map(([name, each]) => [name, seenIn(object(each, name), name, genesis)]))
    return { genesis, seen, entriesRead: natural(file.entriesRead, 'entriesRead') }
  } catch (error) {
    const isOurs = error instanceof Refusal || error instanceof SyntaxError || error instanceof VerificationError
    if (isOurs) throw new Refusal('audit.state-damaged', `${directory}: ${error.message}`)
    throw error
  }
}

/** @throws {Refusal, VerificationError} */
function seenIn(file: Partial<Record<keyof Seen, unknown>>, source: string, genesis: Genesis): Seen {
  const { note } = file
  if (typeof note !== 'string') throw damaged(`${source} has no note`)
  const { origin, size } = parseCheckpoint(parseNote(note).text)
  if (origin !== genesis.origin) throw damaged(`the note of ${source} is of ${origin}`)
  const compared = natural(file.compared, 'compared')
  if (natural(file.size, 'size') !== Number(size) || compared > Number(size)) throw damaged(`the sizes of ${source}`)
  const { comparedHeight } = file
  return {
    note,
    size: Number(size),
    compared,
    ...(comparedHeight === undefined ? {} : { comparedHeight: natural(comparedHeight, 'comparedHeight') }),
  }
}

const damaged = (why: string): Refusal => new Refusal('audit.state-damaged', why)

function object(value: unknown, name: string): object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw damaged(`${name} is no object`)
  return value
}

function natural(value: unknown, name: string): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw damaged(`${name} is no count`)
  return value as number
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
  makeDirectories(directory)
  for (const [name, content] of proofs) writeWhole(join(directory, name), content, { replace: true })
}
