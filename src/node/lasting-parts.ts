/**
 * Puts together the parts that last as long as the node, whatever epochs come and go: what stands between it and the disk, what it says and may
 * sign, and what outlives an epoch by its nature — statements that wait for an answer, leaves of the quiet box, what keys have signed.
 * They ask for the parts of the epoch that is now whenever they need one, and hold none. Nothing is decided here.
 */
import type { SigningContext } from '../chain/certificate.ts'
import { epochOf } from '../chain/execution.ts'
import { height } from '../chain/numbers.ts'
import { BlockStore } from './block-store.ts'
import { BoxKeeper } from './box-keeper.ts'
import { DiskCycle } from './disk-cycle.ts'
import { DamagedStore, DiskReadFailed } from './disk-failure.ts'
import { Evidence } from './evidence.ts'
import { guardedDisk } from './guarded-disk.ts'
import { HeadKeeper } from './head-keeper.ts'
import { Intake } from './intake.ts'
import { Outbox } from './outbox.ts'
import type { LastingParts, Loop, NodeName } from './parts.ts'
import type { Ports } from './ports.ts'
import { RulesAhead } from './rules-ahead.ts'
import { SigningPermit } from './signing-permit.ts'
import { VerifiedItems } from './verified-items.ts'

export function lastingParts(name: NodeName, context: SigningContext, ports: Ports, loop: Loop): LastingParts {
  const { log } = ports
  const disk = guardedDisk(ports.disk, loop.guard)
  const cycle: DiskCycle = new DiskCycle({}, { disk, beforeTaking: () => head.saveIfDue() })
  const head = new HeadKeeper({
    cycle,
    now: () => {
      const { ledger, cosigning, intake } = loop.running()
      return { ledger, register: cosigning.register, journalChanges: intake.journal.changes }
    },
  })
  const base = {
    disk,
    cycle,
    head,
    items: new VerifiedItems(context.ledger),
    store: new BlockStore({ cycle, disk, context }),
    permit: new SigningPermit({ cycle, head, log, parts: loop.parts }),
    outbox: new Outbox({ self: name.member }, ports),
    rulesAhead: new RulesAhead(ports),
  }
  return { ...base, evidence: newEvidence(name, base, ports, loop), boxes: newBoxKeeper(name, base, ports, loop) }
}

/** `journalChanges`: what the head file says of the journal. */
export function newIntake(
  { member, node }: NodeName,
  journalChanges: number,
  { disk, cycle, items, head, outbox, boxes }: LastingParts,
  { clock, signer, verifier, log }: Ports,
  { turn, running, readIndex }: Loop,
): Intake {
  return new Intake(
    { member, node, journalChanges },
    {
      clock,
      disk,
      cycle,
      signer,
      verifier,
      items,
      get ledger() {
        return running().ledger
      },
      log,
      turn,
      tipId: () => running().raft.tail.id,
      attestedSize: () => running().cosigning.attested?.size ?? 0,
      readIndex,
      restoreLeaf: (row) => boxes.restoreRow(row),
      headDue: () => head.due(),
      forward: (batch) => {
        const { vouching, sealing, raft } = running()
        vouching.remember(vouching.checkOfBatch(batch)!)
        const { leader } = raft
        if (leader === member) sealing.offer(batch)
        else if (leader !== null) outbox.send(leader, 'append', { kind: 'batch', handOn: false, batch: batch.bytes })
      },
    },
  )
}

function newBoxKeeper(
  { member, node }: NodeName,
  { cycle, head, permit }: Pick<LastingParts, 'cycle' | 'head' | 'permit'>,
  { clock, signer, log }: Ports,
  { turn, running }: Loop,
): BoxKeeper {
  return new BoxKeeper(
    { member, node },
    {
      clock,
      cycle,
      signer,
      log,
      turn,
      standing: () => {
        const { committed, rules } = running().ledger
        return {
          state: committed.state,
          blockTime: committed.time,
          genesis: rules.genesis,
          ledger: rules.context.ledger,
          epoch: rules.context.epoch,
          self: epochOf(rules).members.find(({ id, node: own }) => id === member && own.id === node),
          maySign: permit.isGiven && !head.isBehindItself,
        }
      },
      keep: (row) => running().intake.keepLeaf(row),
      remove: (number) => running().intake.journal.remove(number),
      headDue: () => head.due(),
      submit: (jws, done) => running().intake.submit(jws, done),
    },
  )
}

function newEvidence(
  { member }: NodeName,
  { disk, cycle, store, head, outbox }: Pick<LastingParts, 'disk' | 'cycle' | 'store' | 'head' | 'outbox'>,
  { clock, verifier, signer, log }: Ports,
  { turn, parts, running, connected }: Loop,
): Evidence {
  return new Evidence(
    { self: member },
    {
      clock,
      disk,
      cycle,
      verifier,
      signer,
      log,
      turn,
      ledger: () => parts()?.ledger,
      // What is sealed now is nearly always about a block that is not here yet.
      blockAt: (at) => (at > head.last.height ? undefined : ifReadable(() => store.block(height(at)))),
      attestationOf: (size) => ifReadable(() => store.attestation(size)),
      broadcast: (message) => {
        for (const peer of connected) outbox.send(peer, 'control', message)
      },
      send: (to, message) => outbox.send(to, 'control', message),
      submit: (jws, done) => turn(() => running().intake.submit(jws, done)),
    },
  )
}

/** What is read of the disk for evidence alone: undefined also when it is damaged, which is noticed by whoever needs it. */
function ifReadable<T>(read: () => T | undefined): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof DamagedStore || error instanceof DiskReadFailed) return undefined
    throw error
  }
}
