/**
 * The claim, across terms of an epoch (rules 8 and 13): if CC(B) exists, every certified block that ranks above B extends B. The next epoch
 * extends the block that closed this one, and no block above that (rule 19): `epochs-follow.ts`.
 */
import type { Watch } from '../watch.ts'
import { compareRanks, type Rank, type Ref, rankText } from '../word.ts'
import type { World } from '../world.ts'
import { evidenceOf } from './evidence.ts'

const name = 'certified-extends-committed'

/** Blocks in the order of their ranks; what comes in late is low and seldom. */
class Ranked {
  readonly blocks: Ref[] = []
  readonly #ids = new Set<string>()

  /** False when it is there already. */
  add(block: Ref): boolean {
    if (this.#ids.has(block.id)) return false
    this.#ids.add(block.id)
    let at = this.blocks.length
    while (at > 0 && compareRanks(this.blocks[at - 1]!, block) > 0) at--
    this.blocks.splice(at, 0, block)
    return true
  }

  below(rank: Rank): Ref | undefined {
    return this.blocks.findLast((block) => compareRanks(block, rank) < 0)
  }
}

export function certifiedExtendsCommitted(world: World): Watch {
  const evidence = evidenceOf(world)
  const epochs = new Map<number, { readonly certified: Ranked; readonly locked: Ranked }>()

  const compare = (above: Ref, below: Ref): void => {
    if (evidence.ancestorAt(above.id, below.height)?.id === below.id) return
    world.violated(
      name,
      `${rankText(above)} was certified and does not extend ${rankText(below)}, for which q members signed LOCK`,
    )
  }

  return {
    word(_process, word) {
      if (word.kind !== 'ACK' && word.kind !== 'LOCK') return
      const { block } = word
      const { certified, locked } = epochs.get(word.epoch) ?? { certified: new Ranked(), locked: new Ranked() }
      epochs.set(word.epoch, { certified, locked })
      if (evidence.isCertified(block.id, word.epoch) && certified.add(block)) {
        // The highest of those below it extends all the others, or was found out before.
        const below = locked.below(block)
        if (below !== undefined) compare(block, below)
      }
      if (word.kind !== 'LOCK' || !evidence.isLocked(block.id, word.epoch) || !locked.add(block)) return
      for (let i = certified.blocks.length - 1; i >= 0; i--) {
        const above = certified.blocks[i]!
        if (compareRanks(above, block) <= 0) return
        compare(above, block)
      }
    },
  }
}
