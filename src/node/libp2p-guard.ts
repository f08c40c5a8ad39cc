/**
 * Three things that libp2p and yamux lack, without which a stranger or a member that lies could hurt this process, and three that cost
 * too much. All reach into objects of theirs in ways their types do not promise, so each has a test that fails when it no longer takes hold.
 *
 * Negotiation is bounded: until both sides have agreed on noise, and on each stream on its protocol, libp2p parses byte by byte in
 * quadratic time (measured: 100 kB of 0xff from anybody stop the event loop for more than a second). Honest negotiation takes some
 * hundred bytes; who sends more is cut off before they are parsed.
 *
 * Gathering is bounded: yamux collects a whole data frame before it compares its length, which the other side names freely (up to
 * 4 GiB), with the window. The connection ends as soon as more is gathered than any honest frame can have.
 *
 * `abort` is quiet: yamux's says goodbye, and throws when a listener of one of its streams has already ended the connection; it calls
 * it from a listener of its own when a frame is wrong, where what is thrown ends the process.
 *
 * Windows are updated seldom: yamux answers every data frame with a window update, a write and an encryption of its own, which doubles
 * the writes of a node that receives small messages.
 *
 * What is sent is written once: noise puts two bytes of length before each of its messages, which libp2p's TCP writes by themselves: a system
 * call and a packet more here, and the other side woken up and reading once more for two bytes.
 *
 * The end of what was read is no surprise: noise looks for the next length after each message, and learns by an exception that there is none;
 * to gather the stack of one for every message took 6 % of a follower's work for a block.
 */
import type {
  ConnectionGater,
  MessageStream,
  MultiaddrConnection,
  StreamMuxer,
  StreamMuxerFactory,
} from '@libp2p/interface'

/** multistream and noise take some 400 bytes; the first words of streams may come with them. */
const upgradeBytesMax = 4_096
/** Two short lines of multistream. */
const streamNegotiationBytesMax = 1_024

/** Adds the bound on negotiation, and whole writes, of connections to a gater, which sees each of them first as it is accepted or dialled. */
export function guardedGater(gater: ConnectionGater): ConnectionGater {
  const encrypted = new WeakSet<MultiaddrConnection>()
  const bound = (connection: MultiaddrConnection): void => {
    boundUntil(connection, upgradeBytesMax, () => encrypted.has(connection))
    writeAtOnce(connection)
  }
  return {
    ...gater,
    denyInboundConnection: (connection) => {
      bound(connection)
      return gater.denyInboundConnection?.(connection) ?? false
    },
    denyOutboundConnection: (id, connection) => {
      bound(connection)
      return gater.denyOutboundConnection?.(id, connection) ?? false
    },
    denyInboundEncryptedConnection: (id, connection) => {
      encrypted.add(connection)
      return gater.denyInboundEncryptedConnection?.(id, connection) ?? false
    },
    denyOutboundEncryptedConnection: (id, connection) => {
      encrypted.add(connection)
      return gater.denyOutboundEncryptedConnection?.(id, connection) ?? false
    },
  }
}

/** @param gatheredBytesMax the largest honest frame and what one read may bring beside it */
export function guardedYamux(create: () => StreamMuxerFactory, gatheredBytesMax: number): () => StreamMuxerFactory {
  return () => {
    const factory = create()
    const createStreamMuxer = factory.createStreamMuxer.bind(factory)
    factory.createStreamMuxer = (connection: MessageStream) => {
      const muxer = createStreamMuxer(connection)
      makeAbortQuiet(muxer)
      boundNegotiation(muxer)
      endWithoutStack(connection)
      // After the muxer's own listener, so that only what it could not use is counted.
      connection.addEventListener('message', () => {
        if (gatheredBytes(muxer) <= gatheredBytesMax) return
        const error = new Error(`a yamux frame above ${gatheredBytesMax} bytes`)
        muxer.abort(error)
        connection.abort(error)
      })
      return muxer
    }
    return factory
  }
}

/** Bytes of a yamux frame that has not all arrived. */
export function gatheredBytes(muxer: object): number {
  const { decoder } = muxer as { decoder?: { buffer?: { byteLength?: unknown } } }
  const bytes = decoder?.buffer?.byteLength
  return typeof bytes === 'number' ? bytes : 0
}

interface Receiver {
  onData(data: { readonly byteLength: number }): void
  abort(error: Error): void
}

/** Ends a stream or connection that receives more than `bytesMax` before `isOver`; what is too much is never passed on. */
function boundUntil(target: object, bytesMax: number, isOver: () => boolean): void {
  const receiver = target as Receiver
  const onData = receiver.onData.bind(receiver)
  let receivedBytes = 0
  let isCut = false
  receiver.onData = (data) => {
    if (isCut) return
    if (isOver()) {
      receiver.onData = onData
    } else {
      receivedBytes += data.byteLength
      isCut = receivedBytes > bytesMax
    }
    if (isCut) receiver.abort(new Error(`more than ${bytesMax} bytes in negotiation`))
    else onData(data)
  }
}

/** The members of a libp2p TCP connection that sending is made of. */
interface SocketSender {
  sendData(pieces: { readonly byteLength: number; subarray(): Uint8Array }): { sentBytes: number; canSendMore: boolean }
  readonly socket: { write(bytes: Uint8Array): boolean }
}

/** One write to the socket for all pieces of one send, which are copied together: at most a few frames. */
function writeAtOnce(connection: object): void {
  const sender = connection as Partial<SocketSender>
  const { socket } = sender
  if (sender.sendData === undefined || socket === undefined) return
  sender.sendData = (pieces) => ({ sentBytes: pieces.byteLength, canSendMore: socket.write(pieces.subarray()) })
}

/** What of noise's stream reads the length before each of its messages. */
interface LengthReader {
  readonly decoder: { lengthDecoder(gathered: { readonly byteLength: number }): number }
}

const lengthBytes = 2
const noLength = new RangeError('no whole length yet')

/** The decoder of noise's messages takes any RangeError of its `lengthDecoder` for "wait for more". */
function endWithoutStack(connection: object): void {
  const { decoder } = connection as Partial<LengthReader>
  if (decoder?.lengthDecoder === undefined) return
  const { lengthDecoder } = decoder
  decoder.lengthDecoder = (gathered) => {
    if (gathered.byteLength < lengthBytes) throw noLength
    return lengthDecoder(gathered)
  }
}

interface StreamMaker {
  onRemoteStream(stream: { readonly protocol: string }): void
  onCreateStream(options: object): { readonly protocol: string }
}

/** A stream has no protocol until it is negotiated. */
function boundNegotiation(muxer: object): void {
  const maker = muxer as StreamMaker
  const onRemoteStream = maker.onRemoteStream.bind(maker)
  const onCreateStream = maker.onCreateStream.bind(maker)
  maker.onRemoteStream = (stream) => {
    boundUntil(stream, streamNegotiationBytesMax, () => stream.protocol !== '')
    onRemoteStream(stream)
  }
  maker.onCreateStream = (options) => {
    const stream = onCreateStream(options)
    boundUntil(stream, streamNegotiationBytesMax, () => stream.protocol !== '')
    return stream
  }
}

function makeAbortQuiet(muxer: StreamMuxer): void {
  const abort = muxer.abort.bind(muxer)
  muxer.abort = (error: Error) => {
    try {
      abort(error)
    } catch {
      // The connection is closed already; its streams have been told.
    }
  }
}

/** The members of a yamux stream that its window is made of. */
interface WindowedStream {
  sendWindowUpdate(): void
  recvWindow: number
  recvWindowCapacity: number
}

/** Lets half of the receive window pass before it is widened again: the sender never comes near its end, as credit is below it. */
export function updateWindowSeldom(stream: object): void {
  const windowed = stream as Partial<WindowedStream>
  const update = windowed.sendWindowUpdate?.bind(windowed)
  if (update === undefined) return
  let isFirst = true
  windowed.sendWindowUpdate = () => {
    // The first may carry the acknowledgement that opens the stream.
    if (!isFirst && (windowed.recvWindowCapacity ?? 0) > (windowed.recvWindow ?? 0) / 2) return
    isFirst = false
    update()
  }
}
