/**
 * A bound that yamux lacks: it gathers a whole data frame before it compares its length, which the other side names freely (up to
 * 4 GiB), with the window. A member that lies could fill our memory with one header. Here the connection ends as soon as more is
 * gathered than any honest frame can have. It looks into a field of yamux's that is not public; a test fails when that field moves.
 */
import type { MessageStream, StreamMuxerFactory } from '@libp2p/interface'

/** @param gatheredBytesMax the largest honest frame and what one read may bring beside it */
export function boundedYamux(create: () => StreamMuxerFactory, gatheredBytesMax: number): () => StreamMuxerFactory {
  return () => {
    const factory = create()
    const createStreamMuxer = factory.createStreamMuxer.bind(factory)
    factory.createStreamMuxer = (connection: MessageStream) => {
      const muxer = createStreamMuxer(connection)
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
