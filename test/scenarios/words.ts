/** What members do and say, in the words of the field: blocks are named term.height, certificates by what they prove. */

import { assertNever } from '../../src/chain/assert.ts'
import { type BlockCertificate, type BlockRef, certifiedBlock, type Signable } from '../../src/chain/certificate.ts'
import type { Effect } from '../../src/consensus/effect.ts'
import type { Message, Rank } from '../../src/consensus/message.ts'
import type { Payload } from '../consensus/payload.ts'

const rank = (at: Rank): string => (at.height === 0 ? 'genesis' : `${at.term}.${at.height}`)

export const wordsOfCertificate = (certificate: BlockCertificate): string =>
  `${certificate.signed.kind === 'ack' ? 'QC' : 'CC'}(${certifiedBlock(certificate).id})`

const shown = (certificate: BlockCertificate | undefined): string =>
  certificate === undefined ? '' : ` and shows ${wordsOfCertificate(certificate)}`

export function wordsOfSignable(signable: Signable): string {
  switch (signable.kind) {
    case 'vote':
      return `VOTE(t${signable.term}, ${signable.candidate}, base ${signable.base.id})`
    case 'ack':
      return `ACK(${signable.block.id})`
    case 'lock':
      return `LOCK(${signable.block.id})`
  }
}

function wordsOfMessage(message: Message): string {
  switch (message.kind) {
    case 'pre-vote':
      return `asks for a pre-vote (t${message.term}, base ${rank(message.base)})`
    case 'pre-vote-reply':
      return `${message.granted ? 'grants' : 'refuses'} the pre-vote (t${message.term}; own term ${message.ownTerm})${shown(message.lock)}`
    case 'vote-request':
      return `asks for a vote (t${message.term}, base ${message.base.id})${shown(message.certificate)}${message.handover ? ', as heir' : ''}`
    case 'vote-reply':
      return message.vote === undefined
        ? `refuses the vote (t${message.term}; own term ${message.ownTerm})${shown(message.lock)}`
        : wordsOfSignable(message.vote.signed)
    case 'elected': {
      const { term, candidate, base } = message.election.signed
      return `EC(t${term}: ${candidate} on ${base.id})${shown(message.certificate)}`
    }
    case 'heartbeat':
      return `heartbeat (t${message.term}, committed ${message.commit})`
    case 'heartbeat-reply':
      return `answers (t${message.term}; own term ${message.ownTerm}, at ${message.position?.id ?? 'nothing of it'})`
    case 'ack':
      return `ACK(${message.block.id})`
    case 'lock':
      return `LOCK(${message.block.id})`
    case 'certified':
      return wordsOfCertificate(message.certificate)
    case 'block-refused':
      return `refuses ${message.id === '' ? `to build at ${message.height} in t${message.term}` : message.id} (${message.code})${shown(message.lock)}`
    case 'handover':
      return `hands over to ${message.to} (t${message.term})`
    case 'read-request':
      return `asks for a read (#${message.context})`
    case 'read-reply':
      return `answers read #${message.context}: height ${message.height}`
    default:
      return assertNever(message)
  }
}

const range = (blocks: readonly BlockRef[]): string => {
  const [first, last] = [blocks[0], blocks.at(-1)]
  if (first === undefined || last === undefined) return 'nothing'
  return first === last ? first.id : `${first.id}…${last.id}`
}

export function wordsOfPayload(payload: Payload): string {
  switch (payload.kind) {
    case 'message':
      return wordsOfMessage(payload.message)
    case 'blocks':
      return `blocks ${range(payload.blocks)}`
    case 'fetch':
      return `fetches ${payload.certificate.signed.block.id} from height ${payload.from}`
    case 'fetched': {
      const { proof } = payload
      const by = proof.kind === 'attested' ? 'an attested checkpoint' : wordsOfCertificate(proof.certificate)
      return `gives ${range(payload.blocks)} with ${by}`
    }
  }
}

/** The word a script names this payload by in `deliver`, `drop` and `repeat`. */
export function kindOf(payload: Payload): string {
  if (payload.kind !== 'message') return payload.kind
  const { message } = payload
  if (message.kind === 'vote-reply') return message.vote === undefined ? 'vote-refusal' : 'vote'
  return message.kind
}

/** What changed in one member; undefined where something else tells it. */
export function wordsOfEffect(effect: Effect): string | undefined {
  switch (effect.kind) {
    case 'save-vote': {
      const { term, candidate, base, ackBarred } = effect.vote
      if (ackBarred) return `saves term ${term}: acknowledges nothing more in it`
      return candidate === null ? `saves term ${term}, no vote` : `saves vote t${term} ${candidate}, base ${base?.id}`
    }
    case 'save-lock':
      return `saves lock ${effect.lock.block.id}`
    case 'commit':
      return `commits through height ${effect.height}`
    case 'role': {
      const { role, leader, term, reason } = effect
      if (role === 'candidate') return `becomes candidate in term ${term} (${reason})`
      if (role === 'leader') return `becomes leader of term ${term}`
      return leader === null
        ? `becomes follower in term ${term}, of nobody (${reason})`
        : `follows ${leader} in term ${term}`
    }
    case 'read-ready':
      return `may answer read #${effect.context} at height ${effect.height}`
    case 'halt':
      return `HALTS: ${effect.reason}`
    case 'append':
    case 'truncate':
    case 'sign':
    case 'send':
    case 'send-blocks':
    case 'lead':
    case 'fetch':
      return undefined
    default:
      return assertNever(effect)
  }
}
