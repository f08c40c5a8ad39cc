/**
 * Rule 9, computed again from the bytes alone: every committed block names the one before it, its size and root are those of the tree over all
 * leaves so far, and every statement in it carries a good signature.
 */
import { toHex } from '../../../src/chain/bytes.ts'
import { leafHash, TreeFrontier } from '../../../src/chain/merkle-tree.ts'
import type { Watch } from '../watch.ts'
import type { World } from '../world.ts'
import { alongTheChain } from './along-the-chain.ts'

const name = 'chain-adds-up'

export function chainAddsUp(world: World): Watch {
  const tree = new TreeFrontier()
  tree.append(leafHash(world.genesis.entry))
  let root = toHex(tree.root())
  let last: string | undefined
  return alongTheChain(({ block: { id, header }, execution: { leaves } }) => {
    const wrong = (what: string): void => world.violated(name, `block ${header.height} ${what}`)
    if (last !== undefined && header.parent !== last) wrong('does not name the one before it')
    last = id
    for (const { bytes, statement } of leaves) {
      tree.append(leafHash(bytes))
      if (statement === undefined) continue
      const { signingKey: publicKey, message, signature } = statement
      if (!world.signatures.verify({ publicKey, message, signature })) wrong('holds a statement that nobody signed')
    }
    if (leaves.length > 0) root = toHex(tree.root())
    if (header.size !== tree.size) wrong(`claims ${header.size} leaves of ${tree.size}`)
    if (header.root !== root) wrong('claims a root that its leaves do not have')
  })
}
