/**
 * From what contradicts itself to fault proofs: two heads of one cosign key, two blocks or batches of one seal key, a batch with an entry that is
 * wrong by its bytes alone. Whatever is put together here is checked by `verifyFault` as anybody will check it; what does not convict is dropped.
 */
import type { Batch } from '../../chain/batch.ts'
import { type Block, blockSealMessage } from '../../chain/block.ts'
import { concat } from '../../chain/bytes.ts'
import { type Epoch, epochNumbered } from '../../chain/epoch.ts'
import { type FaultProof, type Sealed, verifyFault } from '../../chain/fault.ts'
import { type HashReader, inclusionPath } from '../../chain/merkle-tree.ts'
import { hashReaderOfTiles, tilePath, tileWidth } from '../../chain/tile.ts'
import { VerificationError } from '../../chain/verification-error.ts'
import type { AuditStore } from './audit-store.ts'
import { asked } from './block-feed.ts'
import { firstDifferentLeaf } from './comparing.ts'
import type { MemberHead, ServedHead } from './served-head.ts'
import type { Source } from './source.ts'

/** Only what convicts. */
const convicting = (proofs: readonly FaultProof[]): FaultProof[] =>
  proofs.filter((proof) => {
    try {
      verifyFault(proof)
      return true
    } catch (error) {
      if (error instanceof VerificationError) return false
      throw error
    }
  })

/** A block that did not pass and the one that did at its height: two seals of one leader, two batches of one node. */
export function blockFaults(
  wrong: Block,
  right: Block,
  { ledger, newest }: { readonly ledger: string; readonly newest: Epoch },
): readonly FaultProof[] {
  const kidOf = (member: string): string => sealKidOf(member, wrong.header.epoch, newest)
  const sealed = ({ header, seal }: Block): Sealed => ({
    message: blockSealMessage({ ledger, epoch: header.epoch }, header),
    signature: seal,
  })
  const proofs: FaultProof[] = [
    { kid: kidOf(wrong.header.leader), form: 'sealed', first: sealed(right), second: sealed(wrong) },
  ]
  for (const first of right.batches) {
    for (const second of wrong.batches) {
      if (first.member === second.member) proofs.push({ kid: kidOf(first.member), form: 'sealed', first, second })
    }
  }
  return convicting(proofs)
}

const sealKidOf = (member: string, epoch: number, newest: Epoch): string =>
  epochNumbered(newest, epoch)?.members.find(({ id }) => id === member)?.node.seal ?? ''

/** A batch of that epoch whose item `at` is no statement, or is not signed as it says. */
export function batchFaults(batch: Batch, at: number, epoch: number, newest: Epoch): readonly FaultProof[] {
  const kid = sealKidOf(batch.member, epoch, newest)
  const { message, signature, items } = batch
  const proof: FaultProof = {
    kid,
    form: 'invalid',
    batch: { message, signature },
    items: items.map(({ leaf, promised }) => concat(leaf, Uint8Array.of(promised ? 1 : 0))),
    at,
    entry: items[at]!.entry,
  }
  return convicting([proof])
}

/**
 * A head that is not of our tree, against every head of it that the same members signed. Where the sizes differ the source has to show the entry in
 * which the trees differ; when it does not, or its tiles do not lead to its head, there is no proof.
 */
export async function headFaults(
  source: Source,
  head: ServedHead,
  ours: readonly MemberHead[],
  store: AuditStore,
): Promise<readonly FaultProof[]> {
  const proofs: FaultProof[] = []
  let differing: Shown | undefined
  let isAsked = false
  for (const { member, ...second } of head.cosigned) {
    const others = ours.filter((each) => each.member.id === member.id)
    const kid = member.node.cosign
    const sameSize = others.find(({ checkpoint }) => sizeOf(checkpoint) === head.size)
    if (sameSize !== undefined) {
      proofs.push({ kid, form: 'heads', first: headOf(sameSize), second })
      continue
    }
    if (!isAsked) {
      isAsked = true
      differing = await shownDifference(source, head, store)
    }
    if (differing === undefined) continue
    const { index } = differing
    const larger = others.find(({ checkpoint }) => sizeOf(checkpoint) > index)
    if (larger === undefined) continue
    const read = store.hashReader(sizeOf(larger.checkpoint))
    const first = { leaf: read(0, index), path: inclusionPath(index, sizeOf(larger.checkpoint), read) }
    const differ = { index, first, second: differing.shown }
    proofs.push({ kid, form: 'heads', first: headOf(larger), second, differ })
  }
  return convicting(proofs)
}

const headOf = ({ checkpoint, timeSeconds, signature }: MemberHead) => ({ checkpoint, timeSeconds, signature })
export const sizeOf = (checkpoint: string): number => Number(checkpoint.split('\n')[1])

interface Shown {
  readonly index: number
  readonly shown: { readonly leaf: Uint8Array; readonly path: readonly Uint8Array[] }
}

async function shownDifference(source: Source, head: ServedHead, store: AuditStore): Promise<Shown | undefined> {
  const index = await firstDifferentLeaf(source, store, Math.min(head.size, store.size), head.size)
  if (typeof index !== 'number') return undefined
  return pathOfSource(source, index, head.size)
}

/** The path in the source's tree, as its tiles have it. A reader is synchronous, so what it lacks is fetched and it is asked again. */
async function pathOfSource(source: Source, index: number, size: number): Promise<Shown | undefined> {
  const tiles = new Map<string, Uint8Array>()
  const read: HashReader = hashReaderOfTiles(size, (level, at, width) => {
    const held = tiles.get(tilePath(level, at, width))
    if (held === undefined) throw new Lacking(level, at)
    return held
  })
  for (;;) {
    try {
      return { index, shown: { leaf: read(0, index), path: inclusionPath(index, size, read) } }
    } catch (error) {
      if (!(error instanceof Lacking)) throw error
      const width = tileWidth(error.level, error.index, size)
      const file = tilePath(error.level, error.index, width)
      const answer = await asked(source, file, width * 32)
      if (answer.kind === 'failed' || answer.bytes?.length !== width * 32) return undefined
      tiles.set(file, answer.bytes)
    }
  }
}

class Lacking extends Error {
  readonly level: number
  readonly index: number
  constructor(level: number, index: number) {
    super('a tile that is not here yet')
    this.level = level
    this.index = index
  }
}
