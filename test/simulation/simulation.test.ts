import { describe, expect, it } from 'vitest'
import { World } from './world.ts'

function run(seed: number): { readonly hash: string; readonly sizes: readonly (number | undefined)[] } {
  const world = new World({ memberCount: 4, seed })
  for (const id of world.ids) world.start(id)
  world.runTo(3_000)
  for (const id of world.ids) world.machine(id).process!.replica.submit(world.statement(id, 'k'), () => undefined)
  world.runTo(6_000)
  expect(world.violation).toBeUndefined()
  return { hash: world.trace.hash, sizes: world.honest.map(({ replica }) => replica.attested?.size) }
}

describe('the simulator', () => {
  it('runs whole nodes to an attested record, the same run for the same seed and another for another', () => {
    const first = run(1)
    expect(first.sizes.length).toBe(4)
    expect(new Set(first.sizes).size).toBe(1)
    expect(first.sizes[0]).toBeGreaterThan(4)
    expect(run(1)).toEqual(first)
    expect(run(2).hash).not.toBe(first.hash)
  })
})
