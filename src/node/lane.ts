/**
 * One lane of one connection: messages in, messages out, over a stream that takes bytes. It promises order without gaps, at most
 * `creditBytes` on the wire or in the receiver's hands at any time, one send for all that one turn of the event loop produced, and a
 * pause for other work after every four full frames. Memory is bounded by credit and never by pausing the stream, because a paused
 * libp2p stream grows its window and then dies (layout.md, "Measured traps"). Who the peer is and what the frames of the handshake
 * mean is `peer-link.ts`'s.
 *
 * Credit is counted in bytes on the wire. A message larger than the credit goes out piece by piece: what exceeds the credit is given
 * back as soon as it has been copied into the message being put together, the rest when the application releases the whole message.
 */
import { assert } from '../chain/assert.ts'
import { readU32 } from '../chain/bytes.ts'
import {
  type Frame,
  FrameError,
  FrameReader,
  type FrameType,
  FrameWriter,
  frameBytesMax,
  frameOverheadBytes,
  framePayloadBytesMax,
  frameType,
  messageLengthBytes,
  type OutgoingFrame,
  u32Bytes,
  wireBytesOf,
} from './framing.ts'
import type { NetworkCode } from './network-code.ts'
import { laneCreditBytes, messageBytesMax } from './ports.ts'

/** Work done before other work gets its turn: four full frames, or as many small messages. */
const turnBytesMax = 4 * frameBytesMax
const turnMessagesMax = 64
/**
 * Credit is reported once a quarter of it has been released, and at once while the sender may be waiting for it: less than a frame of
 * room. Else it rides along with what leaves anyway, or goes alone after this long: alone it costs as much as a message.
 */
const creditReportBytes = laneCreditBytes / 4
const creditReportDelayMs = 100
/** More than this unread and unpaid for is a peer that ignores credit; the surplus is room for frames that cost none. */
const pendingBytesMax = laneCreditBytes + 2 * frameBytesMax

export interface LaneOptions {
  /** Bytes that may wait here for credit before the peer is given up: it is hopelessly behind and catches up better afresh. */
  readonly queueBytesMax: number
  /** The same in messages, because a queued message costs memory beside its bytes. */
  readonly queueMessagesMax: number
}

export interface LaneDependencies {
  /** Hands bytes to the stream; false: do not write until `drained` is called. */
  write(bytes: Uint8Array): boolean
  /** Runs the function in the next turn of the event loop. */
  soon(run: () => void): void
  after(ms: number, wake: () => void): () => void
  onMessage(bytes: Uint8Array, release: () => void): void
  /** A frame of the handshake or heartbeat. */
  onFrame(type: FrameType, payload: Uint8Array): void
  /** The lane is dead, with a stable code; called once, never from within `send`. */
  onFailure(code: NetworkCode, detail: string): void
}

interface QueuedMessage {
  readonly bytes: Uint8Array
  /** Position in the stream of this message: its length, then its bytes. */
  sent: number
}

interface IncomingMessage {
  readonly bytes: Uint8Array
  readonly wireBytes: number
  filled: number
  /** Wire bytes beyond the credit that are still to be given back at once. */
  excessBytes: number
}

export class LanePipe {
  private readonly options: LaneOptions
  private readonly dependencies: LaneDependencies
  private readonly writer = new FrameWriter()
  private readonly reader = new FrameReader()

  private queue: QueuedMessage[] = []
  private queuedBytes = 0
  private inFlightBytes = 0
  private readonly announcements: OutgoingFrame[] = []
  private isWritable = true
  private isFlushPlanned = false
  private isOverfull = false

  private incoming: IncomingMessage | undefined
  private heldFrame: Frame | undefined
  private heldBytes = 0
  private owedBytes = 0
  private isOpen = false
  private isReadPlanned = false
  private isCreditDue = false
  private cancelCreditReport: (() => void) | undefined
  private isClosed = false

  /** Bytes received since the caller last set it to zero; silence is judged by it. */
  heardBytes = 0

  constructor(options: LaneOptions, dependencies: LaneDependencies) {
    this.options = options
    this.dependencies = dependencies
  }

  /** Bytes queued or sent for which the receiver has not yet given credit back. */
  get unacknowledgedBytes(): number {
    return this.queuedBytes + this.inFlightBytes
  }

  /** The stream takes no more bytes at present. */
  get isStalled(): boolean {
    return !this.isWritable
  }

  /** Bytes of a frame that has begun and not ended: what a stream that closes now leaves truncated. */
  get truncatedBytes(): number {
    return this.reader.pendingBytes
  }

  send(bytes: Uint8Array): void {
    assert(bytes.length <= messageBytesMax, `message of ${bytes.length} bytes`)
    if (this.isClosed || this.isOverfull) return
    this.queue.push({ bytes, sent: 0 })
    this.queuedBytes += wireBytesOf(bytes.length)
    if (this.queuedBytes > this.options.queueBytesMax || this.queue.length > this.options.queueMessagesMax) {
      this.isOverfull = true
      const detail = `${this.queue.length} messages, ${this.queuedBytes} bytes`
      // Not from within send: the port promises that a loss comes back as an event of its own.
      this.dependencies.soon(() => this.fail('network.queue-full', detail))
      return
    }
    this.planFlush()
  }

  /** Sends a frame of the handshake or heartbeat, ahead of messages and without credit. */
  announce(type: FrameType, payload: Uint8Array = new Uint8Array(0)): void {
    if (this.isClosed) return
    this.announcements.push({ type, body: payload, from: 0, to: payload.length })
    this.planFlush()
  }

  /** Writes now what is waiting; for the last words on a connection. */
  flushNow(): void {
    this.flush()
  }

  /** From now on messages are delivered; before, they wait (within the credit) for the handshake to end. */
  open(): void {
    this.isOpen = true
    this.planRead()
  }

  /** Bytes from the stream, in chunks of any size. */
  receive(chunks: Iterable<Uint8Array>): void {
    if (this.isClosed) return
    for (const chunk of chunks) {
      this.heardBytes += chunk.length
      this.reader.push(chunk)
    }
    if (!this.isReadPlanned) this.read()
    if (this.reader.pendingBytes > pendingBytesMax) {
      this.fail('network.credit-exceeded', `${this.reader.pendingBytes} bytes unread`)
    }
  }

  /** The stream takes bytes again. */
  drained(): void {
    this.isWritable = true
    this.planFlush()
  }

  /** Nothing is sent, delivered or reported after this. */
  close(): void {
    this.isClosed = true
    this.cancelCreditReport?.()
    this.queue = []
    this.queuedBytes = 0
    this.inFlightBytes = 0
  }

  private fail(code: NetworkCode, detail: string): void {
    if (this.isClosed) return
    this.close()
    this.dependencies.onFailure(code, detail)
  }

  // Sending

  private planFlush(): void {
    if (this.isFlushPlanned || this.isClosed) return
    this.isFlushPlanned = true
    this.dependencies.soon(() => {
      this.isFlushPlanned = false
      this.flush()
    })
  }

  private flush(): void {
    if (this.isClosed || !this.isWritable) return
    const frames = this.announcements.splice(0)
    let turnBytes = 0
    while (turnBytes < turnBytesMax) {
      const frame = this.nextDataFrame()
      if (frame === undefined) break
      frames.push(frame)
      turnBytes += frameBytesOf(frame)
    }
    // Released bytes ride along with whatever leaves anyway; alone they wait until they are worth a send.
    if (this.owedBytes > 0 && (frames.length > 0 || this.isCreditDue)) frames.push(this.creditFrame())
    if (frames.length === 0) return
    this.isWritable = this.dependencies.write(this.writer.encode(frames))
    if (turnBytes >= turnBytesMax) this.planFlush()
  }

  /** The next piece of the oldest message, if the credit has room for all of it. */
  private nextDataFrame(): OutgoingFrame | undefined {
    const message = this.queue[0]
    if (message === undefined) return undefined
    const streamBytes = messageLengthBytes + message.bytes.length
    const payloadBytes = Math.min(streamBytes - message.sent, framePayloadBytesMax)
    const wireBytes = payloadBytes + frameOverheadBytes
    if (this.inFlightBytes + wireBytes > laneCreditBytes) return undefined
    const isFirst = message.sent === 0
    const from = isFirst ? 0 : message.sent - messageLengthBytes
    message.sent += payloadBytes
    this.queuedBytes -= wireBytes
    this.inFlightBytes += wireBytes
    if (message.sent === streamBytes) this.queue.shift()
    const to = message.sent - messageLengthBytes
    return isFirst
      ? { type: frameType.message, head: u32Bytes(message.bytes.length), body: message.bytes, from, to }
      : { type: frameType.more, body: message.bytes, from, to }
  }

  private creditFrame(): OutgoingFrame {
    const body = u32Bytes(this.owedBytes)
    this.owedBytes = 0
    this.isCreditDue = false
    this.cancelCreditReport?.()
    this.cancelCreditReport = undefined
    return { type: frameType.credit, body, from: 0, to: body.length }
  }

  private owe(bytes: number): void {
    if (this.isClosed) return
    this.owedBytes += bytes
    if (this.owedBytes >= creditReportBytes || this.mayHoldUpSender) this.creditIsDue()
    else this.cancelCreditReport ??= this.dependencies.after(creditReportDelayMs, () => this.creditIsDue())
  }

  /** As far as it is known here: what is on its way comes in and is asked about again. */
  private get mayHoldUpSender(): boolean {
    return this.heldBytes + this.owedBytes > laneCreditBytes - frameBytesMax
  }

  private creditIsDue(): void {
    this.isCreditDue = true
    this.planFlush()
  }

  // Receiving

  private planRead(): void {
    if (this.isReadPlanned || this.isClosed) return
    this.isReadPlanned = true
    this.dependencies.soon(() => {
      this.isReadPlanned = false
      this.read()
    })
  }

  private read(): void {
    let turnBytes = 0
    let turnMessages = 0
    try {
      while (!this.isClosed) {
        if (turnBytes >= turnBytesMax || turnMessages >= turnMessagesMax) {
          this.planRead()
          return
        }
        const frame = this.heldFrame ?? this.reader.next()
        this.heldFrame = undefined
        if (frame === undefined) return
        if (!this.isOpen && (frame.type === frameType.message || frame.type === frameType.more)) {
          this.heldFrame = frame
          return
        }
        turnBytes += frame.payload.length
        turnMessages++
        this.take(frame)
      }
    } catch (error) {
      if (!(error instanceof FrameError)) throw error
      this.fail(error.code, error.message)
    }
  }

  private take(frame: Frame): void {
    switch (frame.type) {
      case frameType.message:
        this.begin(frame.payload)
        break
      case frameType.more:
        this.continue(frame.payload)
        break
      case frameType.credit:
        this.credit(frame.payload)
        break
      default:
        this.dependencies.onFrame(frame.type, frame.payload)
    }
  }

  private begin(payload: Uint8Array): void {
    if (this.incoming !== undefined) throw malformed('a message begins inside another')
    if (payload.length < messageLengthBytes) throw malformed('a message without its length')
    const length = readU32(payload, 0)
    if (length > messageBytesMax) throw new FrameError('network.frame-oversized', `a message of ${length} bytes`)
    const wireBytes = wireBytesOf(length)
    const incoming = {
      bytes: new Uint8Array(length),
      wireBytes,
      filled: 0,
      excessBytes: Math.max(0, wireBytes - laneCreditBytes),
    }
    this.incoming = incoming
    this.fill(incoming, payload.subarray(messageLengthBytes), payload.length)
  }

  private continue(payload: Uint8Array): void {
    if (this.incoming === undefined) throw malformed('a continuation without a message')
    this.fill(this.incoming, payload, payload.length)
  }

  private fill(message: IncomingMessage, part: Uint8Array, payloadBytes: number): void {
    const missing = message.bytes.length - message.filled
    if (part.length > missing) throw malformed('more bytes than the message said')
    // One way of cutting only, so that both ends count the same credit.
    if (part.length < missing && payloadBytes !== framePayloadBytesMax) throw malformed('a piece that is not full')
    this.hold(message, payloadBytes + frameOverheadBytes)
    message.bytes.set(part, message.filled)
    message.filled += part.length
    if (message.filled === message.bytes.length) {
      this.incoming = undefined
      this.deliver(message)
    }
  }

  private hold(message: IncomingMessage, wireBytes: number): void {
    const excess = Math.min(message.excessBytes, wireBytes)
    message.excessBytes -= excess
    this.heldBytes += wireBytes - excess
    if (this.heldBytes > laneCreditBytes) {
      this.fail('network.credit-exceeded', `${this.heldBytes} bytes`)
      return
    }
    if (excess > 0) this.owe(excess)
    else if (this.owedBytes > 0 && this.mayHoldUpSender) this.creditIsDue()
  }

  private deliver(message: IncomingMessage): void {
    if (this.isClosed) return
    const held = Math.min(message.wireBytes, laneCreditBytes)
    let isReleased = false
    this.dependencies.onMessage(message.bytes, () => {
      if (isReleased) return
      isReleased = true
      this.heldBytes -= held
      this.owe(held)
    })
  }

  private credit(payload: Uint8Array): void {
    if (payload.length !== 4) throw malformed('a credit frame of another length')
    const bytes = readU32(payload, 0)
    if (bytes > this.inFlightBytes) throw malformed('credit for what was never sent')
    this.inFlightBytes -= bytes
    this.planFlush()
  }
}

const frameBytesOf = (frame: OutgoingFrame): number =>
  (frame.head?.length ?? 0) + frame.to - frame.from + frameOverheadBytes

const malformed = (detail: string): FrameError => new FrameError('network.frame-malformed', detail)
