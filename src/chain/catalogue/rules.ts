/**
 * `rules.activate@1`: how record types come into force on a ledger that is already founded (design.md section 6: rules are in force by height).
 * Each member's centre approves a list of types and a height; when q of them have approved the same, those types are in force from that
 * height on, for every member at the same block. The height lies far enough ahead for whoever runs older software to notice: what a
 * member's software does not know is scheduled all the same, and that member's node says so from then on and stops before that height
 * (`unknownAhead` in `catalogue.ts`, `UnknownRules` in `execution.ts`). Until it comes, q members can move it.
 */
import { sha256 } from '#crypto'
import { toHex, utf8 } from '../bytes.ts'
import { type CborValue, field } from '../cbor.ts'
import { quorumOf } from '../numbers.ts'
import { Refusal } from '../refusal.ts'
import type { StateReader } from '../state.ts'
import { memberOfCentre, readKey } from './register.ts'
import type { Family, RuleContext, StatementType } from './statement-type.ts'
import { list, natural, optional, table, text } from './table.ts'
import { named, refuse } from './values.ts'

/** Types that one approval brings into force. */
export const activatedTypesMax = 64

/** The name under which a genesis allows it; a ledger without it keeps the types it was founded with. */
export const activationTypeName = 'rules.activate@1'

interface Activation {
  readonly types: readonly string[]
  readonly height: number
}

/** A type that q members have scheduled. */
export interface ScheduledType {
  /** `bid.record@2` */
  readonly name: string
  /** In force for statements in blocks of this height and above. */
  readonly height: number
  /** Index of the record with which q had approved. */
  readonly index: number
}

const approvals = table('rules-approval', {
  types: list(text),
  height: natural,
  members: list(text),
  /** Index of the record with which q had approved. */
  scheduledBy: optional(natural),
})

const scheduleRow = 'rules-schedule'

/** Every type that was ever scheduled, by name. Read with every block, and changed a few times in a ledger's life. */
export function scheduleOf(state: StateReader): ReadonlyMap<string, ScheduledType> {
  const row = state.get(scheduleRow)
  if (row === undefined) return nothingScheduled
  const cells = field.array(row, 'rules schedule')
  let schedule = schedulesRead.get(cells)
  if (schedule === undefined) {
    schedule = new Map(
      cells.slice(1).map((item) => {
        const [name, height, index] = field.array(item, 'scheduled type', 3)
        const type = field.text(name, 'type')
        return [type, { name: type, height: field.natural(height, 'height'), index: field.natural(index, 'index') }]
      }),
    )
    schedulesRead.set(cells, schedule)
  }
  return schedule
}
const nothingScheduled: ReadonlyMap<string, ScheduledType> = new Map()
const schedulesRead = new WeakMap<readonly CborValue[], ReadonlyMap<string, ScheduledType>>()

/** Whether a type is in force for statements in a block of this height, beyond those that the ledger was founded with. */
export function isActivated(state: StateReader, name: string, height: number): boolean {
  const scheduled = scheduleOf(state).get(name)
  return scheduled !== undefined && scheduled.height <= height
}

const activate: StatementType = {
  name: 'rules.activate',
  version: 1,
  title: { zh: '批准规则生效', en: 'Approve that rules come into force' },
  law: {
    zh: '成员协议：规则由全体成员共同执行；新的记录类型经不少于 q 个成员中心批准，自约定的区块高度起生效。',
    en: 'The members’ agreement: the rules are everybody’s. New record types come into force at an agreed height, once q members’ centres have approved.',
  },
  schema: {
    properties: {
      types: named('记录类型', 'Record types', {
        description: '类型与版本，按升序，如 bid.record@2 / names with versions, ascending, like bid.record@2',
        type: 'array',
        minItems: 1,
        maxItems: activatedTypesMax,
        items: named('类型', 'Type', {
          type: 'string',
          maxLength: 64,
          pattern: '^[a-z][a-z0-9-]*(?:\\.[a-z][a-z0-9-]*)+@[1-9][0-9]{0,3}$',
        }),
      }),
      height: named('生效高度', 'Height', {
        description: '自此高度的区块起生效 / in force from the block of this height on',
        type: 'integer',
        minimum: 1,
        maximum: Number.MAX_SAFE_INTEGER,
      }),
    },
    required: ['types', 'height'],
  },
  roles: ['centre'],
  isForStrongKeys: true,
  refusals: {
    'rules.not-a-member': {
      zh: {
        title: '不是现任成员中心',
        cause: '规则生效由现任成员的中心密钥批准。',
        remedy: '请由成员中心的密钥提交。',
      },
      en: {
        title: 'Not the centre of a member',
        cause: 'Rules are approved by the centres of those that are members now.',
        remedy: 'Have a member’s centre submit this.',
      },
    },
    'rules.types-not-ascending': {
      zh: {
        title: '类型未按升序排列',
        cause: '同一份清单只有一种写法：按升序排列，每个类型一次。',
        remedy: '请将 types 排序并去重。',
      },
      en: {
        title: 'Types not ascending',
        cause: 'A list has one spelling, so that approvals of the same list meet: ascending, each type once.',
        remedy: 'Sort types and name each once.',
      },
    },
    'rules.already-in-force': {
      zh: { title: '类型已生效', cause: '清单中有类型已在本账本生效。', remedy: '请从清单中去掉已生效的类型。' },
      en: {
        title: 'Already in force',
        cause: 'A type of the list is in force on this ledger.',
        remedy: 'Leave out what is in force.',
      },
    },
    'rules.too-soon': {
      zh: {
        title: '生效高度过近',
        cause: '生效高度与当前高度的距离小于创世参数 readyDistanceBlocksMax，来不及升级的成员将被迫停止。',
        remedy: '请约定更远的高度，由各成员重新批准。',
      },
      en: {
        title: 'Too soon',
        cause:
          'The height is less than readyDistanceBlocksMax (genesis) ahead: a member that has to change its software would be stopped.',
        remedy: 'Agree on a later height, and have each member approve that.',
      },
    },
    'rules.already-approved': {
      zh: {
        title: '已批准过',
        cause: '该成员已批准过同一清单与高度，或其已获足够批准。',
        remedy: '无需再次提交。',
      },
      en: {
        title: 'Already approved',
        cause: 'This member has approved the same list and height before, or enough members have.',
        remedy: 'Nothing to do.',
      },
    },
  },

  check(payload, context) {
    const { types, height } = payload as unknown as Activation
    const member = approverOf(context)
    if (member === undefined) throw new Refusal('rules.not-a-member')
    types.forEach((type, at) => {
      const pointer = `/types/${at}`
      if (at > 0 && type <= types[at - 1]!) {
        throw refuse('rules.types-not-ascending', pointer, '未按升序', 'does not ascend')
      }
      if (context.genesis.catalogue.includes(type) || isActivated(context.state, type, context.height)) {
        throw refuse('rules.already-in-force', pointer, '已生效', 'is in force')
      }
    })
    if (height < context.height + context.genesis.parameters.readyDistanceBlocksMax) {
      throw refuse('rules.too-soon', '/height', `当前高度 ${context.height}`, `is too close to ${context.height}`)
    }
    const held = approvals.read(context.state, approvalKey(types, height))
    if (held?.members.includes(member) || (held !== undefined && held.scheduledBy !== null)) {
      throw new Refusal('rules.already-approved', `approved by ${held.members.join(', ')}`)
    }
  },

  apply(payload, context) {
    const { types, height } = payload as unknown as Activation
    const { state, members, index } = context
    const key = approvalKey(types, height)
    const held = approvals.read(state, key)
    const approvedBy = [...(held?.members ?? []), approverOf(context)!]
    // Who has left since does not count; who has joined counts in q.
    const counted = approvedBy.filter((id) => members.some((member) => member.id === id))
    const isApproved = counted.length >= quorumOf(members.length)
    approvals.write(state, key, { types, height, members: approvedBy, scheduledBy: isApproved ? index : null })
    if (!isApproved) return
    const schedule = new Map(scheduleOf(state))
    for (const name of types) schedule.set(name, { name, height, index })
    state.set(scheduleRow, [1, ...Array.from(schedule.values(), (type) => [type.name, type.height, type.index])])
  },

  subjects: (payload) => {
    const { types } = payload as unknown as Activation
    return { parties: [], subjects: types.map((type) => `rules/${type}`) }
  },
}

function approverOf({ state, statement, members }: RuleContext): string | undefined {
  return memberOfCentre(readKey(state, statement.kid)!, members)?.id
}

/** One row for each list and height; a list may be longer than a row's name should be. */
function approvalKey(types: readonly string[], height: number): readonly string[] {
  return [String(height), toHex(sha256(utf8(types.join('\n'))))]
}

export const ruleActivations: Family = {
  name: 'rules',
  title: { zh: '规则生效', en: 'Rules in force' },
  purpose: {
    zh: '规则由全体成员共同执行。新的记录类型由各成员中心批准，满 q 个成员批准同一清单与高度后，自该高度起在全网同时生效；高度须留出升级时间。不认识新类型的软件自获批之时起示警，并在该高度之前停止，而不会与他方产生分歧。',
    en: 'The rules are everybody’s. New record types are approved by the members’ centres; once q of them have approved the same list and height, the types are in force from that height on, everywhere at the same block. The height leaves time to change the software: one that does not know a type says so from the moment it is scheduled, and stops before that height rather than differ.',
  },
  types: [activate],
}
