/**
 * The end of a run (consensus.md section 5, liveness): all who are honest and kept their disks have the same chain byte for byte, have derived the
 * same rows from it, and have nothing on its way; the tree's root follows from its leaves; and every answer that anybody was ever given is true at each of them. Who is no member of
 * the last epoch follows all the same; what it had given receipts for it cannot bring to the ledger any more.
 */
import { equalBytes, toHex } from '../../../src/chain/bytes.ts'
import { leafHash, TreeFrontier } from '../../../src/chain/merkle-tree.ts'
import type { Height } from '../../../src/chain/numbers.ts'
import type { NodeProcess } from '../node-process.ts'
import type { Answer, Watch } from '../watch.ts'
import type { World } from '../world.ts'
import { evidenceOf } from './evidence.ts'

const name = 'all-alike-at-the-end'

export function allAlikeAtTheEnd(world: World): Watch {
  const evidence = evidenceOf(world)
  const answers: { readonly answer: Answer; readonly node: string }[] = []

  /** A damaged block is fetched again when somebody reads it; until then it is not what it was. */
  const isDamaged = ({ member }: NodeProcess): boolean => world.machine(member).isDamaged

  const checkRest = ({ member, replica }: NodeProcess): void => {
    const { raft, pendingCount, hindrances, attested, ledger } = replica
    const { size } = ledger.committed.frontier
    const isListed = world.isListed(world.machine(member))
    const expected = isListed ? [] : ['node.not-a-member']
    if (hindrances.join() !== expected.join())
      world.violated(name, `${member} is not at rest: ${hindrances.join(', ') || 'it takes itself for a member'}`)
    if (isListed && pendingCount > 0) world.violated(name, `${member} has ${pendingCount} statements waiting`)
    if (raft.tail.height !== raft.commit) world.violated(name, `${member} has uncommitted blocks`)
    if (attested?.size !== size) world.violated(name, `${member}: ${attested?.size} attested of ${size} committed`)
  }

  const checkTree = ({ member, replica }: NodeProcess): void => {
    const { frontier, root } = replica.ledger.committed
    const tree = new TreeFrontier()
    for (let index = 0; index < frontier.size; index++) {
      const leaf = replica.store.leaf(index)
      if (leaf === undefined) return world.violated(name, `${member} has no leaf ${index}`)
      tree.append(leafHash(leaf.bytes))
    }
    if (toHex(tree.root()) !== root)
      world.violated(name, `${member}: the leaves do not make its root of size ${frontier.size}`)
  }

  const checkSame = (one: NodeProcess, other: NodeProcess): void => {
    const [head, otherHead] = [one.replica.ledger.committed, other.replica.ledger.committed]
    if (head.block.id !== otherHead.block.id || head.root !== otherHead.root)
      return world.violated(name, `${one.member} and ${other.member} end in two blocks`)
    if (isDamaged(one) || isDamaged(other)) return
    // Whoever was there, caught up, or made all of it again: state and indexes are to the row what the blocks say.
    const [sum, otherSum] = [one, other].map(({ replica }) => replica.store.applied()?.sum)
    if (sum === undefined || otherSum === undefined || !equalBytes(sum, otherSum))
      return world.violated(name, `${one.member} and ${other.member} have not derived the same from the same blocks`)
    for (let height = 1; height <= head.block.height; height++) {
      const [bytes, otherBytes] = [one, other].map(({ replica }) => replica.store.blockBytes(height as Height))
      if (bytes === undefined || otherBytes === undefined || !equalBytes(bytes, otherBytes))
        return world.violated(name, `${one.member} and ${other.member} do not have the same bytes of block ${height}`)
    }
  }

  const isTrueAt = ({ replica: { store } }: NodeProcess, answer: Answer, node: string): boolean => {
    const { statement, member } = answer
    switch (answer.kind) {
      case 'record':
        return store.indexOfStatement(statement) === answer.index
      case 'refusal':
        return store.indexOfRefusal(statement, member) === answer.index
      case 'receipt':
        // A disk that was damaged may have lost its journal.
        return (
          !evidence.isBound(member) ||
          !world.isMemberNode(member, node) ||
          world.machine(member).isDamaged ||
          store.indexOfStatement(statement) !== undefined ||
          store.indexOfRefusal(statement, member) !== undefined
        )
      case 'read':
        return answer.index === undefined || store.indexOfStatement(statement) === answer.index
      case 'rejected':
        return true
    }
  }

  return {
    answered(answer) {
      answers.push({ answer, node: world.machine(answer.member).founded.member.node.id })
    },
    finished() {
      const running: NodeProcess[] = []
      for (const { process, founded } of world.machines.values()) {
        const { id } = founded.member
        if (!evidence.isBound(id)) continue
        if (process?.isStarted === true) running.push(process)
        else world.violated(name, `${id} does not run`)
      }
      // Compared with all others: one whose disk was never damaged, if there is one.
      const first = running.find((process) => !isDamaged(process)) ?? running[0]
      if (first === undefined) return world.violated(name, 'nobody honest runs')
      for (const process of running) {
        checkRest(process)
        if (!isDamaged(process)) checkTree(process)
        if (process !== first) checkSame(first, process)
        for (const { answer, node } of answers) {
          if (!isTrueAt(process, answer, node))
            return world.violated(name, `no longer true at ${process.member}: ${JSON.stringify(answer)}`)
        }
      }
    },
  }
}
