/**
 * What this node says to the other members: each message in the lane that its kind belongs to, spelled once however many it goes to. What is
 * said to itself goes nowhere; what is said to a peer that is not connected is lost, as on any wire: who needs an answer says it again.
 */
import type { MemberId } from '../consensus/message.ts'
import type { Lane, Network } from './ports.ts'
import { encodeMessage, type WireMessage } from './wire.ts'

export interface OutboxOptions {
  readonly self: MemberId
}

export interface OutboxDependencies {
  readonly network: Pick<Network, 'send'>
}

export class Outbox {
  readonly #self: MemberId
  readonly #network: Pick<Network, 'send'>
  #lastEncoded: { readonly message: WireMessage; readonly bytes: Uint8Array } | undefined

  constructor({ self }: OutboxOptions, { network }: OutboxDependencies) {
    this.#self = self
    this.#network = network
  }

  send(to: MemberId, lane: Lane, message: WireMessage): void {
    if (to !== this.#self) this.#network.send(to, laneOf(lane, message), this.#encoded(message))
  }

  /** What goes to everybody is spelled once. */
  #encoded(message: WireMessage): Uint8Array {
    if (this.#lastEncoded?.message !== message) this.#lastEncoded = { message, bytes: encodeMessage(message) }
    return this.#lastEncoded.bytes
  }
}

/** Blocks and batches never stand in the way of a vote or a heartbeat; catch-up in the way of neither. */
function laneOf(lane: Lane, message: WireMessage): Lane {
  return message.kind === 'blocks-request' || message.kind === 'blocks-response' || message.kind === 'fault'
    ? 'bulk'
    : lane
}
