/** Both twins of the `Network` port under one contract. */
import { expect } from 'vitest'
import type { MemoryNetwork } from '../../src/node/memory-network.ts'
import { MemoryNetworkWorld } from '../../src/node/memory-network.ts'
import type { MemberId } from '../../src/node/ports.ts'
import { pass, type TestNode, testNode, until } from '../node/network-fixture.ts'
import { TcpProxy } from '../node/tcp-proxy.ts'
import { type NetworkWorld, networkContract } from './network-contract.ts'
import { SeededRandom, VirtualClock } from './virtual-clock.ts'

networkContract('memory', () => memoryWorld(0))
networkContract('memory with jitter', () => memoryWorld(20))
networkContract('libp2p', libp2pWorld)

function memoryWorld(jitterMs: number): NetworkWorld {
  const clock = new VirtualClock()
  const world = new MemoryNetworkWorld({ jitterMs }, { clock, random: new SeededRandom(1) })
  const nodes = new Map<MemberId, MemoryNetwork>()
  return {
    open: async (members) => {
      for (const member of members) nodes.set(member, world.node(member))
      return nodes
    },
    until: async (condition, what) => clock.until(condition, what),
    pass: async (ms) => clock.advance(ms),
    breakConnection: (a, b) => world.breakConnection(a, b),
    restart: async (member) => {
      nodes.get(member)!.stop()
      const again = world.node(member)
      nodes.set(member, again)
      return again
    },
    close: async () => undefined,
  }
}

/** Real nodes; every connection passes through a proxy, so that it can be broken from outside. */
function libp2pWorld(): NetworkWorld {
  const nodes = new Map<MemberId, TestNode>()
  const wires = new Map<string, TcpProxy>()
  let members: readonly MemberId[] = []
  const open = async (member: MemberId): Promise<void> => {
    nodes.set(member, await testNode(member, { knows: members.filter((other) => other !== member) }))
  }
  const wire = async (from: MemberId, to: MemberId): Promise<void> => {
    const proxy = await TcpProxy.to(nodes.get(to)!.network.addresses()[0]!)
    await wires.get(`${from} ${to}`)?.close()
    wires.set(`${from} ${to}`, proxy)
    nodes.get(from)!.network.setAddresses(to, [proxy.address])
  }
  const wireAll = async (which: (from: MemberId, to: MemberId) => boolean): Promise<void> => {
    for (const from of members) for (const to of members) if (from !== to && which(from, to)) await wire(from, to)
  }
  return {
    open: async (opened) => {
      members = opened
      await Promise.all(members.map(open))
      await wireAll(() => true)
      return new Map([...nodes].map(([member, { network }]) => [member, network]))
    },
    until,
    pass,
    breakConnection: (a, b) => {
      wires.get(`${a} ${b}`)!.cut()
      wires.get(`${b} ${a}`)!.cut()
    },
    restart: async (member) => {
      await nodes.get(member)!.network.stop()
      await open(member)
      await wireAll((from, to) => from === member || to === member)
      return nodes.get(member)!.network
    },
    close: async () => {
      await Promise.all([...nodes.values()].map(({ network }) => network.stop()))
      await Promise.all([...wires.values()].map((proxy) => proxy.close()))
      for (const { fatal } of nodes.values()) expect(fatal).toEqual([])
    },
  }
}
