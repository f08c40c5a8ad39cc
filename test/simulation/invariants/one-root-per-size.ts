/**
 * Rules 15 and 30: of all honest keys together no two roots for one size, and of each no size smaller than one before. Rule 22: who goes on after
 * a re-founding does so with other keys, which agree among themselves; what the old ones said of sizes above its start is void.
 */
import type { Watch } from '../watch.ts'
import type { World } from '../world.ts'
import { holdToWord, Once, type WordRule } from './word-rule.ts'

/** `eraOf`: how many re-foundings a key came after. */
export const rootPerSizeInEra =
  (eraOf: (node: string) => number): WordRule =>
  (violated) => {
    const roots = new Once()
    const sizes = new Map<string, number>()
    return (node, word, member = node) => {
      if (word.kind !== 'COSIGN') return
      const { size, root } = word
      if (!roots.isSame(`${eraOf(node)} ${size}`, root)) violated(`${member}: two roots cosigned for size ${size}`)
      const before = sizes.get(node) ?? 0
      if (size < before) violated(`${member}: size ${size} cosigned after ${before}`)
      sizes.set(node, Math.max(size, before))
    }
  }

export const oneRootPerSizeRule = rootPerSizeInEra(() => 0)

export const oneRootPerSize = (world: World): Watch => holdToWord('one-root-per-size', oneRootPerSizeRule, world)
