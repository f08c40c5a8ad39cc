/**
 * What an entry is, in one sentence, for whoever has just seen it proved: that bytes stand in a ledger does not say that the ledger took what
 * somebody wanted. A refusal stands there like a record, and must not be taken for one.
 */
import type { Words } from './bundle.ts'
import { type LeafKind, leafKindOf, parseEntry, rereadLeaf } from './entry.ts'
import type { JsonObject, JsonValue } from './json.ts'
import { parseSignedObject, statementBytesMax } from './statement.ts'
import { beijingTime, parseStoredTime } from './time.ts'

export interface EntrySaid extends Words {
  /** `unknown`: proved by some policy, and no entry as this software knows them. */
  readonly kind: LeafKind | 'unknown'
}

export function entryWords(entry: Uint8Array): EntrySaid {
  const kind = leafKindOf(entry)
  try {
    return { kind, ...wordsOf(kind, entry) }
  } catch {
    return {
      kind: 'unknown',
      zh: '不是本软件所知的任何一种条目，其内容未作解读。',
      en: 'It is no entry that this software knows; nothing is said about what it holds.',
    }
  }
}

function wordsOf(kind: LeafKind, entry: Uint8Array): Words {
  switch (kind) {
    case 'genesis':
      return { zh: '创世条目。', en: 'The genesis.' }
    case 'system': {
      const { height, time } = texts(rereadLeaf(entry).system, 'height', 'time')
      const at = timeOf(time)
      return {
        zh: `区块首条：第 ${height} 号区块，区块时间 ${at}。`,
        en: `The first entry of block ${height}, of ${at}.`,
      }
    }
    case 'refusal': {
      const { statement, member, code } = texts(rereadLeaf(entry).refusal, 'statement', 'member', 'code')
      return {
        zh: `拒绝记录：经 ${member} 提交的报文 ${statement} 按规则 ${code} 被拒绝。它不是被接受的记录。`,
        en: `A refusal: the statement ${statement}, brought by ${member}, was refused by the rule ${code}. It is no record.`,
      }
    }
    case 'record': {
      const { member, receivedAt, statement } = parseEntry(entry)
      const { type, party } = texts(parseSignedObject(statement, statementBytesMax).payload, 'type', 'party')
      const at = beijingTime(receivedAt)
      return {
        zh: `记录：类型 ${type}，提交主体 ${party}；${member} 称于 ${at} 收到。`,
        en: `A record: ${type}, by ${party}; ${member} says that it received it at ${at}.`,
      }
    }
  }
}

function texts<Name extends string>(value: JsonValue | undefined, ...names: readonly Name[]) {
  const object = value as JsonObject
  if (names.some((name) => typeof object[name] !== 'string')) throw new TypeError('no text')
  return object as Readonly<Record<Name, string>>
}

function timeOf(stored: string): string {
  const at = parseStoredTime(stored)
  if (at === undefined) throw new TypeError('no time')
  return beijingTime(at)
}
