/**
 * Puts together the parts of one epoch: who is given what of the others, and what follows from what. It begins with the core and the list of
 * members that it counts by, and ends with the driver and the inbox, which know nearly all. Nothing is decided here.
 */
import type { Attestation } from '../chain/block.ts'
import { type Epoch, epochOfSize } from '../chain/epoch.ts'
import { epochOf, frozenMember } from '../chain/execution.ts'
import { kidOf } from '../chain/keys.ts'
import type { MemberId } from '../consensus/message.ts'
import { Raft } from '../consensus/raft.ts'
import { CatchUp } from './catch-up.ts'
import { Checking } from './checking.ts'
import { Cosigning, headOf } from './cosigning.ts'
import { Driver } from './driver.ts'
import { Fencing } from './fencing.ts'
import { Inbox } from './inbox.ts'
import type { Intake } from './intake.ts'
import { LateBatches } from './late-batches.ts'
import { metaOf } from './ledger.ts'
import { replicationWindowBytes, tickMs } from './limits.ts'
import type { EpochParts, LastingParts, Loop, NodeName } from './parts.ts'
import type { Ports } from './ports.ts'
import { Repair } from './repair.ts'
import { Sealing, type SealingDependencies } from './sealing.ts'
import type { Started } from './start-up.ts'
import type { Vouching } from './vouching.ts'
import type { WireMessage } from './wire.ts'

/** With what an epoch begins here. */
export interface EpochStart {
  readonly found: Started
  readonly vouching: Vouching
  /** The newest attestation: of this epoch, or of the end of the last. */
  readonly attested: Attestation | undefined
  readonly intake: Intake
}

export function epochParts(
  { member, node }: NodeName,
  { found, vouching, attested, intake }: EpochStart,
  lasting: LastingParts,
  ports: Ports,
  loop: Loop,
): EpochParts {
  const { cycle, store, items, head, permit, outbox, evidence, boxes, rulesAhead } = lasting
  const { clock, random, network, signer, log } = ports
  const { turn, carryOut } = loop
  const { ledger, incarnation } = found
  const { rules } = ledger
  const epoch = epochOf(rules)
  const { quorum } = epoch
  const members = epoch.members.map(({ id }) => id)
  const ownKid = kidOf(signer.publicKey('cosign')!)
  const isMember = epoch.members.some(
    ({ id, node: listed }) => id === member && listed.id === node && listed.cosign === ownKid,
  )
  const isFrozen = (): boolean => isMember && frozenMember(ledger.committed.state, member, rules) !== undefined
  const send = (to: MemberId, message: WireMessage): void => outbox.send(to, 'control', message)
  const peers = (): readonly MemberId[] => [...loop.connected]

  const { electionTimeoutMs, stalledTimeoutsMax } = rules.genesis.parameters
  const raft = new Raft(
    {
      self: member,
      members,
      start: epoch.start.block,
      electionTimeoutTicks: Math.max(2, Math.round(electionTimeoutMs / tickMs)),
      heartbeatTicks: 2,
      windowBytes: replicationWindowBytes,
      stallTimeouts: stalledTimeoutsMax,
      below: (limit) => random.below(limit),
    },
    found.durable,
  )
  const leading: SealingDependencies['leading'] = () =>
    raft.role === 'leader'
      ? { term: raft.term, tipId: raft.tail.id, uncommittedBlocks: raft.tail.height - raft.commit }
      : undefined
  const sealing: Sealing = new Sealing(
    { member },
    {
      clock,
      signer,
      ledger,
      vouching,
      evidence,
      read: items.read,
      log,
      turn,
      leading,
      propose: (block, execution) => {
        ledger.keep(block, execution)
        raft.propose(metaOf(block))
      },
      attestation: () => cosigning.attested,
      cannotLead: (reason) => raft.cannotLead(reason),
    },
  )
  const cosigning: Cosigning = new Cosigning(
    {
      self: member,
      quorumAt: (size) => epochOfSize(epoch, size).quorum,
      attestedBefore: epoch.number === 0 ? 0 : epoch.start.size,
    },
    { register: found.head.register, attested, committed: headOf(ledger.committed) },
    {
      clock,
      signer,
      cycle,
      store,
      vouching,
      log,
      turn,
      broadcast: (message) => {
        for (const peer of members) send(peer, message)
      },
      send,
      saveRegister: () => head.save(),
      isCommitted: (at, id) => driver.isCommitted(at, id),
      onAttested: (attestation) => {
        loop.onAttested(attestation)
        driver.stopBeforeUnknownRules()
        sealing.trySeal()
        loop.endEpochIfOver()
      },
      onHeard: (from, { time, signature, ...heard }) =>
        evidence.suspect(vouching.cosignatureCheck(from, heard, time, signature)),
      onCosigned: (from, size) => fencing.saw(from, { registeredSize: size }),
    },
  )
  const checking = new Checking({ clock, raft, ledger, vouching, evidence, log, turn, carryOut })
  const catchUp = new CatchUp({
    clock,
    raft,
    ledger,
    store,
    vouching,
    log,
    turn,
    carryOut,
    send,
    unacknowledged: (to) => network.unacknowledged(to, 'bulk'),
    peers,
    onDamaged: (at) => repair.want(at),
    follows: () => !isMember || permit.isRefounded || fencing.newestEpochSeen > epoch.number,
    attestation: () => cosigning.attested,
    onAttestation: (attestation) => cosigning.receiveAttestation(attestation),
    halt: (reason) => permit.halt(reason),
  })
  const repair: Repair = new Repair({
    clock,
    ledger,
    store,
    vouching,
    log,
    turn,
    send,
    peers,
    onChange: () => permit.review(),
  })
  const fencing: Fencing = new Fencing(
    {
      epoch: epoch.number,
      registeredSince: newestRefounded(epoch),
      nodes: new Map(epoch.members.map((other) => [other.id, other.node.id])),
      node,
      quorum,
      incarnation,
      nonce: random.bytes(16),
    },
    {
      cycle,
      log,
      turn,
      send,
      standing: () => ({
        term: found.durable.vote.term,
        lock: { term: found.durable.lock.block.term, height: found.durable.lock.block.height },
        registeredSize: found.head.register.size,
      }),
      onStored: () => permit.confirm(),
      onRefused: () => permit.retire(),
    },
  )
  const lateBatches = new LateBatches(
    { self: member, peers: members.filter((id) => id !== member) },
    {
      clock,
      raft,
      ledger,
      vouching,
      sealing,
      evidence,
      intake,
      read: items.read,
      isFrozen,
      attestation: () => cosigning.attested,
      send: (to, message) => outbox.send(to, 'append', message),
      turn,
    },
  )
  const inbox = new Inbox(
    { isMember },
    {
      raft,
      ledger,
      vouching,
      fencing,
      checking,
      sealing,
      lateBatches,
      cosigning,
      catchUp,
      repair,
      evidence,
      rulesAhead,
      log,
      turn,
      send,
      onRefounding: loop.onRefounding,
    },
  )
  const driver: Driver = new Driver(
    { self: member, incarnation },
    {
      raft,
      ledger,
      vouching,
      sealing,
      checking,
      cosigning,
      intake,
      lateBatches,
      catchUp,
      repair,
      rulesAhead,
      permit,
      head,
      store,
      cycle,
      signer,
      outbox,
      log,
      turn,
      onCommitted: (executed) => {
        loop.onCommitted(executed)
        intake.onCommitted(executed)
        boxes.onCommitted(executed)
        evidence.onCommitted(executed)
        for (const batch of executed.block.batches) for (const item of batch.items) items.forget(item)
      },
      onReadReady: loop.onReadReady,
      endEpochIfOver: loop.endEpochIfOver,
    },
  )
  return {
    raft,
    driver,
    inbox,
    ledger,
    vouching,
    sealing,
    checking,
    cosigning,
    catchUp,
    repair,
    fencing,
    lateBatches,
    intake,
    incarnation,
    isMember,
    isFrozen,
  }
}

/** 0 when no epoch up to this one was re-founded. */
function newestRefounded(epoch: Epoch): number {
  let at: Epoch | undefined = epoch
  while (at !== undefined && at.refounding === undefined) at = at.previous
  return at?.number ?? 0
}
