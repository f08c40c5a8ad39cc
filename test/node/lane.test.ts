import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { type FrameType, FrameWriter, framePayloadBytesMax, frameType, u32Bytes } from '../../src/node/framing.ts'
import { LanePipe } from '../../src/node/lane.ts'
import { laneCreditBytes, messageBytesMax } from '../../src/node/ports.ts'
import { patterned } from '../contract/network-contract.ts'
import { VirtualClock } from '../contract/virtual-clock.ts'

/** One end: its lane, what it wrote and what it was told. The turns of the event loop are events of the clock at the same time. */
class End {
  readonly lane: LanePipe
  readonly writes: Uint8Array[] = []
  readonly messages: Uint8Array[] = []
  readonly frames: FrameType[] = []
  readonly held: (() => void)[] = []
  failure: string | undefined
  holds = false
  isFull = false
  other: End | undefined

  constructor(clock: VirtualClock, queueBytesMax = 16 * 1024 * 1024) {
    this.lane = new LanePipe(
      { queueBytesMax, queueMessagesMax: 1_000 },
      {
        write: (bytes) => {
          this.writes.push(bytes.slice())
          const { other } = this
          if (other !== undefined) clock.after(1, () => other.lane.receive([bytes]))
          return !this.isFull
        },
        soon: (run) => void clock.after(0, run),
        after: (ms, wake) => clock.after(ms, wake),
        onMessage: (bytes, release) => {
          this.messages.push(bytes)
          if (this.holds) this.held.push(release)
          else release()
        },
        onFrame: (type) => this.frames.push(type),
        onFailure: (code) => {
          expect(this.failure, 'a lane fails once').toBeUndefined()
          this.failure = code
        },
      },
    )
  }
}

describe('a lane', () => {
  let clock: VirtualClock
  let sender: End
  let receiver: End

  beforeEach(() => {
    clock = new VirtualClock()
    sender = new End(clock)
    receiver = new End(clock)
    sender.other = receiver
    receiver.other = sender
    sender.lane.open()
    receiver.lane.open()
  })

  test('sends all that one turn produced at once', () => {
    for (let index = 0; index < 50; index++) sender.lane.send(patterned(100, index))
    expect(sender.writes.length).toBe(0)
    clock.advance(0)
    expect(sender.writes.length).toBe(1)
  })

  test('a little credit rides along with what leaves anyway', () => {
    for (let index = 0; index < 3; index++) {
      sender.lane.send(patterned(1_000, index))
      clock.advance(10)
    }
    expect(receiver.messages.length).toBe(3)
    expect(receiver.writes.length, 'nothing leaves for the sake of credit alone').toBe(0)
    receiver.lane.send(patterned(10, 0))
    clock.advance(10)
    expect(receiver.writes.length).toBe(1)
    expect(sender.lane.unacknowledgedBytes).toBe(0)
  })

  test('credit that the sender may be waiting for is reported at once', () => {
    receiver.holds = true
    for (let index = 0; index < 5; index++) sender.lane.send(patterned(60_000, index))
    clock.advance(10)
    expect(receiver.messages.length, 'four fit in the credit').toBe(4)
    receiver.held[0]!()
    clock.advance(10)
    expect(receiver.messages.length).toBe(5)
  })

  test('yields after four full frames, sending and receiving', () => {
    sender.lane.send(patterned(50_000, 0))
    sender.lane.send(patterned(messageBytesMax, 1))
    clock.advance(100)
    for (const bytes of sender.writes) expect(bytes.length).toBeLessThanOrEqual(laneCreditBytes + 100)
    expect(receiver.messages.map((bytes) => bytes.length)).toEqual([50_000, messageBytesMax])
  })

  test('never has more than its credit under way, also within one large message', () => {
    receiver.other = undefined // credit does not come back
    sender.lane.send(patterned(messageBytesMax, 0))
    clock.advance(1_000)
    const written = sender.writes.reduce((sum, bytes) => sum + bytes.length, 0)
    expect(written).toBeLessThanOrEqual(laneCreditBytes)
    expect(written).toBeGreaterThan(laneCreditBytes - 65_536)
  })

  test('a message larger than the credit costs its receiver no more than the credit', () => {
    receiver.holds = true
    sender.lane.send(patterned(messageBytesMax, 0))
    sender.lane.send(patterned(10, 1))
    clock.advance(1_000)
    expect(receiver.messages.length).toBe(1)
    expect(sender.lane.unacknowledgedBytes).toBeGreaterThan(laneCreditBytes)
    receiver.holds = false
    receiver.held[0]!()
    clock.advance(1_000)
    expect(receiver.messages.length).toBe(2)
    expect(sender.lane.unacknowledgedBytes).toBe(0)
  })

  test('any sequence of lengths, held and released at will, arrives whole, and all credit returns', () => {
    const lengths = fc.array(fc.oneof(fc.nat(2_000), fc.nat(messageBytesMax)), { maxLength: 12 })
    fc.assert(
      fc.property(lengths, fc.boolean(), (wanted, holds) => {
        const time = new VirtualClock()
        const from = new End(time)
        const to = new End(time)
        from.other = to
        to.other = from
        to.lane.open()
        to.holds = holds
        for (const length of wanted) from.lane.send(new Uint8Array(length))
        for (let turn = 0; turn < wanted.length + 1; turn++) {
          time.advance(500)
          for (const release of to.held.splice(0)) release()
        }
        time.advance(500)
        expect(to.messages.map((bytes) => bytes.length)).toEqual(wanted)
        expect(from.lane.unacknowledgedBytes).toBe(0)
        expect([from.failure, to.failure]).toEqual([undefined, undefined])
      }),
      { numRuns: 40 },
    )
  })

  test('waits while the stream takes nothing, and goes on when it drains', () => {
    sender.isFull = true
    sender.lane.send(patterned(10, 0))
    clock.advance(10)
    expect(sender.lane.isStalled).toBe(true)
    sender.lane.send(patterned(10, 1))
    clock.advance(10)
    expect(receiver.messages.length).toBe(1)
    sender.isFull = false
    sender.lane.drained()
    clock.advance(10)
    expect(receiver.messages.length).toBe(2)
  })

  test('delivers nothing before the handshake is over, and everything after', () => {
    const late = new End(clock)
    sender.other = late
    sender.lane.announce(frameType.hello, patterned(5, 0))
    sender.lane.send(patterned(10, 1))
    sender.lane.announce(frameType.beat)
    clock.advance(10)
    expect([late.frames, late.messages]).toEqual([[frameType.hello, frameType.beat], []])
    late.lane.open()
    clock.advance(10)
    expect(late.messages.length).toBe(1)
  })

  test('gives its peer up when the queue is full, but not from within send', () => {
    const slow = new End(clock, 1_000_000)
    for (let index = 0; index < 20; index++) slow.lane.send(new Uint8Array(100_000))
    expect(slow.failure).toBeUndefined()
    clock.advance(0)
    expect(slow.failure).toBe('network.queue-full')
    const many = new End(clock)
    for (let index = 0; index < 1_001; index++) many.lane.send(new Uint8Array(0))
    clock.advance(0)
    expect(many.failure).toBe('network.queue-full')
  })

  describe('against a peer that breaks the rules', () => {
    let writer: FrameWriter
    const forge = (type: FrameType, payload: Uint8Array): void => {
      receiver.lane.receive([writer.encode([{ type, body: payload, from: 0, to: payload.length }])])
    }
    const message = (length: number, part: number): Uint8Array => {
      const payload = new Uint8Array(4 + part)
      payload.set(u32Bytes(length))
      return payload
    }

    beforeEach(() => {
      writer = new FrameWriter()
    })

    test('a message above the limit is refused before memory is taken', () => {
      forge(frameType.message, message(messageBytesMax + 1, 10))
      clock.advance(0)
      expect(receiver.failure).toBe('network.frame-oversized')
    })

    test.each<[string, () => void]>([
      [
        'a message inside a message',
        () => {
          forge(frameType.message, message(100_000, framePayloadBytesMax - 4))
          forge(frameType.message, message(1, 1))
        },
      ],
      ['a continuation of nothing', () => forge(frameType.more, patterned(5, 0))],
      ['a message without its length', () => forge(frameType.message, patterned(3, 0))],
      ['more bytes than were named', () => forge(frameType.message, message(5, 6))],
      ['a piece that is not full', () => forge(frameType.message, message(100, 50))],
      [
        'an empty continuation',
        () => {
          forge(frameType.message, message(100_000, framePayloadBytesMax - 4))
          forge(frameType.more, patterned(0, 0))
        },
      ],
      ['credit for nothing', () => forge(frameType.credit, u32Bytes(1))],
      ['a short credit frame', () => forge(frameType.credit, patterned(3, 0))],
    ])('%s', (_, forgery) => {
      forgery()
      clock.advance(0)
      expect(receiver.failure).toBe('network.frame-malformed')
    })

    test('sending on although nothing was released', () => {
      receiver.holds = true
      for (let index = 0; index < 30; index++) forge(frameType.message, message(10_000, 10_000))
      clock.advance(10)
      expect(receiver.failure).toBe('network.credit-exceeded')
      expect(receiver.messages.length).toBeLessThan(27)
    })

    test('sending more than its credit before the handshake is over', () => {
      const early = new End(clock)
      receiver = early
      for (let index = 0; index < 50; index++) forge(frameType.message, message(10_000, 10_000))
      expect(early.failure).toBe('network.credit-exceeded')
    })

    test('no bytes at all make it throw', () => {
      fc.assert(
        fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 10 }), (chunks) => {
          const time = new VirtualClock()
          const end = new End(time)
          end.lane.open()
          for (const chunk of chunks) end.lane.receive([chunk])
          time.advance(10)
        }),
        { numRuns: 200 },
      )
    })

    test('no frames with right checksums make it throw', () => {
      const frame = fc.record({ type: fc.integer({ min: 0, max: 9 }), payload: fc.uint8Array({ maxLength: 20 }) })
      fc.assert(
        fc.property(fc.array(frame, { maxLength: 10 }), (frames) => {
          const time = new VirtualClock()
          const end = new End(time)
          end.lane.open()
          const outgoing = frames.map(({ type, payload }) => {
            return { type: type as FrameType, body: payload, from: 0, to: payload.length }
          })
          end.lane.receive([new FrameWriter().encode(outgoing)])
          time.advance(10)
        }),
        { numRuns: 200 },
      )
    })
  })
})
