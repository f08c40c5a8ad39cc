/** Rules over the words of one key after another, whatever else happened: what rule 30 convicts a member for, and a stranger could check. */
import type { MemberId } from '../../../src/node/ports.ts'
import type { Watch } from '../watch.ts'
import type { Word } from '../word.ts'
import type { World } from '../world.ts'

/** Hears one word after another, of all nodes, and tells what is wrong. A member's next node has other keys, and is somebody else. */
export type WordRule = (violated: (text: string) => void) => (node: string, word: Word, member?: MemberId) => void

/** Holds the keys of honest members to a rule, from the first start to the last: a restart excuses nothing. */
export function holdToWord(name: string, rule: WordRule, world: World): Watch {
  const hear = rule((text) => world.violated(name, text))
  return {
    word({ member, node }, word) {
      const { isLiar, isLost } = world.machine(member)
      if (!isLiar && !isLost) hear(node, word, member)
    },
  }
}

/** What must be said of a thing at most once: the same again is no contradiction. */
export class Once {
  readonly #said = new Map<string, string>()

  /** False when something else was said of it before. */
  isSame(of: string, said: string): boolean {
    const held = this.#said.get(of)
    if (held === undefined) this.#said.set(of, said)
    return held === undefined || held === said
  }
}
