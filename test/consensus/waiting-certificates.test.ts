/** Certificates without their block: bounded, patient, and the one that says most is kept. Blocks are drawn as term.height. */
import { describe, expect, it } from 'vitest'
import { certifiedBlock } from '../../src/chain/certificate.ts'
import type { Height } from '../../src/chain/numbers.ts'
import { WaitingCertificates } from '../../src/consensus/waiting-certificates.ts'
import { ccOf, chainOn, genesis, qcOf } from './facts.ts'
import { four } from './solo.ts'

// [0.0] 1.1 1.2 … 1.300
const chain = chainOn(genesis, 1, 300)
const at = (height: number) => chain[height - 1]!
const qc = (height: number) => qcOf(four, genesis, at(height))
const cc = (height: number) => ccOf(four, at(height))
const every = () => true
const nothing = () => false

describe('a certificate that is here before its block', () => {
  it('is new once for a block, and a lock certificate takes the place of an acknowledgement certificate, not the other way', () => {
    const waiting = new WaitingCertificates()
    expect(waiting.add(qc(1))).toBe(true)
    expect(waiting.add(cc(1))).toBe(false)
    expect(waiting.add(qc(1))).toBe(false)
    expect(waiting.takeThose(every)).toEqual([cc(1)])
    expect(waiting.has(at(1).id)).toBe(false)
  })

  it('is taken when its block is here, the lowest-ranked first; the others go on waiting', () => {
    const waiting = new WaitingCertificates()
    for (const height of [3, 1, 2, 9]) waiting.add(qc(height))
    expect(waiting.takeThose(({ height }) => height < 4)).toEqual([qc(1), qc(2), qc(3)])
    expect(waiting.takeThose(every)).toEqual([qc(9)])
  })

  it('has its block fetched when it has waited for three ticks: the highest of those that may be adopted', () => {
    const waiting = new WaitingCertificates()
    waiting.add(qc(1))
    expect(waiting.tick(every)).toBeUndefined()
    expect(waiting.tick(every)).toBeUndefined()
    waiting.add(qc(5))
    waiting.add(cc(7))
    expect(waiting.tick(({ signed }) => signed.kind === 'ack')).toEqual(qc(5))
    // All wait anew, and none is forgotten by being asked for.
    expect(waiting.tick(every)).toBeUndefined()
    expect(waiting.tick(every)).toBeUndefined()
    expect(waiting.tick(every)).toEqual(cc(7))
  })

  it('is never fetched while it may not be adopted, however long it waits', () => {
    const waiting = new WaitingCertificates()
    waiting.add(qc(1))
    for (let tick = 0; tick < 10; tick++) expect(waiting.tick(nothing)).toBeUndefined()
  })

  it('makes room when there are 256: the lowest-ranked goes, be it the newest', () => {
    const waiting = new WaitingCertificates()
    for (let height = 300; height > 44; height--) waiting.add(qc(height))
    waiting.add(qc(44))
    expect(waiting.has(at(44).id)).toBe(false)
    waiting.add(cc(45))
    const held = waiting.takeThose(every)
    expect(held.length).toBe(256)
    expect(held[0]).toEqual(cc(45))
    expect(certifiedBlock(held.at(-1)!).height).toBe(300)
  })

  it('is forgotten when its height is committed', () => {
    const waiting = new WaitingCertificates()
    for (const height of [1, 2, 3]) waiting.add(qc(height))
    waiting.forgetThrough(2 as Height)
    expect(waiting.takeThose(every)).toEqual([qc(3)])
  })
})
