/** Rules 23, 25 and 26, "same statement never twice": a statement is a record once, and a (party, key) stands for one statement. */
import type { Watch } from '../watch.ts'
import type { World } from '../world.ts'
import { alongTheChain } from './along-the-chain.ts'

const name = 'one-record-per-statement'

export function oneRecordPerStatement(world: World): Watch {
  const indices = new Map<string, number>()
  const statements = new Map<string, string>()
  return alongTheChain(({ execution: { leaves, firstIndex } }) => {
    leaves.forEach(({ kind, statement }, i) => {
      if (kind !== 'record' || statement === undefined) return
      const index = firstIndex + i
      const { id, party, key } = statement
      const before = indices.get(id)
      if (before !== undefined) world.violated(name, `records ${before} and ${index} are the same statement`)
      indices.set(id, index)
      const place = `${party} ${key}`
      const other = statements.get(place)
      if (other !== undefined && other !== id)
        world.violated(name, `records ${indices.get(other)} and ${index} stand under the same key ${place}`)
      statements.set(place, id)
    })
  })
}
