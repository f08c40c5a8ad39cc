import { describe, expect, it } from 'vitest'
import { Lifecycle } from '../../../src/chain/catalogue/lifecycle.ts'
import type { RuleContext } from '../../../src/chain/catalogue/statement-type.ts'
import { natural } from '../../../src/chain/catalogue/table.ts'
import type { CborValue } from '../../../src/chain/cbor.ts'
import { Refusal } from '../../../src/chain/refusal.ts'

const lampLife = new Lifecycle({
  name: 'lamp',
  title: { zh: '灯', en: 'lamp' },
  states: { off: { zh: '关', en: 'Off' }, on: { zh: '开', en: 'On' } },
  columns: { times: natural },
  byRecord: [
    { on: 'lamp.hang', from: ['none'], to: 'off' },
    { on: 'lamp.light', from: ['off'], to: 'on' },
  ],
  byClock: [],
})
const words = { zh: '灯', en: 'lamp' }
const plain = {
  version: 1,
  title: words,
  law: words,
  schema: { properties: {}, required: [] },
  roles: 'any',
  key: () => ['1'],
  subjects: () => ({ parties: [] }),
} as const

describe('a step without rules of its own', () => {
  const hang = lampLife.step({ ...plain, name: 'lamp.hang', next: () => ({ times: 0 }) })
  const light = lampLife.step({ ...plain, name: 'lamp.light', next: () => ({ times: 1 }) })
  const rows = new Map<string, CborValue>()
  const context = {
    blockTime: 1,
    index: 1,
    state: { get: (key: string) => rows.get(key), set: (key: string, value: CborValue) => rows.set(key, value) },
  } as unknown as RuleContext
  const codeOf = (step: typeof hang): string => {
    try {
      step.check!({}, context)
    } catch (error) {
      if (error instanceof Refusal) return error.code
      throw error
    }
    step.apply!({}, context)
    return 'accepted'
  }

  it('is refused all the same where the move is not allowed', () => {
    expect(codeOf(light)).toBe('lamp.unknown')
    expect(codeOf(hang)).toBe('accepted')
    expect(codeOf(hang)).toBe('lamp.exists')
    expect(codeOf(light)).toBe('accepted')
    expect(codeOf(light)).toBe('lamp.wrong-state')
  })
})
