/** Frames and lanes: the bytes of a stream, from a peer that is a member and may lie. Checksums are put right, or most would end there. */
import { crc32 } from 'node:zlib'
import { FrameError, FrameReader, type FrameType, FrameWriter, frameType } from '../../../src/node/framing.ts'
import { LanePipe } from '../../../src/node/lane.ts'
import { networkCodes } from '../../../src/node/network-code.ts'
import { laneCreditBytes, messageBytesMax, type Random } from '../../../src/node/ports.ts'
import { SeededRandom } from '../../contract/virtual-clock.ts'
import { mutateBytes, pick } from '../mutation.ts'
import { accepted, hold, refusedOr, type Subject, sameBytes } from '../subject.ts'

const isNetworkCode = (code: string): boolean => Object.hasOwn(networkCodes, code)

/** What a correct lane writes for messages of these lengths, with the frames of a handshake and heartbeats between. */
function stream(lengths: readonly number[]): Uint8Array {
  const written: Uint8Array[] = []
  const later: (() => void)[] = []
  const lane = new LanePipe(
    { queueBytesMax: 2 ** 24, queueMessagesMax: 1_000 },
    {
      write: (bytes) => written.push(bytes) > 0,
      soon: (run) => void later.push(run),
      after: () => () => undefined,
      onMessage: (_, release) => release(),
      onFrame: () => undefined,
      onFailure: (code) => hold(false, code),
    },
  )
  lane.open()
  lane.announce(frameType.hello, new Uint8Array(20))
  for (const length of lengths) lane.send(new Uint8Array(length).fill(length))
  lane.announce(frameType.beat)
  while (later.length > 0) later.shift()!()
  return new Uint8Array(Buffer.concat(written))
}

const seeds = (): readonly Uint8Array[] => [
  stream([1, 2, 3]),
  stream([0, 0]),
  stream([300, 70_000]),
  stream([5, 140_000, 5]),
  stream([]),
]

/** Checksums of all frames as their lengths say, and sequence numbers now and then. */
function mended(bytes: Uint8Array, draw: Random): Uint8Array {
  const out = Buffer.from(bytes)
  const renumbers = draw.below(2) === 0
  let sequence = 0
  for (let at = 0; at + 13 <= out.length; ) {
    const end = at + 9 + out.readUInt32BE(at)
    if (end + 4 > out.length) break
    if (renumbers) out.writeUInt32BE(sequence++, at + 4)
    out.writeUInt32BE(crc32(out.subarray(at, end)), end)
    at = end + 4
  }
  return new Uint8Array(out)
}

const mutate: Subject['mutate'] = (input, other, draw) => {
  const bytes = mutateBytes(input, other, draw)
  return draw.below(5) === 0 ? bytes : mended(bytes, draw)
}

/** Cut as the bytes themselves say, so that an input is its own schedule. */
function chunks(input: Uint8Array): Uint8Array[] {
  const draw = new SeededRandom(crc32(input))
  const out: Uint8Array[] = []
  for (let at = 0; at < input.length; ) {
    const length = pick(draw, [1, 3, 9, 14, 1_000, 65_536, 200_000])
    out.push(input.subarray(at, at + length))
    at += length
  }
  return out
}

export const frames: Subject = {
  name: 'frames',
  seeds,
  mutate,
  judge(input) {
    const reader = new FrameReader()
    const writer = new FrameWriter()
    let readBytes = 0
    return refusedOr(FrameError, isNetworkCode, () => {
      for (const chunk of chunks(input)) {
        reader.push(chunk)
        for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
          const { type, payload } = frame
          const again = writer.encode([{ type, body: payload, from: 0, to: payload.length }])
          hold(sameBytes(again, input.subarray(readBytes, readBytes + again.length)), 'a frame has one spelling')
          readBytes += again.length
        }
      }
      hold(reader.pendingBytes === input.length - readBytes, 'what is not a frame yet is still there')
    })
  },
}

export const lane: Subject = {
  name: 'lane',
  seeds,
  mutate,
  judge(input) {
    const draw = new SeededRandom(crc32(input) ^ 1)
    const later: (() => void)[] = []
    const held: (() => void)[] = []
    let failure: string | undefined
    let heldBytes = 0
    const end = new LanePipe(
      { queueBytesMax: 2 ** 20, queueMessagesMax: 100 },
      {
        write: () => draw.below(4) > 0,
        soon: (run) => void later.push(run),
        after: (_, wake) => {
          later.push(wake)
          return () => undefined
        },
        onMessage: (bytes, release) => {
          hold(failure === undefined, 'nothing is delivered after a failure')
          hold(bytes.length <= messageBytesMax, 'no message above the limit')
          heldBytes += Math.min(bytes.length, laneCreditBytes)
          hold(heldBytes <= laneCreditBytes, 'no more than the credit is in the hands of the receiver')
          held.push(() => {
            heldBytes -= Math.min(bytes.length, laneCreditBytes)
            release()
          })
        },
        onFrame: (type: FrameType) => hold(type <= frameType.bye, 'the lane’s own frames stay inside'),
        onFailure: (code) => {
          hold(failure === undefined, 'a lane fails once')
          hold(isNetworkCode(code), `an undocumented code: ${code}`)
          failure = code
        },
      },
    )
    for (const chunk of chunks(input)) {
      const turn = draw.below(6)
      if (turn === 0) end.open()
      if (turn === 1) end.send(new Uint8Array(draw.below(100_000)))
      if (turn === 2) end.drained()
      if (turn > 2) held.shift()?.()
      end.receive([chunk])
      for (let count = draw.below(3); count > 0; count--) later.shift()?.()
    }
    end.open()
    // Every turn takes a frame or ends: a bound in steps, not in time.
    for (let steps = 0; later.length > 0; steps++) {
      hold(steps < 10_000 + input.length, 'the lane comes to rest')
      held.shift()?.()
      later.shift()!()
    }
    return failure ?? accepted
  },
}
