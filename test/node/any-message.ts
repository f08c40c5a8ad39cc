/** A message of every kind that nodes send each other, of the right shape and with anything in it. */
import fc from 'fast-check'
import type { Vote } from '../../src/chain/certificate.ts'
import { timeSecondsMax } from '../../src/chain/time.ts'
import type { HeadFile, VoteFile } from '../../src/node/durable-state.ts'
import type { WireMessage } from '../../src/node/wire.ts'
import {
  anyAttestation,
  anyCertificate,
  anyElection,
  anyHeight,
  anyMember,
  anyNatural,
  anyRank,
  anyRef,
  anyTerm,
  anyVote,
  bytes64,
  hex32,
} from '../chain/ledger-fixture.ts'

const bytes = fc.uint8Array({ maxLength: 100 })
const bytes16 = fc.uint8Array({ minLength: 16, maxLength: 16 })
const bool = fc.boolean()
const code = fc.string({ maxLength: 60 })
const kind = <K extends string>(name: K): fc.Arbitrary<K> => fc.constant(name)
const position = fc.record({ height: anyHeight, id: hex32 })
const signedVote = fc.record({ signed: anyVote as fc.Arbitrary<Vote>, signature: bytes64 })

export const anyMessage: fc.Arbitrary<WireMessage> = fc.oneof(
  fc.record({ kind: kind('pre-vote'), term: anyTerm, base: anyRank, handover: bool }),
  fc.record(
    { kind: kind('pre-vote-reply'), term: anyTerm, granted: bool, ownTerm: anyTerm, lock: anyCertificate },
    { requiredKeys: ['kind', 'term', 'granted', 'ownTerm'] },
  ),
  fc.record(
    { kind: kind('vote-request'), term: anyTerm, base: anyRef, certificate: anyCertificate, handover: bool },
    { requiredKeys: ['kind', 'term', 'base', 'handover'] },
  ),
  fc.record(
    {
      kind: kind('vote-reply'),
      term: anyTerm,
      granted: bool,
      ownTerm: anyTerm,
      vote: signedVote,
      lock: anyCertificate,
    },
    { requiredKeys: ['kind', 'term', 'granted', 'ownTerm'] },
  ),
  fc.record(
    { kind: kind('elected'), election: anyElection, certificate: anyCertificate },
    { requiredKeys: ['kind', 'election'] },
  ),
  fc.record({
    kind: kind('heartbeat'),
    term: anyTerm,
    lock: anyRank,
    commit: anyHeight,
    certified: anyHeight,
    round: anyNatural,
  }),
  fc.record(
    {
      kind: kind('heartbeat-reply'),
      term: anyTerm,
      ownTerm: anyTerm,
      position,
      lock: anyRank,
      commit: anyHeight,
      round: anyNatural,
    },
    { requiredKeys: ['kind', 'term', 'ownTerm', 'lock', 'commit', 'round'] },
  ),
  fc.record({ kind: kind('ack'), base: anyRef, block: anyRef, signature: bytes64 }),
  fc.record({ kind: kind('lock'), block: anyRef, signature: bytes64 }),
  fc.record({ kind: kind('certified'), certificate: anyCertificate }),
  fc.record(
    {
      kind: kind('block-refused'),
      term: anyTerm,
      height: anyHeight,
      id: fc.oneof(hex32, fc.constant('')),
      code,
      lock: anyCertificate,
    },
    { requiredKeys: ['kind', 'term', 'height', 'id', 'code'] },
  ),
  fc.record({ kind: kind('handover'), term: anyTerm, to: anyMember }),
  fc.record({ kind: kind('read-request'), context: anyNatural }),
  fc.record({ kind: kind('read-reply'), context: anyNatural, height: anyHeight }),
  fc.record({
    kind: kind('hello'),
    incarnation: anyNatural,
    nonce: bytes16,
    term: anyTerm,
    lock: anyRank,
    registeredSize: anyNatural,
    epoch: anyNatural,
    node: fc.constant('0123456789abcdef'),
  }),
  fc.record({ kind: kind('hello-stored'), incarnation: anyNatural }),
  fc.record({ kind: kind('hello-refused'), incarnation: anyNatural, code }),
  fc.record({ kind: kind('batch'), handOn: bool, batch: bytes }),
  fc.record({ kind: kind('block'), block: bytes }),
  fc.record({ kind: kind('blocks-request'), from: anyHeight }),
  fc.record(
    {
      kind: kind('blocks-response'),
      from: anyHeight,
      blocks: fc.array(bytes, { maxLength: 4 }),
      certificate: anyCertificate,
      attestation: anyAttestation,
    },
    { requiredKeys: ['kind', 'from', 'blocks'] },
  ),
  fc.record({
    kind: kind('cosignature'),
    size: anyNatural,
    root: hex32,
    time: fc.nat(timeSecondsMax),
    signature: bytes64,
  }),
  fc.record({ kind: kind('attestation'), attestation: anyAttestation }),
  fc.record({ kind: kind('fault'), proof: bytes }),
  fc.record({ kind: kind('refounding'), refounding: fc.uint8Array({ maxLength: 200 }) }),
) as fc.Arbitrary<WireMessage>

export const anyVoteFile: fc.Arbitrary<VoteFile> = fc.record({
  epoch: anyNatural,
  incarnation: anyNatural,
  vote: fc.record({ term: anyTerm, candidate: fc.option(anyMember), base: fc.option(anyRef), ackBarred: bool }),
})

export const anyHeadFile = fc.record({
  epoch: anyNatural,
  last: anyRef,
  lock: fc.record(
    { block: anyRef, lowerTermRank: anyRank, certificate: anyCertificate },
    { requiredKeys: ['block', 'lowerTermRank'] },
  ),
  commit: anyHeight,
  register: fc.record({ size: anyNatural, root: hex32, height: anyHeight, id: hex32 }),
  journalChanges: anyNatural,
}) as fc.Arbitrary<HeadFile>
