/**
 * Rule 19: an epoch ends with the block whose last record closes it. Above that block the old epoch has nothing but blocks that add nothing,
 * and none of them is ever committed; the new epoch begins on the very block, which q of the old members have attested, and shows that.
 */
import type { Watch } from '../watch.ts'
import type { World } from '../world.ts'
import { alongTheChain } from './along-the-chain.ts'
import { blocksIn, evidenceOf } from './evidence.ts'

const name = 'epochs-follow'

export function epochsFollow(world: World): Watch {
  const evidence = evidenceOf(world)
  let current = world.epoch
  let isFirst = false

  return {
    ...alongTheChain(({ block: { id, header, carried }, execution: { leaves }, point: { next } }) => {
      const { height } = header
      const wrong = (what: string): void => world.violated(name, `block ${height} ${what}`)
      if (header.epoch !== current.number) wrong(`is of epoch ${header.epoch}, in epoch ${current.number}`)
      if (isFirst) {
        const { block, size, root } = current.start
        if (header.parent !== block.id) wrong('begins an epoch, and not on the block that closed the one before')
        if (carried.attestation?.size !== size || carried.attestation.root !== root)
          wrong('begins an epoch without the attestation of its start')
        if (!evidence.isAttested(size, root)) wrong('begins an epoch whose start nobody can have attested')
        isFirst = false
      }
      const isClosing = leaves.some(
        ({ kind, statement }) => kind === 'record' && world.closings.has(statement?.key ?? ''),
      )
      if (isClosing !== (next !== undefined))
        return wrong('closes an epoch without such a record, or does not with one')
      if (next === undefined) return
      if (!world.closings.has(leaves.at(-1)?.statement?.key ?? ''))
        wrong('has records behind the one that closed its epoch')
      const { number, start, previous } = next
      if (number !== current.number + 1 || previous?.number !== current.number)
        wrong(`leads from epoch ${current.number} to ${number}`)
      if (start.block.id !== id || start.size !== header.size || start.root !== header.root)
        wrong('closes an epoch, and the next is to begin elsewhere')
      current = next
      isFirst = true
    }),
    wrote({ member }, { rows = [] }) {
      if (current.previous === undefined) return
      for (const { bytes } of blocksIn(rows)) {
        const block = evidence.blockIn(bytes)
        if (block === undefined) continue
        const { start } = world.epochNumbered(block.epoch + 1) ?? {}
        if (start === undefined || block.height <= start.block.height || block.size === start.size) continue
        if (evidence.ancestorAt(block.id, start.block.height)?.id === start.block.id)
          world.violated(
            name,
            `${member} stored block ${block.height} of epoch ${block.epoch}, which adds to a closed epoch`,
          )
      }
    },
  }
}
