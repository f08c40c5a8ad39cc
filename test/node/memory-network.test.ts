/** What the simulated network adds to the contract: delays, cuts of one or both directions, partitions, and the same run twice. */
import { beforeEach, describe, expect, test } from 'vitest'
import { type MemoryNetwork, MemoryNetworkWorld } from '../../src/node/memory-network.ts'
import type { MemberId } from '../../src/node/ports.ts'
import { patterned, Recorder } from '../contract/network-contract.ts'
import { SeededRandom, VirtualClock } from '../contract/virtual-clock.ts'

const options = { delayMs: 10, silenceMs: 5_000, reconnectMs: 200 }

describe('the memory network', () => {
  let clock: VirtualClock
  let world: MemoryNetworkWorld
  let nodes: Map<MemberId, MemoryNetwork>
  let recorders: Map<MemberId, Recorder>

  const startNode = (member: MemberId): void => {
    const recorder = new Recorder()
    recorders.set(member, recorder)
    nodes.set(member, world.node(member))
    nodes.get(member)!.start(recorder)
  }
  const at = (member: MemberId): Recorder => recorders.get(member)!
  const say = (from: MemberId, to: MemberId, seed = 0): void =>
    nodes.get(from)!.send(to, 'control', patterned(10, seed))

  beforeEach(() => {
    clock = new VirtualClock()
    world = new MemoryNetworkWorld(options, { clock, random: new SeededRandom(5) })
    nodes = new Map()
    recorders = new Map()
    for (const member of ['a', 'b', 'c', 'd']) startNode(member)
    clock.advance(1_000)
    for (const recorder of recorders.values()) expect(recorder.up.size).toBe(3)
  })

  test('a message takes the delay of its direction', () => {
    world.setDelay('a', 'b', 70)
    const sentAt = clock.monotonic()
    say('a', 'b')
    say('b', 'a')
    clock.until(() => at('a').received.length === 1, 'b’s message')
    expect(clock.monotonic() - sentAt).toBe(10)
    clock.until(() => at('b').received.length === 1, 'a’s message')
    expect(clock.monotonic() - sentAt).toBe(70)
  })

  test('a process that is held when a connection comes says nothing there before it is told of it', () => {
    const held: (() => void)[] = []
    nodes.get('a')!.stop()
    clock.advance(1_000)
    nodes.set('a', world.node('a'))
    recorders.set('a', new Recorder())
    nodes.get('a')!.start(at('a'), (event) => held.push(event))
    clock.advance(1_000)
    expect(at('b').up).toContain('a')
    say('a', 'b')
    for (const event of held.splice(0)) event()
    say('a', 'b', 1)
    clock.advance(1_000)
    expect(at('b').received.map(({ bytes }) => bytes[0])).toEqual([1])
  })

  test('a wire cut for a moment holds messages back and loses none', () => {
    world.cut('a', 'b')
    for (let index = 0; index < 5; index++) say('a', 'b', index)
    clock.advance(4_000)
    expect(at('b').received).toEqual([])
    world.mend('a', 'b')
    clock.advance(100)
    expect(at('b').received.map(({ bytes }) => bytes[0])).toEqual([0, 1, 2, 3, 4])
    expect(at('a').peerEvents.filter((event) => event.startsWith('b'))).toEqual(['b up'])
  })

  test('one direction cut for longer breaks the connection for both, until it is mended', () => {
    world.cut('a', 'b')
    say('a', 'b')
    say('b', 'a', 7)
    clock.advance(6_000)
    expect(at('a').received.map(({ bytes }) => bytes[0])).toEqual([7])
    expect([at('a').up.has('b'), at('b').up.has('a')]).toEqual([false, false])
    world.mend('a', 'b')
    clock.advance(1_000)
    expect([at('a').up.has('b'), at('b').up.has('a')]).toEqual([true, true])
    expect(at('b').received).toEqual([])
  })

  test('a partition parts exactly the groups, and heals', () => {
    world.partition([
      ['a', 'b'],
      ['c', 'd'],
    ])
    clock.advance(6_000)
    expect([...at('a').up]).toEqual(['b'])
    expect([...at('c').up]).toEqual(['d'])
    world.partition([['a', 'b', 'c'], ['d']])
    clock.advance(6_000)
    expect([...at('c').up].sort()).toEqual(['a', 'b'])
    world.heal()
    clock.advance(1_000)
    for (const recorder of recorders.values()) expect(recorder.up.size).toBe(3)
  })

  test('a process that stops is noticed at once, a machine that vanishes by its silence', () => {
    nodes.get('b')!.stop()
    nodes.get('c')!.vanish()
    clock.advance(10)
    expect([...at('a').up].sort()).toEqual(['c', 'd'])
    say('a', 'c')
    clock.advance(5_000)
    expect([...at('a').up]).toEqual(['d'])
    expect(at('c').peerEvents.length).toBe(3)
  })

  test('a machine that comes back before it was missed replaces its old connections', () => {
    nodes.get('b')!.vanish()
    startNode('b')
    clock.advance(1_000)
    expect(at('a').peerEvents.filter((event) => event.startsWith('b'))).toEqual(['b up', 'b down', 'b up'])
    expect(at('b').up.size).toBe(3)
    say('a', 'b', 3)
    clock.advance(100)
    expect(at('b').received.length).toBe(1)
  })

  test('the same seed gives the same run', () => {
    const run = (): string[] => {
      const time = new VirtualClock()
      const random = new SeededRandom(11)
      const other = new MemoryNetworkWorld({ delayMs: 5, jitterMs: 40 }, { clock: time, random })
      const trace: string[] = []
      const members = ['a', 'b', 'c']
      const opened = members.map((member) => {
        const network = other.node(member)
        network.start({
          onPeer: (peer, up) => void trace.push(`${time.monotonic()} ${member} ${peer} ${up}`),
          onMessage: (from, lane, bytes, release) => {
            trace.push(`${time.monotonic()} ${member} ${from} ${lane} ${bytes.length}`)
            release()
          },
        })
        return network
      })
      time.advance(500)
      for (let index = 0; index < 200; index++) {
        opened[index % 3]!.send(members[random.below(3)]!, 'append', new Uint8Array(random.below(5_000)))
        time.advance(random.below(10))
        if (index === 100) other.breakConnection('a', 'b')
      }
      time.advance(10_000)
      return trace
    }
    const trace = run()
    expect(trace.length).toBeGreaterThan(100)
    expect(run()).toEqual(trace)
  })
})
