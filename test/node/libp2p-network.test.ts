/** What only the real network can get wrong: strangers, wrong ledgers, liars with a member's key, dead lines, two connections. */
import { once } from 'node:events'
import { connect, Socket } from 'node:net'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import type { Connection, Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { Refusal } from '../../src/chain/refusal.ts'
import { type FrameType, FrameWriter, frameType, u32Bytes } from '../../src/node/framing.ts'
import { encodeHello, type Hello, networkProtocolVersion } from '../../src/node/handshake.ts'
import { gatheredBytes } from '../../src/node/libp2p-guard.ts'
import { peerIdOf, protocolOf, startLibp2p } from '../../src/node/libp2p-node.ts'
import { defaultNetworkLimits } from '../../src/node/network-limits.ts'
import { lanes, type MemberId } from '../../src/node/ports.ts'
import { patterned, Recorder } from '../contract/network-contract.ts'
import { SeededRandom } from '../contract/virtual-clock.ts'
import {
  introduce,
  networkKeyOf,
  pass,
  seedOf,
  type TestNode,
  type TestNodeOptions,
  testNode,
  until,
} from './network-fixture.ts'
import { TcpProxy } from './tcp-proxy.ts'

const closing: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function node(member: MemberId, options: TestNodeOptions): Promise<TestNode & { recorder: Recorder }> {
  const opened = await testNode(member, options)
  closing.push(async () => {
    await opened.network.stop()
    expect(opened.fatal).toEqual([])
  })
  return { ...opened, recorder: new Recorder() }
}

async function proxyTo(target: TestNode): Promise<TcpProxy> {
  const proxy = await TcpProxy.to(target.network.addresses()[0]!)
  closing.push(() => proxy.close())
  return proxy
}

const start = (...nodes: (TestNode & { recorder: Recorder })[]): void => {
  for (const { network, recorder } of nodes) network.start(recorder)
}

describe('who is let in', () => {
  test('a peer of another ledger is refused by both sides, and dialled again only after long', async () => {
    const a = await node('a', { knows: ['b'] })
    const b = await node('b', { knows: ['a'], ledger: 'cd'.repeat(32) })
    introduce(
      new Map([
        ['a', a],
        ['b', b],
      ]),
    )
    start(a, b)
    await until(() => a.log.has('network.wrong-ledger') && b.log.has('network.wrong-ledger'), 'both say why')
    await until(() => a.network.peerStatus()[0]!.nextDialInMs !== null, 'a waits')
    const [status] = a.network.peerStatus()
    expect(status!.lastCode).toBe('network.wrong-ledger')
    expect(status!.nextDialInMs).toBeGreaterThan(20_000)
    expect([a.recorder.up.size, b.recorder.up.size]).toEqual([0, 0])
  })

  test.each<[string, TestNodeOptions, string]>([
    ['of another genesis', { knows: ['a'], genesis: 'ef'.repeat(32) }, 'network.wrong-genesis'],
    ['with a retired node id', { knows: ['a'], node: 'node-b-before' }, 'network.wrong-node'],
  ])('a peer %s is refused', async (_, options, code) => {
    const a = await node('a', { knows: ['b'] })
    const b = await node('b', options)
    introduce(
      new Map([
        ['a', a],
        ['b', b],
      ]),
    )
    start(a, b)
    await until(() => a.log.has(code), 'a says why')
    expect(a.recorder.up.size).toBe(0)
  })

  test('a stranger is refused as soon as noise has shown its key, and logged once', async () => {
    const a = await node('a', { knows: ['b'] })
    const stranger = await node('stranger', { knows: ['a'] })
    stranger.network.setAddresses('a', a.network.addresses())
    start(a, stranger)
    await until(() => a.log.has('network.not-a-member'), 'a says why')
    await until(
      () =>
        stranger.log.lines.filter(
          ({ event }) => event === 'dial failed' || event === 'connection refused' || event === 'connection closed',
        ).length > 0,
      'the stranger is told',
    )
    await pass(500)
    expect(a.log.lines.filter(({ fields }) => fields.code === 'network.not-a-member').length).toBe(1)
    expect(stranger.recorder.up.size).toBe(0)
  })

  test('another node at a member’s address is not taken for the member', async () => {
    const a = await node('a', { knows: ['b'] })
    const c = await node('c', { knows: ['a'] })
    a.network.setAddresses(
      'b',
      c.network.addresses().map((address) => address.replace(/\/p2p\/.*/, '')),
    )
    start(a, c)
    await until(() => a.log.has('network.wrong-key'), 'a says why')
    expect(a.recorder.up.size).toBe(0)
  })

  test('out and in: only the side that may dial does', async () => {
    const a = await node('a', { knows: ['b'], dial: 'in' })
    const b = await node('b', { knows: ['a'], dial: 'out' })
    introduce(
      new Map([
        ['a', a],
        ['b', b],
      ]),
    )
    start(a, b)
    await until(() => a.recorder.up.has('b') && b.recorder.up.has('a'), 'connected')
    expect(a.network.peerStatus()[0]).toMatchObject({ isConnected: true, direction: 'inbound', nextDialInMs: null })
    expect(b.network.peerStatus()[0]).toMatchObject({ isConnected: true, direction: 'outbound' })
  })

  test('a member that may not dial us is refused', async () => {
    const a = await node('a', { knows: ['b'], dial: 'out' })
    const b = await node('b', { knows: ['a'], dial: 'out' })
    b.network.setAddresses('a', a.network.addresses())
    start(a, b)
    await until(() => a.log.has('network.wrong-direction'), 'a says why')
    expect(b.recorder.up.size).toBe(0)
  })

  test('nothing is let in before start', async () => {
    const a = await node('a', { knows: ['b'] })
    const b = await node('b', { knows: ['a'] })
    b.network.setAddresses('a', a.network.addresses())
    start(b)
    await until(() => b.log.has('network.unreachable'), 'b is refused')
    start(a)
    await until(() => a.recorder.up.has('b') && b.recorder.up.has('a'), 'b tries again')
  })
})

describe('configuration', () => {
  test('an address that is none, or names somebody else, is refused in plain words', async () => {
    const a = await node('a', { knows: ['b'] })
    expect(() => a.network.setAddresses('b', ['127.0.0.1:9000'])).toThrow(Refusal)
    expect(() => a.network.setAddresses('b', [`/ip4/127.0.0.1/tcp/1/p2p/${peerIdOf(networkKeyOf('c'))}`])).toThrow(
      /not that of the member/,
    )
    a.network.setAddresses('b', [`/dns4/b.example/tcp/9000/p2p/${peerIdOf(networkKeyOf('b'))}`])
  })

  test('a port in use, and a key listed twice, too', async () => {
    const a = await node('a', { knows: [] })
    const listen = a.network.addresses().map((address) => address.replace(/\/p2p\/.*/, ''))
    await expect(testNode('b', { knows: [], listen })).rejects.toThrow(/127\.0\.0\.1/)
    const believes = { c: { networkKey: networkKeyOf('b') } }
    await expect(testNode('a', { knows: ['b', 'c'], believes })).rejects.toThrow(/listed twice/)
    await expect(testNode('a', { knows: ['a'] })).rejects.toThrow(/listed twice/)
  })
})

describe('two connections of one pair', () => {
  test('both dial at once, again and again: each time both end up on the same one', async () => {
    const a = await node('a', { knows: ['b'] })
    const b = await node('b', { knows: ['a'] })
    const toA = await proxyTo(a)
    const toB = await proxyTo(b)
    a.network.setAddresses('b', [toB.address])
    b.network.setAddresses('a', [toA.address])
    start(a, b)
    for (let round = 1; round <= 8; round++) {
      await until(() => a.recorder.up.has('b') && b.recorder.up.has('a'), `connected in round ${round}`)
      const before = b.recorder.received.length
      a.network.send('b', 'control', patterned(10, round))
      b.network.send('a', 'control', patterned(10, round))
      await until(() => b.recorder.received.length > before, 'a message arrives')
      await until(() => toA.connections + toB.connections === 1, 'one connection is left')
      const directions = [a, b].map(({ network }) => network.peerStatus()[0]!.direction)
      expect(new Set(directions).size).toBe(2)
      toA.cut()
      toB.cut()
      await until(() => a.recorder.peerEvents.length >= 2 * round, 'a noticed')
      await until(() => b.recorder.peerEvents.length >= 2 * round, 'b noticed')
    }
  })

  test('a frozen line does not keep a restarted peer out: the new process replaces the old connection at once', async () => {
    const quiet = { beatMs: 60_000 } // silence alone would take minutes
    const a = await node('a', { knows: ['b'], limits: quiet })
    const b = await testNode('b', { knows: ['a'], limits: quiet })
    const line = await proxyTo(a)
    b.network.setAddresses('a', [line.address])
    start(a)
    b.network.start(new Recorder())
    await until(() => a.recorder.up.has('b'), 'connected')
    line.freeze(true) // as when the machine of b loses power
    await b.network.stop()
    const again = await node('b', { knows: ['a'], limits: quiet })
    again.network.setAddresses('a', a.network.addresses())
    start(again)
    await until(() => again.recorder.up.has('a'), 'the new b is connected')
    expect(a.recorder.peerEvents).toEqual(['b up', 'b down', 'b up'])
    a.network.send('b', 'bulk', patterned(10, 1))
    await until(() => again.recorder.received.length === 1, 'on the new connection')
  })
})

describe('a connection that only one side has lost', () => {
  test.each([
    ['a', 'b'],
    ['b', 'a'],
  ])('%s lost it, %s has not noticed: the next one replaces it', async (loser, other) => {
    const quick = await node(loser, { knows: [other], limits: { youngMs: 0 } })
    const slow = await node(other, { knows: [loser], limits: { beatMs: 60_000, youngMs: 0 } })
    const line = await proxyTo(slow)
    quick.network.setAddresses(other, [line.address])
    start(quick, slow)
    await until(() => quick.recorder.up.has(other) && slow.recorder.up.has(loser), 'connected')
    line.freeze(true)
    await until(() => quick.recorder.peerEvents.length === 2, 'one side gave up')
    expect(slow.recorder.peerEvents).toEqual([`${loser} up`])
    quick.network.setAddresses(other, slow.network.addresses())
    await until(() => quick.recorder.up.has(other), 'connected again')
    await until(() => slow.recorder.peerEvents.length === 3, 'the other side, too')
    expect(slow.recorder.peerEvents).toEqual([`${loser} up`, `${loser} down`, `${loser} up`])
    slow.network.send(loser, 'append', patterned(10, 4))
    await until(() => quick.recorder.received.length === 1, 'on the new connection')
  })
})

describe('four members that all dial at once', () => {
  test('end up with one connection for each pair', async () => {
    const members = ['guangzhou', 'beijing', 'wuhan', 'hangzhou']
    const nodes = new Map<MemberId, TestNode & { recorder: Recorder }>()
    for (const member of members)
      nodes.set(member, await node(member, { knows: members.filter((other) => other !== member) }))
    introduce(nodes)
    start(...nodes.values())
    await until(() => [...nodes.values()].every(({ recorder }) => recorder.up.size === 3), 'all are connected')
    await pass(500)
    for (const { recorder, network } of nodes.values()) {
      expect(recorder.up.size).toBe(3)
      for (const other of members) network.send(other, 'control', patterned(10, 0))
    }
    await until(() => [...nodes.values()].every(({ recorder }) => recorder.received.length === 3), 'all hear all')
    const outbound = [...nodes.values()].flatMap(({ network }) =>
      network.peerStatus().filter(({ direction }) => direction === 'outbound'),
    )
    expect(outbound.length).toBe(6)
  })
})

describe('dead and bad lines', () => {
  test('a silent peer is given up and dialled again', async () => {
    const a = await node('a', { knows: ['b'] })
    const b = await node('b', { knows: ['a'] })
    const line = await proxyTo(b)
    a.network.setAddresses('b', [line.address])
    start(a, b)
    await until(() => a.recorder.up.has('b') && b.recorder.up.has('a'), 'connected')
    await pass(1_500) // longer than the silence that is suffered: beats keep an idle connection alive
    expect(a.recorder.peerEvents).toEqual(['b up'])
    line.freeze(true)
    await until(() => a.recorder.peerEvents.length === 2 && b.recorder.peerEvents.length === 2, 'both gave up')
    expect(a.log.has('network.silent')).toBe(true)
    expect(b.log.has('network.silent')).toBe(true)
    line.cut()
    line.freeze(false)
    await until(() => a.recorder.up.has('b') && b.recorder.up.has('a'), 'connected again')
  })

  test('bytes damaged on the way end the connection, and a fresh one comes', async () => {
    const a = await node('a', { knows: ['b'] })
    const b = await node('b', { knows: ['a'] })
    const line = await proxyTo(b)
    a.network.setAddresses('b', [line.address])
    start(a, b)
    await until(() => a.recorder.up.has('b') && b.recorder.up.has('a'), 'connected')
    line.scratchWith((chunk) => {
      chunk[chunk.length >> 1]! ^= 0x10
      return chunk
    })
    await until(() => a.recorder.peerEvents.length >= 2 && b.recorder.peerEvents.length >= 2, 'both noticed')
    line.scratchWith(undefined)
    await until(() => a.recorder.up.has('b') && b.recorder.up.has('a'), 'connected again')
  })

  test('a peer that takes nothing fills its queue and is given up, and others are served', async () => {
    const a = await node('a', { knows: ['b', 'c'], limits: { queueBytesMax: 1_000_000 } })
    const b = await node('b', { knows: ['a'] })
    const c = await node('c', { knows: ['a'] })
    introduce(
      new Map([
        ['a', a],
        ['b', b],
        ['c', c],
      ]),
    )
    b.recorder.holds = true
    start(a, b, c)
    await until(() => a.recorder.up.size === 2 && b.recorder.up.size === 1 && c.recorder.up.size === 1, 'connected')
    for (let index = 0; index < 20; index++) {
      a.network.send('b', 'append', patterned(100_000, index))
      a.network.send('c', 'control', patterned(100, index))
    }
    await until(() => a.log.has('network.queue-full'), 'the queue is full')
    await until(() => c.recorder.received.length === 20, 'c got everything')
    expect(a.recorder.peerEvents.filter((event) => event.startsWith('c'))).toEqual(['c up'])
  })

  test('one message is one write to one socket, without a window update for an answer', async () => {
    const limits = { beatMs: 60_000 }
    const a = await node('a', { knows: ['b'], limits })
    const b = await node('b', { knows: ['a'], limits })
    introduce(
      new Map([
        ['a', a],
        ['b', b],
      ]),
    )
    start(a, b)
    await until(() => a.recorder.up.has('b') && b.recorder.up.has('a'), 'both are up')
    const count = 50
    const exchange = async (from: number): Promise<void> => {
      for (let index = from; index < from + count; index++) {
        a.network.send('b', 'control', patterned(100, index))
        await until(() => b.recorder.received.length === index + 1, 'it arrives')
      }
    }
    // The first data on each stream may carry the words that open it.
    await exchange(0)
    const writes = vi.spyOn(Socket.prototype, 'write')
    await exchange(count)
    const lengths = writes.mock.calls.map(([bytes]) => (bytes as Uint8Array).length)
    writes.mockRestore()
    expect(lengths.filter((length) => length > 100).length).toBe(count)
    const noiseBytes = 2 + 16
    expect(lengths, 'the length of a noise message by itself').not.toContain(2)
    expect(lengths, 'a yamux header by itself').not.toContain(12 + noiseBytes)
  })

  test('noise is not told by an exception with a stack that a message was the last', async () => {
    // One of them dials: a second connection that shakes hands meanwhile waits for its lengths as noise has it.
    const a = await node('a', { knows: ['b'], dial: 'out' })
    const b = await node('b', { knows: ['a'], dial: 'in' })
    introduce(
      new Map([
        ['a', a],
        ['b', b],
      ]),
    )
    start(a, b)
    await until(() => a.recorder.up.has('b') && b.recorder.up.has('a'), 'both are up')
    const made = vi.fn()
    const counting = new Proxy(RangeError, {
      apply: (target, self, [message]: [string]) => {
        made(message)
        return Reflect.apply(target, self, [message])
      },
    })
    vi.stubGlobal('RangeError', counting)
    try {
      for (let index = 0; index < 20; index++) {
        a.network.send('b', 'control', patterned(100, index))
        await until(() => b.recorder.received.length === index + 1, 'it arrives')
      }
    } finally {
      vi.unstubAllGlobals()
    }
    expect(made.mock.calls).toEqual([])
  })

  test('garbage on the TCP port does not disturb anybody', async () => {
    const a = await node('a', { knows: ['b'] })
    const b = await node('b', { knows: ['a'] })
    introduce(
      new Map([
        ['a', a],
        ['b', b],
      ]),
    )
    start(a, b)
    const port = Number(a.network.addresses()[0]!.split('/')[4])
    const multistream = Buffer.from('\x13/multistream/1.0.0\n\x07/noise\n')
    for (const garbage of [Buffer.alloc(0), Buffer.alloc(100_000, 0xff), patterned(5_000, 3), multistream]) {
      for (const more of [Buffer.alloc(0), Buffer.alloc(70_000, 0x80), Buffer.from([0, 1, 0])]) {
        const socket = connect(port, '127.0.0.1')
        socket.on('error', () => undefined)
        await once(socket, 'connect')
        socket.write(garbage)
        socket.end(more)
        socket.resume()
      }
    }
    await until(() => a.recorder.up.has('b') && b.recorder.up.has('a'), 'connected all the same')
    a.network.send('b', 'control', patterned(10, 0))
    await until(() => b.recorder.received.length === 1, 'and served')
  })
})

/** Processor time and not time: parsed by libp2p, what is sent here costs more than ten seconds of it, cut off some milliseconds. */
function expectLittleWork(before: NodeJS.CpuUsage): void {
  const { user, system } = process.cpuUsage(before)
  expect((user + system) / 1e6).toBeLessThan(5)
}

describe('a stranger', () => {
  test('that sends megabytes instead of a handshake is cut off before they are parsed', async () => {
    const a = await node('a', { knows: ['b'] })
    start(a)
    const socket = connect(Number(a.network.addresses()[0]!.split('/')[4]), '127.0.0.1')
    socket.on('error', () => undefined)
    socket.resume()
    const before = process.cpuUsage()
    socket.write(new Uint8Array(8 * 1024 * 1024).fill(0x80))
    await until(() => socket.closed, 'the connection ends')
    expectLittleWork(before)
  })
})

describe('a member that lies', () => {
  /** libp2p with b's key, without our code above it. */
  async function liar(target: TestNode): Promise<Connection> {
    const libp2p = await startLibp2p({
      privateKey: await generateKeyPairFromSeed('Ed25519', seedOf('b')),
      listen: [],
      peers: 1,
      limits: defaultNetworkLimits,
      gater: {},
      onConnection: () => undefined,
      onStream: () => undefined,
    })
    closing.push(async () => libp2p.stop())
    return libp2p.dial(multiaddr(target.network.addresses()[0]!))
  }

  async function openLanes(connection: Connection): Promise<Map<string, Stream>> {
    const streams = new Map<string, Stream>()
    for (const lane of lanes) streams.set(lane, await connection.newStream([protocolOf(lane)]))
    return streams
  }

  const honest: Hello = {
    protocolVersion: networkProtocolVersion,
    ledger: 'ab'.repeat(32),
    genesis: 'ab'.repeat(32),
    member: 'b',
    node: 'node-b',
    session: new Uint8Array(16),
    hasConnection: false,
  }
  const frames = (...parts: [FrameType, Uint8Array][]): Uint8Array =>
    new FrameWriter().encode(parts.map(([type, body]) => ({ type, body, from: 0, to: body.length })))
  const none = new Uint8Array(0)

  test.each<[string, Uint8Array, string]>([
    ['bytes that are no frame', new Uint8Array(100).fill(0xee), 'network.frame-oversized'],
    [
      'a frame with a wrong checksum',
      frames([frameType.hello, none]).map((byte, index) => (index === 9 ? byte ^ 1 : byte)),
      'network.frame-checksum',
    ],
    ['a hello that is no hello', frames([frameType.hello, Uint8Array.of(0x81, 0x01)]), 'network.handshake-malformed'],
    ['a huge hello', frames([frameType.hello, new Uint8Array(60_000)]), 'network.handshake-malformed'],
    [
      'another protocol version',
      frames([frameType.hello, Uint8Array.of(0x81, 0x02)]),
      'network.wrong-protocol-version',
    ],
    [
      'another member’s name',
      frames([frameType.hello, encodeHello({ ...honest, member: 'c' })]),
      'network.wrong-member',
    ],
    [
      'two hellos',
      frames([frameType.hello, encodeHello(honest)], [frameType.hello, encodeHello(honest)]),
      'network.handshake-malformed',
    ],
    ['an accept before its hello', frames([frameType.accept, none]), 'network.handshake-malformed'],
    [
      'a message that is too long',
      frames(
        [frameType.hello, encodeHello(honest)],
        [frameType.accept, none],
        [frameType.message, u32Bytes(2_000_000)],
      ),
      'network.frame-oversized',
    ],
    [
      'credit for nothing',
      frames([frameType.hello, encodeHello(honest)], [frameType.accept, none], [frameType.credit, u32Bytes(9)]),
      'network.frame-malformed',
    ],
  ])('%s ends the connection with its reason', async (_, bytes, code) => {
    // Of a and b, the one with the smaller key chooses; z never does against b in these tests.
    const chooser = Buffer.compare(networkKeyOf('a'), networkKeyOf('b')) < 0 ? 'z' : 'a'
    const a = await node(chooser, { knows: ['b'] })
    start(a)
    const connection = await liar(a)
    const streams = await openLanes(connection)
    streams.get('control')!.send(bytes)
    await until(() => a.log.has(code), code)
    await until(() => connection.status !== 'open', 'the connection ends')
  })

  test('a liar that never shakes hands is shown out', async () => {
    const a = await node('a', { knows: ['b'], limits: { handshakeMs: 300 } })
    start(a)
    const connection = await liar(a)
    await until(() => a.log.has('network.handshake-timeout'), 'a gives up')
    await until(() => connection.status !== 'open', 'the connection ends')
  })

  test('a second stream for a lane, and handshake frames on another lane, end the connection', async () => {
    const a = await node('a', { knows: ['b'] })
    start(a)
    const connection = await liar(a)
    const streams = await openLanes(connection)
    streams.get('bulk')!.send(frames([frameType.hello, encodeHello(honest)]))
    await until(() => a.log.has('network.frame-malformed'), 'a says why')
    await until(() => connection.status !== 'open', 'the connection ends')
  })

  test('more connections than one member needs are refused', async () => {
    const a = await node('a', { knows: ['b'] })
    start(a)
    const dialling = Array.from({ length: 8 }, () => liar(a).catch(() => undefined))
    await Promise.all(dialling)
    await until(() => a.log.has('network.too-many-connections'), 'a says why')
  })

  test('bytes that are no yamux end the connection and nothing else', async () => {
    const a = await node('a', { knows: ['b'] })
    start(a)
    const random = new SeededRandom(7)
    for (let round = 0; round < 12; round++) {
      const connection = await liar(a)
      await openLanes(connection)
      const { muxer } = connection as unknown as { muxer: { maConn: { send(bytes: Uint8Array): boolean } } }
      // Half of the rounds with a right version and stream, so that the rest of the header is looked at.
      const bytes = random.bytes(12 * (1 + random.below(20)))
      if (round % 2 === 1)
        for (let at = 0; at < bytes.length; at += 12)
          bytes.set([0, random.below(5), 0, random.below(16), 0, 0, 0, random.below(8)], at)
      muxer.maConn.send(bytes)
      await pass(20)
      connection.abort(new Error('enough'))
    }
    const b = await node('b', { knows: ['a'] })
    b.network.setAddresses('a', a.network.addresses())
    start(b)
    await until(() => a.recorder.up.has('b') && b.recorder.up.has('a'), 'the real b is welcome')
  })

  test('megabytes where a stream should name its protocol are cut off before they are parsed', async () => {
    const a = await node('a', { knows: ['b'] })
    start(a)
    const connection = await liar(a)
    const { muxer } = connection as unknown as { muxer: { createStream(): Promise<Stream> } }
    const stream = await muxer.createStream()
    const before = process.cpuUsage()
    for (let part = 0; part < 8 && stream.status === 'open'; part++) stream.send(new Uint8Array(256 * 1024).fill(0x80))
    await until(() => stream.status !== 'open', 'the stream is reset')
    expectLittleWork(before)
    const b = await node('b', { knows: ['a'] })
    b.network.setAddresses('a', a.network.addresses())
    start(b)
    await until(() => a.recorder.up.has('b'), 'a has time for others')
  })

  test('a yamux frame that promises gigabytes ends the connection long before', async () => {
    const a = await node('a', { knows: ['b'] })
    start(a)
    const connection = await liar(a)
    const stream = await connection.newStream([protocolOf('bulk')])
    const { muxer } = connection as unknown as {
      muxer: {
        sendFrame(header: object, data?: object): boolean
        maConn: { send(bytes: Uint8Array): boolean; status: string }
      }
    }
    expect(gatheredBytes(muxer), 'the field that the bound looks at is there').toBe(0)
    expect((muxer as unknown as { decoder: { buffer: object } }).decoder.buffer).toBeDefined()
    const header = new Uint8Array(12)
    const view = new DataView(header.buffer)
    view.setUint32(4, Number(stream.id))
    view.setUint32(8, 0xffff_ffff)
    muxer.maConn.send(header)
    let sentBytes = 0
    while (connection.status === 'open' && sentBytes < 64 * 1024 * 1024) {
      muxer.maConn.send(new Uint8Array(256 * 1024))
      sentBytes += 256 * 1024
      await pass(5)
    }
    expect(connection.status).not.toBe('open')
    expect(sentBytes).toBeLessThan(16 * 1024 * 1024)
  })
})
