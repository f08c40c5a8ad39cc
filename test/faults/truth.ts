/**
 * What must hold after every fault, whatever it was: the four nodes are the same ledger; every answer that anybody was ever given is still
 * true, and proven offline; every receipt has been honoured; the history of all calls is linearizable; and no member's key stands under a
 * contradiction. The ledger is read from the members as anybody could read it, and hashed again here from its first record.
 */

import { ProblemError } from '../../src/api/client/client.ts'
import { type Block, decodeBlock } from '../../src/chain/block.ts'
import { equalBytes, fromBase64, toBase64, toHex } from '../../src/chain/bytes.ts'
import { leafHash, TreeFrontier } from '../../src/chain/merkle-tree.ts'
import { parseNote } from '../../src/chain/note.ts'
import { type Policy, parsePolicy } from '../../src/chain/policy.ts'
import { formatProofFile } from '../../src/chain/proof-file.ts'
import { decodeEntryBundle, entriesPath, tileWidthMax } from '../../src/chain/tile.ts'
import { verifyProofFile } from '../../src/chain/verify.ts'
import { contradictionsIn } from '../linearizability/ledger-history.ts'
import { Evidence } from './evidence.ts'
import type { Given, Load } from './load.ts'
import type { Settled, Stage } from './stage.ts'

/** Calls under way at once while the ledger is read. */
const readersMax = 8

export class Truth {
  readonly evidence: Evidence
  readonly #stage: Stage
  readonly #load: Load
  readonly #leaves: Uint8Array[] = []
  readonly #frontier = new TreeFrontier()
  /** Base64, by size. */
  readonly #roots: string[] = []
  readonly #blockIds: string[] = []
  /** Answers up to here were proven offline. */
  #proven = 0
  #policy: Policy | undefined
  readonly #logMarks = new Map<string, number>()

  constructor(dependencies: { readonly stage: Stage; readonly load: Load }) {
    this.#stage = dependencies.stage
    this.#load = dependencies.load
    this.evidence = new Evidence(dependencies.stage.genesis)
  }

  get size(): number {
    return this.#leaves.length
  }

  get blocks(): number {
    return this.#blockIds.length
  }

  /** The callers have stopped. @returns what does not hold, in words */
  async look(): Promise<readonly string[]> {
    const settled = await this.#stage.settled()
    await this.#readLedger(settled)
    await this.#readBlocks(settled)
    return [
      ...this.#stage.unexpected.splice(0),
      ...this.#load.surprises.splice(0),
      ...this.#differences(settled),
      ...(await this.#answers()),
      ...(await this.#receipts()),
      ...contradictionsIn(this.#load.history),
      ...this.evidence.contradictions,
      ...this.#checkpoints(),
      ...this.#logs(),
    ]
  }

  // ── the ledger ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

  async #readLedger({ size }: Settled): Promise<void> {
    for (let tile = Math.floor(this.size / tileWidthMax); this.size < size; tile++) {
      const member = this.#stage.members[tile % this.#stage.members.length]!
      const first = tile * tileWidthMax
      const width = Math.min(tileWidthMax, size - first)
      const entries = decodeEntryBundle(await member.client().tile(entriesPath(tile, width)), width)
      for (const entry of entries.slice(this.size - first)) {
        const leaf = leafHash(entry)
        this.#leaves.push(leaf)
        this.#frontier.append(leaf)
        this.#roots[this.size] = toBase64(this.#frontier.root())
      }
    }
  }

  /** All four are at this root, so they hold the same records; it is the root of the records read. */
  *#differences({ size, root }: Settled): Generator<string> {
    if (this.#roots[size] !== root)
      yield `the nodes say ${root} at size ${size}, and the records say ${this.#roots[size]}`
  }

  async #readBlocks({ height }: Settled): Promise<void> {
    const { genesis, members } = this.#stage
    const from = this.blocks + 1
    const blocks = await eachOf(
      Array.from({ length: Math.max(0, height - this.blocks) }, (_, at) => from + at),
      async (at): Promise<Block> => {
        const { bytes } = await members[at % members.length]!.client().block(String(at))
        return decodeBlock(fromBase64(bytes)!, { ledger: genesis.ledger, epoch: 0 })
      },
    )
    for (const block of blocks) {
      const { header } = block
      // Each block was read from another member than its parent: one chain of ids is one chain of all of them.
      const parent = this.#blockIds.at(-1)
      if (parent !== undefined && parent !== header.parent) throw new Error(`block ${header.height} has another parent`)
      this.#blockIds.push(block.id)
      this.evidence.noteBlock(block)
    }
  }

  *#checkpoints(): Generator<string> {
    for (const [size, root] of this.evidence.roots) {
      const own = this.#roots[size]
      if (size > this.size || own === undefined) yield `size ${size} was cosigned, and there are ${this.size} records`
      else if (toHex(fromBase64(own)!) !== root) yield `size ${size} was cosigned with a root of other records`
    }
  }

  // ── what callers were told ──────────────────────────────────────────────────────────────────────────────────────────────────

  async #answers(): Promise<readonly string[]> {
    this.#policy ??= parsePolicy(await this.#stage.members[0]!.client().policy())
    const wrong: string[] = []
    for (const given of this.#load.given) {
      const { index, entry } = given.answer
      const leaf = this.#leaves[Number(index)]
      if (leaf === undefined || !equalBytes(leaf, leafHash(fromBase64(entry)!))) {
        wrong.push(`record ${index} was given as attested, and is another now: ${given.sent.key}`)
      }
    }
    for (; this.#proven < this.#load.given.length; this.#proven++) {
      const given = this.#load.given[this.#proven]!
      this.evidence.noteCheckpoint(given.answer.certificate)
      const words = wrongProof(given, this.#policy)
      if (words !== undefined) wrong.push(words)
    }
    return wrong
  }

  /** Whoever gave a receipt can say what became of the statement; what it says goes into the history. */
  async #receipts(): Promise<readonly string[]> {
    const { receipts } = this.#load
    const wrong = await eachOf([...receipts], async ([id, { sent, member }]) => {
      try {
        const found = await this.#load.read(sent, member)
        if (found.kind === 'pending') return `${member.id} still owes an answer to the receipt for ${id}`
        if (found.record.status !== 'attested') return `${member.id}: ${id} is ${found.record.status} only`
      } catch (error) {
        if (!(error instanceof ProblemError) || error.problem.index === undefined) {
          return `${member.id} gave a receipt for ${id}, and now: ${(error as Error).message}`
        }
      }
      receipts.delete(id)
      return undefined
    })
    return wrong.filter((words) => words !== undefined)
  }

  /** What a node says in its log when it doubts its disk, its peers or itself. */
  *#logs(): Generator<string> {
    for (const member of this.#stage.members) {
      const mark = this.#logMarks.get(member.id) ?? 0
      this.#logMarks.set(member.id, member.logMark)
      for (const line of member.logSince(mark)) {
        const words = String(line.msg)
        if (doubts.has(words)) yield `${member.id} says in its log: ${JSON.stringify(line)}`
      }
    }
  }
}

/** A killed process, a stopped disk or a cut line explains none of these. */
const doubts = new Set([
  'halted',
  'retired',
  'cosignature contradicts',
  'cosignature bad',
  'message badly signed',
  'message malformed',
  'batch malformed',
  'derived rows damaged',
  'journal damaged',
  'receipts lost',
  'attestation damaged',
  'block damaged',
  'block malformed',
  'block refused',
  'peer refused',
  'this start is refused',
  'disk-slot-damaged',
])

function wrongProof({ sent, answer }: Given, policy: Policy): string | undefined {
  try {
    const path = answer.proof.path.map((hash) => fromBase64(hash)!)
    const proofFile = formatProofFile({ index: Number(answer.index), path, note: parseNote(answer.certificate) })
    verifyProofFile({ policy, proofFile, entry: fromBase64(answer.entry)! })
  } catch (error) {
    return `record ${answer.index} was given with a proof that is none: ${(error as Error).message}`
  }
  return answer.statementId === sent.id ? undefined : `record ${answer.index} was given for another statement`
}

async function eachOf<Thing, Result>(
  things: readonly Thing[],
  look: (thing: Thing) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = []
  const queue = [...things.entries()]
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) results[next[0]] = await look(next[1])
  }
  await Promise.all(Array.from({ length: readersMax }, worker))
  return results
}
