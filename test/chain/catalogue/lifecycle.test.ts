import { describe, expect, it } from 'vitest'
import { Lifecycle } from '../../../src/chain/catalogue/lifecycle.ts'
import type { RuleContext } from '../../../src/chain/catalogue/statement-type.ts'
import { natural } from '../../../src/chain/catalogue/table.ts'
import type { CborValue } from '../../../src/chain/cbor.ts'
import { Refusal } from '../../../src/chain/refusal.ts'

const lampLife = new Lifecycle({
  name: 'lamp',
  title: { zh: '灯', en: 'lamp' },
  states: { off: { zh: '关', en: 'Off' }, on: { zh: '开', en: 'On' }, down: { zh: '落', en: 'Down' } },
  columns: { times: natural },
  byRecord: [
    { on: 'lamp.hang', from: ['none'], to: 'off' },
    { on: 'lamp.light', from: ['off'], to: 'on' },
    { on: 'lamp.dim', from: ['on'], to: 'off' },
    { on: 'lamp.fell', from: ['off', 'on'], to: 'down' },
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
  const fell = lampLife.step({ ...plain, name: 'lamp.fell', next: () => ({}) })
  const rows = new Map<string, CborValue>()
  const context = {
    blockTime: 1,
    index: 1,
    state: { get: (key: string) => rows.get(key), set: (key: string, value: CborValue) => rows.set(key, value) },
  } as unknown as RuleContext
  const refusalOf = (step: typeof hang): Refusal | undefined => {
    try {
      step.check!({}, context)
    } catch (error) {
      if (error instanceof Refusal) return error
      throw error
    }
    step.apply!({}, context)
    return undefined
  }
  const codeOf = (step: typeof hang): string => refusalOf(step)?.code ?? 'accepted'

  it('is refused all the same where the move is not allowed', () => {
    expect(codeOf(light)).toBe('lamp.unknown')
    expect(codeOf(hang)).toBe('accepted')
    expect(codeOf(hang)).toBe('lamp.exists')
    expect(codeOf(light)).toBe('accepted')
    expect(codeOf(light)).toBe('lamp.wrong-state')
  })

  it('and says where the instance stands and what is allowed now, in the words of the states and in both languages', () => {
    const at = '1970-01-01T00:00:00.001Z'
    expect(refusalOf(light)?.message).toBe(
      `lamp/1 自 ${at} 起为「开」；lamp.light 须在「关」时提交；现在可提交：lamp.dim、lamp.fell | ` +
        `lamp/1 is "On" since ${at}; lamp.light needs "Off"; allowed now: lamp.dim, lamp.fell`,
    )
    expect(refusalOf(hang)?.message).toBe('记录 1 已是 lamp/1 | record 1 is about lamp/1 already')
    expect(codeOf(fell)).toBe('accepted')
    expect(refusalOf(fell)?.message).toBe(
      `lamp/1 自 ${at} 起为「落」；lamp.fell 须在「关」「开」时提交；现已没有可提交的报文 | ` +
        `lamp/1 is "Down" since ${at}; lamp.fell needs "Off" or "On"; nothing more is allowed`,
    )
  })

  it('and a name cannot move the bar between the languages', () => {
    const strange = lampLife.step({ ...plain, name: 'lamp.light', key: () => ['a | b'], next: () => ({}) })
    expect(refusalOf(strange)?.message).toBe(
      '账本上没有 lamp/a %7C b；先提交：lamp.hang | there is no lamp/a %7C b; it begins with lamp.hang',
    )
  })
})
