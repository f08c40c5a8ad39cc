/** Style: `info` is for what is rare. A member that lies decides how often the others warn of it. */
import { expect, test } from 'vitest'
import { sameLineMs } from '../../src/node/limits.ts'
import type { Log, LogFields } from '../../src/node/ports.ts'
import { seldomLog } from '../../src/node/seldom-log.ts'
import { VirtualClock } from '../contract/virtual-clock.ts'
import { ReplicaWorld } from './replica-world.ts'

function recorded(): { readonly lines: [string, LogFields][]; readonly clock: VirtualClock; readonly log: Log } {
  const lines: [string, LogFields][] = []
  const write = (event: string, fields: LogFields = {}): void => void lines.push([event, fields])
  const clock = new VirtualClock()
  return { lines, clock, log: seldomLog({ debug: write, info: write, warn: write, error: write }, clock) }
}

test('what says the same of the same member is written once in a while, and says how much was left out', () => {
  const { lines, clock, log } = recorded()
  const say = (reason: string): void => log.warn('message malformed', { member: 'wuhan', reason })
  for (let i = 0; i < 1_000; i++) say(`reason ${i}`)
  expect(lines).toEqual([['message malformed', { member: 'wuhan', reason: 'reason 0' }]])
  clock.advance(sameLineMs)
  say('later')
  clock.advance(sameLineMs)
  say('alone')
  expect(lines.slice(1).map(([, fields]) => fields)).toEqual([
    { member: 'wuhan', reason: 'later', leftOut: 999 },
    { member: 'wuhan', reason: 'alone' },
  ])
})

test('another member, another code, and what is about no member are written', () => {
  const { lines, log } = recorded()
  for (const member of ['wuhan', 'beijing']) {
    for (const code of ['stale', 'block.wrong-root']) log.error('block refused', { member, code })
  }
  for (const height of [3, 4]) log.error('block damaged', { height })
  for (let i = 0; i < 2; i++) log.info('role', { member: 'wuhan' })
  expect(lines).toHaveLength(8)
})

test('a member that floods a node with what is no message is one line in its log', () => {
  const world = new ReplicaWorld(4, { cheapSignatures: true })
  for (const id of ['beijing', 'guangzhou', 'hangzhou']) world.start(id)
  const enemy = world.impostor('wuhan')
  world.clock.advance(500)
  for (let i = 0; i < 500; i++) enemy.sendBytes('beijing', new Uint8Array(20).fill(i))
  world.clock.advance(1_000)
  expect(world.log.filter((line) => line.includes('beijing message malformed'))).toHaveLength(1)
})
