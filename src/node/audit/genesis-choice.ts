/**
 * Which ledger is audited: the one that the auditor names (a fingerprint, or what was pinned at the first audit), else the one that the first source
 * shows consistently. A genesis is the first leaf of its own tree, so a damaged file of it can be told from another ledger.
 */
import { equalBytes } from '../../chain/bytes.ts'
import { parseCheckpoint } from '../../chain/checkpoint.ts'
import { isFingerprintOf } from '../../chain/founding.ts'
import { type Genesis, parseGenesis } from '../../chain/genesis.ts'
import { leafHash } from '../../chain/merkle-tree.ts'
import { noteBytesMax, parseNote } from '../../chain/note.ts'
import { Refusal } from '../../chain/refusal.ts'
import { decodeEntryBundle, entriesPath, entryBytesMax, tilePath, tileWidth } from '../../chain/tile.ts'
import { VerificationError } from '../../chain/verification-error.ts'
import { asked } from './block-feed.ts'
import { found } from './comparing.ts'
import { checkpointPath } from './served-head.ts'
import type { Finding, Source } from './source.ts'

export const genesisPath = 'v1/genesis'

/** What the auditor knows beforehand: the genesis itself, or its fingerprint. */
export interface Pin {
  readonly genesis?: Genesis
  readonly fingerprint?: string
}

export interface GenesisChoice {
  /** Undefined when no source shows one that may be it. */
  readonly genesis: Genesis | undefined
  /** Sources that show another one. */
  readonly findings: readonly Finding[]
}

export async function chooseGenesis(sources: readonly Source[], pin: Pin): Promise<GenesisChoice> {
  const answers = await Promise.all(sources.map((source) => asked(source, genesisPath, entryBytesMax)))
  const shown = sources.map((source, at) => {
    const answer = answers[at]!
    return { source, bytes: answer.kind === 'answered' ? answer.bytes : undefined, answer }
  })
  const candidates = shown.map(({ bytes }) => (bytes === undefined ? undefined : genesisOf(bytes)))
  const wanted = (candidate: Genesis | undefined): boolean =>
    pin.fingerprint === undefined || (candidate !== undefined && isFingerprintOf(pin.fingerprint, candidate.ledger))
  let genesis = pin.genesis ?? (pin.fingerprint === undefined ? undefined : candidates.find(wanted))
  if (genesis === undefined) {
    for (const [at, { source, bytes }] of shown.entries()) {
      genesis = (await leafOf(source, bytes, wanted)) ?? (wanted(candidates[at]) ? candidates[at] : undefined)
      if (genesis !== undefined) break
    }
  }
  const findings: Finding[] = []
  for (const { source, bytes, answer } of shown) {
    if (answer.kind === 'failed') findings.push(answer.finding)
    else if (bytes === undefined) findings.push(found('audit.no-answer', source, genesisPath, 'there is none'))
    else if (genesis !== undefined && !equalBytes(bytes, genesis.entry)) {
      findings.push(
        found('audit.genesis-differs', source, genesisPath, 'not the genesis of the ledger that is audited'),
      )
    } else if (genesis === undefined) {
      const detail = candidates.some((each) => each !== undefined) ? 'another fingerprint' : 'not a genesis'
      findings.push(found('audit.genesis-differs', source, genesisPath, detail))
    }
  }
  return { genesis, findings }
}

function genesisOf(bytes: Uint8Array): Genesis | undefined {
  try {
    return parseGenesis(bytes)
  } catch (error) {
    if (error instanceof Refusal) return undefined
    throw error
  }
}

/** The first entry of a source, when its own tree vouches for it and not for the file of the genesis. */
async function leafOf(
  source: Source,
  file: Uint8Array | undefined,
  wanted: (candidate: Genesis) => boolean,
): Promise<Genesis | undefined> {
  try {
    const note = await source.get(checkpointPath, noteBytesMax)
    if (note === undefined) return undefined
    const size = Number(parseCheckpoint(parseNote(note).text).size)
    if (!Number.isSafeInteger(size) || size < 1) return undefined
    const width = tileWidth(0, 0, size)
    const bundle = await source.get(entriesPath(0, width), width * (2 + entryBytesMax))
    const tile = await source.get(tilePath(0, 0, width), width * 32)
    const entry = bundle === undefined ? undefined : decodeEntryBundle(bundle, width)[0]
    if (entry === undefined || tile === undefined || (file !== undefined && equalBytes(entry, file))) return undefined
    if (!equalBytes(leafHash(entry), tile.subarray(0, 32))) return undefined
    const genesis = genesisOf(entry)
    return genesis !== undefined && wanted(genesis) ? genesis : undefined
  } catch (error) {
    if (error instanceof VerificationError) return undefined
    if (error instanceof Error && ['NoAnswer', 'WrongAnswer'].includes(error.name)) return undefined
    throw error
  }
}
