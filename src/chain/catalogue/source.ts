/**
 * Where something came from before it was on the ledger: what system, whose hand, made how, with what, when. A court asks for it (互联网法院规定
 * art. 11, 在线诉讼规则 arts. 16–19), and people stand in it as posts or salted hashes, never by name or number.
 */
import type { JsonObject } from '../json.ts'
import { Refusal } from '../refusal.ts'
import { holdsPersonalNumber } from './personal-data.ts'
import { named, object, timeField, wordsField } from './values.ts'

export interface Source {
  readonly operator: string
}

/** A post (`role:开标员`) or a person by a hash whose salt is kept off the ledger. */
export const whoField = (zh: string, en: string): JsonObject =>
  named(zh, en, {
    description:
      'role:<岗位> 或 person:<加盐哈希>；不得填写姓名、证件号、电话 / role:<post> or person:<salted hash>; no personal data',
    type: 'string',
    pattern: '^(?:role:[^\\u0000-\\u001f\\u007f-\\u009f\\u2028-\\u202e\\u2066-\\u2069]{1,64}|person:[0-9a-f]{64})$',
  })

export const sourceField = named(
  '来源',
  'Source',
  object(
    {
      system: wordsField('来源系统', 'Submitting system', 128),
      operator: whoField('经办', 'Operator'),
      method: wordsField('生成方式', 'How it was made', 128),
      software: wordsField('软件及版本', 'Software and version', 128),
      occurredAt: timeField('发生时间', 'Occurred at'),
    },
    ['system', 'operator', 'method', 'software', 'occurredAt'],
  ),
)

export const mediaTypeField = named('媒体类型', 'Media type', {
  description: '小写，如 application/pdf / lower case, like application/pdf',
  type: 'string',
  pattern: '^[a-z0-9][a-z0-9!#$&^_.+-]{0,62}/[a-z0-9][a-z0-9!#$&^_.+-]{0,62}$',
})

export const lengthField = named('字节数', 'Length in bytes', {
  description: '可不填；长度可能暴露内容 / optional; sizes can identify',
  type: 'integer',
  minimum: 0,
  maximum: Number.MAX_SAFE_INTEGER,
})

/** A salted hash is hex and may hold the digits of a telephone by chance; a post may not. */
export function refuseNumberOf(who: string, pointer: string): void {
  if (!who.startsWith('role:') || !holdsPersonalNumber(who.slice('role:'.length))) return
  throw new Refusal('personal-data.refused', `${pointer} holds a personal number`, [
    { pointer, problem: '不得含个人号码 | must not hold a personal number' },
  ])
}
