/**
 * Rule 21, by reading: N, q, f and who counts come from the list of an epoch and from nowhere else. Who computes a quorum is named here, with the
 * list that it is computed from; whatever looks at the members of the genesis instead only tells, connects or founds. That the numbers stay what the
 * list says while a ledger runs is the simulator's (`only-a-close-changes-the-list`).
 */
import { globSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const root = new URL('../../', import.meta.url)
const sources = globSync('src/**/*.ts', { cwd: root }).sort()
const holding = (pattern: RegExp): string[] =>
  sources.filter((path) => pattern.test(readFileSync(new URL(path, root), 'utf8')))

/** Each with what it is given. */
const counting = {
  'src/chain/catalogue/rules.ts': 'the list of the epoch in which the statement is judged',
  'src/chain/epoch.ts': 'the list of the epoch that a closing record begins',
  'src/chain/founding.ts': 'the members of a founding entry, for whoever checks it without the rest',
  'src/chain/genesis.ts': 'the list of the first epoch',
  'src/consensus/raft.ts': 'the list of its epoch: there is one core for each',
  'src/node/fencing.ts': 'the nodes of its epoch',
}

/**
 * Founding, configuration, answers of the API and the audit, which know the first epoch only (decision 0023): no record of this release closes
 * it. Nothing that they count makes a certificate.
 */
const telling = /^src\/(api|node\/(cli\/.*|audit\/.*|configuration|process|queries)\.ts$)/

describe('who counts', () => {
  it('is computed in these places only', () => {
    const calls = holding(/\b(quorumOf|faultsOf)\(/)
    expect(calls).toEqual(Object.keys(counting))
    expect(holding(/\/ 3\b/).filter((path) => /^src\/(consensus|node)\//.test(path))).toEqual([])
  })

  it('is asked of the genesis by nobody who signs, checks or counts', () => {
    const asking = holding(/genesis\.(quorum|faults|members)\b/).filter((path) => path !== 'src/chain/genesis.ts')
    expect(asking.filter((path) => !telling.test(path))).toEqual([])
  })
})
