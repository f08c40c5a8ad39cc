/** What every implementation of the `Network` port does. Run over both twins in `network.test.ts`. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  type Lane,
  laneCreditBytes,
  lanes,
  type MemberId,
  messageBytesMax,
  type Network,
  type NetworkHandlers,
} from '../../src/node/ports.ts'

/** Nodes that know each other, and the faults between them. */
export interface NetworkWorld {
  /** A network for each member, not yet started. */
  open(members: readonly MemberId[]): Promise<ReadonlyMap<MemberId, Network>>
  until(condition: () => boolean, what: string): Promise<void>
  /** Lets things happen for about this long. */
  pass(ms: number): Promise<void>
  /** Breaks the connection; it may come back by itself. */
  breakConnection(a: MemberId, b: MemberId): void
  /** Ends a member's process without a word to its handlers, and starts another one of the same member. */
  restart(member: MemberId): Promise<Network>
  close(): Promise<void>
}

interface Received {
  readonly from: MemberId
  readonly lane: Lane
  readonly bytes: Uint8Array
}

/** A node's handlers, which write down what happens. */
export class Recorder implements NetworkHandlers {
  readonly received: Received[] = []
  readonly held: (() => void)[] = []
  readonly peerEvents: string[] = []
  readonly up = new Set<MemberId>()
  /** While true, messages are not released. */
  holds = false

  onMessage(from: MemberId, lane: Lane, bytes: Uint8Array, release: () => void): void {
    expect(this.up, 'messages come only from peers that are up').toContain(from)
    this.received.push({ from, lane, bytes })
    if (this.holds) this.held.push(release)
    else release()
  }

  onPeer(peer: MemberId, up: boolean): void {
    expect(this.up.has(peer), 'a peer goes up and down in turn').toBe(!up)
    if (up) this.up.add(peer)
    else this.up.delete(peer)
    this.peerEvents.push(`${peer} ${up ? 'up' : 'down'}`)
  }

  on(lane: Lane): readonly Uint8Array[] {
    return this.received.filter((message) => message.lane === lane).map((message) => message.bytes)
  }

  releaseAll(): void {
    for (const release of this.held.splice(0)) release()
  }
}

export function networkContract(name: string, makeWorld: () => NetworkWorld): void {
  describe(`Network: ${name}`, () => {
    let world: NetworkWorld
    let networks: ReadonlyMap<MemberId, Network>
    let a: Network
    let b: Network
    let atA: Recorder
    let atB: Recorder

    const connected = (): Promise<void> =>
      world.until(() => atA.up.has('b') && atB.up.has('a'), 'a and b are connected')

    beforeEach(async () => {
      world = makeWorld()
      networks = await world.open(['a', 'b', 'c'])
      a = networks.get('a')!
      b = networks.get('b')!
      atA = new Recorder()
      atB = new Recorder()
      a.start(atA)
      b.start(atB)
      await connected()
    })
    afterEach(() => world.close())

    test('messages arrive whole, once and in order, on every lane, at every length', async () => {
      const lengths = [0, 1, 100, 65_517, 65_518, 65_519, 65_535, 65_536, laneCreditBytes, 300_000, messageBytesMax, 7]
      const messages = lengths.map((length, index) => patterned(length, index))
      for (const lane of lanes) for (const message of messages) a.send('b', lane, message)
      await world.until(() => atB.received.length === lanes.length * messages.length, 'all have arrived')
      for (const lane of lanes) {
        const got = atB.on(lane)
        expect(got.map((bytes) => bytes.length)).toEqual(lengths)
        expect(got.every((bytes, index) => Buffer.compare(bytes, messages[index]!) === 0)).toBe(true)
      }
      await world.until(() => lanes.every((lane) => a.unacknowledged('b', lane) === 0), 'all credit is back')
    })

    test('both directions at once', async () => {
      for (let index = 0; index < 500; index++) {
        a.send('b', 'append', patterned(300, index))
        b.send('a', 'append', patterned(200, index))
      }
      await world.until(() => atA.received.length === 500 && atB.received.length === 500, 'all have arrived')
      expect(atA.on('append').every((bytes, index) => bytes[0] === (index & 255))).toBe(true)
      expect(atB.on('append').every((bytes, index) => bytes[0] === (index & 255))).toBe(true)
    })

    test('a greeting is the first that goes on a connection, whatever is said before a node is told of its peer', async () => {
      const c = networks.get('c')!
      const atC = new Recorder()
      const [greeting, word] = [patterned(10, 1), patterned(10, 2)]
      const meets = (own: Network, at: Recorder, peer: MemberId, theirs: Network, name: MemberId): void => {
        const { onPeer } = at
        at.onPeer = (who, up) => {
          onPeer.call(at, who, up)
          if (who !== peer || !up) return
          own.send(peer, 'control', greeting)
          // The other end may know of the connection already, or not yet.
          theirs.send(name, 'control', word)
        }
      }
      meets(a, atA, 'c', c, 'a')
      meets(c, atC, 'a', a, 'c')
      c.start(atC)
      const from = (at: Recorder, peer: MemberId): readonly Uint8Array[] =>
        at.received.filter((message) => message.from === peer).map(({ bytes }) => bytes)
      await world.until(() => from(atA, 'c').length > 0 && from(atC, 'a').length > 0, 'both have heard of each other')
      expect([from(atA, 'c')[0]![0], from(atC, 'a')[0]![0]]).toEqual([greeting[0], greeting[0]])
    })

    test('nothing comes back before the call that caused it has returned', async () => {
      let isInCall = false
      const wasReentered: boolean[] = []
      const { onMessage } = atB
      atB.onMessage = (from, lane, bytes, release) => {
        wasReentered.push(isInCall)
        isInCall = true
        b.send('a', lane, bytes)
        release()
        isInCall = false
        onMessage.call(atB, from, lane, bytes, () => undefined)
      }
      isInCall = true
      a.send('b', 'control', patterned(10, 1))
      isInCall = false
      await world.until(() => atA.received.length === 1, 'the answer has arrived')
      expect(wasReentered).toEqual([false])
    })

    test('a receiver that releases nothing gets a credit’s worth and no more; the other lanes flow', async () => {
      atB.holds = true
      const length = 10_000
      const sent = 100
      for (let index = 0; index < sent; index++) a.send('b', 'append', patterned(length, index))
      await world.until(() => atB.on('append').length * length > laneCreditBytes - 2 * length, 'the credit is used up')
      await world.pass(100)
      const delivered = atB.on('append').length
      expect(delivered * length).toBeLessThanOrEqual(laneCreditBytes)
      expect(a.unacknowledged('b', 'append')).toBeGreaterThanOrEqual(sent * length)
      atB.holds = false
      a.send('b', 'control', patterned(10, 0))
      await world.until(() => atB.on('control').length === 1, 'the control lane is not held up')
      atB.releaseAll()
      await world.until(() => atB.on('append').length === sent, 'the rest follows what was released')
      await world.until(() => a.unacknowledged('b', 'append') === 0, 'all credit is back')
    })

    test('a peer that releases nothing is given up once too much waits for it, and is served afresh', async () => {
      atB.holds = true
      for (let index = 0; index < 20; index++) a.send('b', 'bulk', patterned(1_000_000, index))
      expect(atA.peerEvents, 'the loss comes as an event of its own').toEqual(['b up'])
      await world.until(() => atA.peerEvents.length >= 2 && atB.peerEvents.length >= 2, 'both were told')
      expect([atA.peerEvents[1], atB.peerEvents[1]]).toEqual(['b down', 'a down'])
      await connected()
      atB.holds = false
      const before = atB.received.length
      a.send('b', 'bulk', patterned(5, 42))
      await world.until(() => atB.received.length > before, 'the new connection works')
      expect(atB.received.slice(before).map((message) => message.bytes[0])).toEqual([42])
    })

    test('releasing twice gives credit once', async () => {
      atB.holds = true
      const length = 60_000
      for (let index = 0; index < 20; index++) a.send('b', 'bulk', patterned(length, index))
      await world.until(() => atB.held.length === 4, 'four fit in the credit')
      const [first] = atB.held
      for (let again = 0; again < 5; again++) first!()
      await world.pass(100)
      expect(atB.received.length).toBe(5)
    })

    test('a message to a peer that is down, or is nobody, is dropped', async () => {
      a.send('c', 'control', patterned(10, 0))
      a.send('nobody', 'control', patterned(10, 0))
      await world.pass(50)
      expect(a.unacknowledged('c', 'control')).toBe(0)
      expect(a.unacknowledged('nobody', 'bulk')).toBe(0)
      const atC = new Recorder()
      networks.get('c')!.start(atC)
      await world.until(() => atC.up.size === 2, 'c is connected')
      expect(atC.received).toEqual([])
    })

    test('a message above the limit is a bug of ours', () => {
      expect(() => a.send('b', 'bulk', new Uint8Array(messageBytesMax + 1))).toThrow(/message of/)
    })

    test('a broken connection is told to both, loses what was under way, and comes back', async () => {
      atB.holds = true
      for (let index = 0; index < 10; index++) a.send('b', 'append', patterned(100_000, index))
      await world.until(() => atB.received.length >= 2, 'some have arrived')
      world.breakConnection('a', 'b')
      await world.until(() => atA.peerEvents.length >= 2 && atB.peerEvents.length >= 2, 'both were told')
      expect(atA.peerEvents.slice(0, 2)).toEqual(['b up', 'b down'])
      expect(atB.peerEvents.slice(0, 2)).toEqual(['a up', 'a down'])
      await connected()
      expect(a.unacknowledged('b', 'append')).toBe(0)
      const before = atB.received.length
      atB.releaseAll() // of the connection before: harmless
      atB.holds = false
      a.send('b', 'append', patterned(5, 42))
      await world.until(() => atB.received.length > before, 'the new connection works')
      expect(atB.received.slice(before).map((message) => message.bytes[0])).toEqual([42])
    })

    test('a restarted peer is connected again, and was told to be down before', async () => {
      const again = await world.restart('b')
      const atNewB = new Recorder()
      again.start(atNewB)
      await world.until(() => atA.peerEvents.length >= 3 && atNewB.up.has('a'), 'a and the new b are connected')
      expect(atA.peerEvents.slice(0, 3)).toEqual(['b up', 'b down', 'b up'])
      a.send('b', 'control', patterned(3, 9))
      again.send('a', 'control', patterned(4, 8))
      await world.until(() => atNewB.received.length === 1 && atA.received.length === 1, 'both ways work')
      expect(atB.received).toEqual([])
    })
  })
}

/** Bytes that show where they come from: the first is the seed, the rest follows from it. */
export function patterned(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let index = 0; index < length; index++) bytes[index] = (seed + index * (1 + (index >>> 8))) & 255
  return bytes
}
