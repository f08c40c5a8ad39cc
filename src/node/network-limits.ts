/** The numbers of the connections between nodes, each with its reason; `docs/limits.md` lists them. */

export interface NetworkLimits {
  readonly handshakeMs: number
  readonly beatMs: number
  readonly silentBeats: number
  readonly queueBytesMax: number
  readonly queueMessagesMax: number
  readonly dialMs: number
  readonly addressDialMs: number
  readonly firstPauseMs: number
  readonly pauseMsMax: number
  readonly refusedPauseMs: number
  readonly steadyMs: number
  readonly youngMs: number
  readonly linksPerPeerMax: number
  readonly pendingInboundMax: number
  readonly inboundPerSecondMax: number
}

export const defaultNetworkLimits: NetworkLimits = {
  /** Six round trips of a bad long-distance line (300 ms) are 2 s; ten leaves room for a busy machine. */
  handshakeMs: 10_000,
  /** A beat a second costs nothing; five without a byte are a dead line, well before TCP's own quarter of an hour. */
  beatMs: 1_000,
  silentBeats: 5,
  /** About 15 of the largest messages per lane: a peer further behind than that is better served by fetching blocks afresh. */
  queueBytesMax: 16 * 1024 * 1024,
  queueMessagesMax: 16_384,
  /** A dial, with the noise handshake and all addresses of a member. */
  dialMs: 15_000,
  addressDialMs: 5_000,
  firstPauseMs: 250,
  /** A healed network is whole again within this. */
  pauseMsMax: 15_000,
  /** Somebody has to change a configuration first; a minute is soon enough after that. */
  refusedPauseMs: 60_000,
  steadyMs: 10_000,
  /** A connection in use may be younger than the hello in which the peer said that it has none. */
  youngMs: 5_000,
  /** One in use, one from each side on its way, one spare. */
  linksPerPeerMax: 4,
  /** Connections still in their noise handshake (libp2p: 10, which strangers could occupy). */
  pendingInboundMax: 128,
  /** Per host (libp2p: 5, too few where many members share one address, as on loopback or behind a relay). */
  inboundPerSecondMax: 100,
}
