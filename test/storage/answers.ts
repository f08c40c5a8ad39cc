/**
 * Everything that a node can be asked, asked: records, statements, proofs, blocks, lists, tiles, parties, state rows, statements submitted
 * again. Each answer becomes a line of text under the name of its question, so that a node after damage can be compared with one that
 * never had any. A refusal with a stable code is no wrong answer; an error without one is noted as such.
 */
import { sha256 } from '#crypto'
import { recordRow } from '../../src/api/answering.ts'
import type { LedgerRecord, RecordFilter } from '../../src/api/service.ts'
import { fromHex, fromUtf8, toHex, utf8 } from '../../src/chain/bytes.ts'
import { encodeCbor } from '../../src/chain/cbor.ts'
import { parseCheckpoint } from '../../src/chain/checkpoint.ts'
import { verifyInclusion } from '../../src/chain/merkle-proof.ts'
import { parseNote } from '../../src/chain/note.ts'
import { Refusal } from '../../src/chain/refusal.ts'
import { tilesOf, tileWidthMax } from '../../src/chain/tile.ts'
import type { IntakeResult, Pending } from '../../src/node/intake.ts'
import { Queries } from '../../src/node/queries.ts'
import { real, type StorageWorld } from './storage-world.ts'
import { statementIdOf, type UsedDirectory } from './used-directory.ts'

/** What was asked → what was answered. */
/** Long after anything in the directory. */
const keysAskedAt = Date.UTC(2030, 0, 1)

export type Answers = ReadonlyMap<string, string>

/** Said of what the newest attestation that this node holds does not reach. */
export const notAttested = 'not attested here yet'

/** An answer that is no answer: with the code that a client sees. */
export const isRefused = (answer: string): boolean => answer.startsWith('refused ')

export interface Asked {
  readonly base: UsedDirectory
  /** How far the ledger had got when the files were copied: later records are nobody's business here. */
  readonly size: number
  readonly height: number
  /** Names of state rows. */
  readonly state: readonly string[]
  /** Every n-th question of each kind only, and which of them. */
  readonly every: number
  readonly offset: number
}

/** What costs most and reads nothing that other questions do not is asked less often. */
const strides: Readonly<Record<string, number>> = {
  proof: 20,
  'record of': 4,
  entries: 2,
  'list of refusals': 8,
  'list of member': 4,
  'list of type': 2,
}

/** `isAll`: for whoever makes the answers that others are compared with. */
export async function answersOf(world: StorageWorld, asked: Asked, isAll = false): Promise<Answers> {
  const { base, size, height } = asked
  const replica = world.replica(real)
  const { member } = world.member(real)
  const { ledger } = world.genesis
  const queries = new Queries(
    { rules: world.rules, member: real, node: member.node.id, version: 'test' },
    {
      clock: world.clock,
      signer: {
        publicKey: (purpose) => world.publicKey(real, purpose),
        sign: (purpose, message, done) => done(world.sign(real, purpose, message)),
      },
      replica,
      metrics: () => Promise.resolve(''),
    },
  )
  // A node that has stopped answers nothing; who asked hears of it from the broken connection.
  const stopped = world.disk.failed.then(() => 'refused because it stopped')
  const answers = new Map<string, string>()
  const counts = new Map<string, number>()
  const ask = async (kind: string, what: string | number, answer: () => unknown): Promise<void> => {
    const count = counts.get(kind) ?? 0
    counts.set(kind, count + 1)
    if ((count + asked.offset) % (isAll ? 1 : (strides[kind] ?? 1) * asked.every) !== 0) return
    answers.set(`${kind} ${what}`, await Promise.race([textOf(answer), stopped]))
  }
  const rootAt = (of: number): Uint8Array => fromHex(base.attested.get(of) ?? world.attested.get(of) ?? '')!

  const submitted = await submittedAgain(world, [...base.statements, ...base.pending], asked)
  world.disk.direct = true
  try {
    for (const [id, answer] of submitted) answers.set(`submit ${id}`, answer)
    for (let index = 0; index < size; index++) {
      await ask('record', index, () => {
        const record = queries.recordByIndex(index)
        // That it is attested is another question: right after a start the newest attestation may have to be learnt again.
        return record && shown(record)
      })
      await ask('proof', index, async () => {
        const attestedSize = replica.attested?.size ?? 0
        if (attestedSize <= index) return attestedSize < size ? notAttested : undefined
        const proof = await queries.proof(index)
        if (proof === undefined) return undefined
        verifyInclusion({
          index,
          size: proof.size,
          leaf: proof.leafHash,
          path: [...proof.path],
          root: rootAt(proof.size),
        })
        const { text } = parseNote(proof.checkpoint)
        return [toHex(proof.leafHash), toHex(parseCheckpoint(text).root) === toHex(rootAt(proof.size))]
      })
    }
    for (const jws of [...base.statements, ...base.pending]) {
      const id = statementIdOf(jws, ledger)
      await ask('statement', id, () => {
        const standing = queries.standing(id)
        return standing.kind === 'pending' ? { ...standing, status: undefined } : standing
      })
      await ask('record of', id, () => {
        const record = queries.recordByStatement(id)
        return record && shown(record)
      })
    }
    for (let at = 1; at <= height; at++) {
      await ask('block', at, () => {
        const block = queries.block(at)
        return block && { ...block, bytes: digestOf(block.bytes) }
      })
    }
    for (const [name, filter] of Object.entries(filtersOf(base))) {
      await ask(`list of ${name}`, '', async () => {
        const indices: number[] = []
        let cursor: string | null = null
        do {
          const page = await queries.records(filter, cursor, 100)
          indices.push(...page.records.map(({ index }) => index).filter((index) => index < size))
          cursor = page.nextCursor
        } while (cursor !== null)
        return indices
      })
    }
    for (const { level, fullCount, partialWidth } of tilesOf(size)) {
      for (let index = 0; index <= fullCount; index++) {
        const width = index < fullCount ? tileWidthMax : partialWidth
        if (width === 0) continue
        const isAttested = (replica.attested?.size ?? 0) >= size
        const tile = (kind: string, read: () => Uint8Array | undefined): Promise<void> =>
          ask(kind, `${level}/${index}.p/${width}`, () => (isAttested ? bytesOf(read()) : notAttested))
        await tile('tile', () => queries.tile(level, index, width))
        if (level === 0) await tile('entries', () => queries.entries(index, width))
      }
    }
    for (const from of [1, 100, 255, 256, 257, size - 3]) {
      await ask('consistency', from, () => {
        if ((replica.attested?.size ?? 0) < size) return notAttested
        const to = Math.max(...[...base.attested.keys()].filter((known) => known <= size))
        const proof = queries.consistency(from, to)
        return proof?.path.map(toHex)
      })
    }
    await ask('party', '', () => {
      // How its keys stand is asked of one moment: now is another at every start.
      const { asOf: _, ...party } = queries.party(base.named.party, keysAskedAt) ?? { asOf: undefined }
      return party
    })
    await ask('checkpoint', '', async () => {
      const text = await queries.checkpoint(3)
      if (text === undefined) return notAttested
      const checkpoint = parseCheckpoint(parseNote(text).text)
      // Every attested head is true for ever; which one a node knows of depends on the moment.
      if (toHex(checkpoint.root) !== toHex(rootAt(Number(checkpoint.size))))
        return `another root for ${checkpoint.size}`
      return Number(checkpoint.size) >= size ? 'true' : notAttested
    })
    if (replica.ledger.committed.frontier.size >= size) {
      for (const name of asked.state) {
        await ask('state', name, () => {
          const value = replica.store.state.get(name)
          return value === undefined ? undefined : bytesOf(encodeCbor(value))
        })
      }
    }
  } finally {
    world.disk.direct = false
  }
  return answers
}

/** Names of all state rows on a peer's disk that later records do not change. */
export function stateNamesOf(base: UsedDirectory): string[] {
  const medium = [...base.media.values()][0]!
  const rows = medium.select({ gte: utf8('s'), lt: utf8('t') })
  // Where a member's run of batches stands changes with every batch.
  return rows.map(({ key }) => fromUtf8(key.subarray(1))).filter((name) => !name.startsWith('batch/'))
}

/**
 * Nothing new is ever submitted here: whoever takes one of these in as new has lost it. Who has just had its newest block back, and not yet heard
 * that it is committed, may take a statement of that block in once more; the ledger then answers that it is there already, at the same index.
 */
async function submittedAgain(
  world: StorageWorld,
  statements: readonly string[],
  { every, offset }: Asked,
): Promise<ReadonlyMap<string, string>> {
  const answers = new Map<string, string>()
  const unsettled = new Map<string, Pending>()
  const asked = statements.filter((_, i) => (i + offset) % every === 0)
  for (const jws of asked) {
    const id = statementIdOf(jws, world.genesis.ledger)
    world.replica(real).submit(jws, (result) => {
      answers.set(id, textOfResult(result))
      if (result.kind === 'taken' && !result.again) unsettled.set(id, result.pending)
    })
  }
  await world.passUntil(() => answers.size === asked.length || world.member(real).fatal !== undefined, 1_000)
  const settled = (): boolean => Array.from(unsettled.values()).every(({ settlement }) => settlement !== undefined)
  if (unsettled.size > 0) await world.passUntil(settled, 10_000)
  for (const [id, { settlement }] of unsettled) {
    if (settlement?.kind === 'record' && settlement.duplicate) answers.set(id, `known ${settlement.index}`)
  }
  return answers
}

function textOfResult(result: IntakeResult): string {
  switch (result.kind) {
    case 'known':
      return `known ${result.index}`
    case 'taken':
      return result.again ? 'pending, known' : 'taken as new'
    case 'refused':
      return `refused ${result.code}`
  }
}

function filtersOf({ named }: UsedDirectory): Record<string, RecordFilter> {
  return {
    type: { type: 'bid.record@1' },
    registrations: { type: 'party.register@1' },
    refusals: { type: 'refusal' },
    owner: { owner: named.owner },
    tender: { tender: named.tender },
    region: { region: named.region },
    party: { party: named.party },
    member: { member: 'hangzhou' },
  }
}

/** Everything that a record says of itself. */
function shown(record: LedgerRecord): unknown {
  const { entry, kid, findings, about } = record
  return { ...recordRow(record), kid, findings, about, status: undefined, entry: digestOf(entry) }
}

async function textOf(answer: () => unknown): Promise<string> {
  try {
    const value = await answer()
    return value === undefined ? 'nothing' : typeof value === 'string' ? value : JSON.stringify(value)
  } catch (error) {
    if (error instanceof Refusal) return `refused ${error.code}`
    return `ERROR ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`
  }
}

const digestOf = (bytes: Uint8Array): string => toHex(sha256(bytes)).slice(0, 24)
const bytesOf = (bytes: Uint8Array | undefined): string | undefined =>
  bytes === undefined ? undefined : digestOf(bytes)
