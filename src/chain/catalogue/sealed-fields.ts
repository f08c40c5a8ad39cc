/**
 * What the records of an opening say of a bid: where its leaf stands, what the leaf is made of, what it replaces, and its terms. A bid that was
 * replaced or withdrawn is shown by its hashes alone.
 */
import type { SealedContent } from '../sealed-bid.ts'
import { countField, digestField, pathField } from './box-fields.ts'
import {
  codeField,
  type DocumentHash,
  enumField,
  hashField,
  named,
  object,
  partyField,
  priceField,
  wordsField,
} from './values.ts'

const kidField = (zh: string, en: string) => named(zh, en, { type: 'string', pattern: '^[A-Za-z0-9_-]{44,128}$' })
export const milliseconds = (zh: string, en: string) =>
  named(zh, en, { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
export const memberField = named('成员', 'Member', { type: 'string', pattern: '^[a-z0-9][a-z0-9-]{0,31}$' })

/** Where a leaf stands: in a member's close, or, without index and path, in a claim by receipt. */
export interface Place {
  readonly member: string
  readonly receivedAt: number
  readonly index?: number
  readonly path?: readonly string[]
}

export const placeField = named(
  '所在位置',
  'Where it stands',
  object(
    {
      member: memberField,
      receivedAt: milliseconds('接收时间（毫秒）', 'Received at, milliseconds'),
      index: countField('位置', 'Index', Number.MAX_SAFE_INTEGER),
      path: pathField,
    },
    ['member', 'receivedAt'],
  ),
)

export interface Changes {
  readonly leaf: string
  readonly signature: string
}

export const changesField = named(
  '替换或撤回的投标',
  'The bid that it replaces or withdraws',
  object(
    {
      leaf: digestField('原叶', 'Its leaf'),
      signature: named('原一次性密钥的签名', 'Signature by its one-time key', {
        type: 'string',
        pattern: '^[0-9a-f]{128}$',
      }),
    },
    ['leaf', 'signature'],
  ),
)

/** What a bid's leaf is made of where bidder and terms stay covered by their hashes: one that was replaced or withdrawn. */
export const coveredFields = {
  ciphertext: digestField('密文哈希', 'Hash of the encrypted file'),
  terms: digestField('条款哈希', 'Hash of the terms'),
  bidder: digestField('投标人哈希', 'Hash of the bidder'),
  oneTimeKey: kidField('一次性公钥', 'One-time key'),
  nonce: digestField('随机数', 'Nonce'),
  changes: changesField,
}

const coveredRequired = ['ciphertext', 'terms', 'bidder', 'oneTimeKey', 'nonce']

/** Bids that one bid may have replaced, one after the other: a record with all of them stays well below what an entry holds. */
export const replacedMax = 16

/** From the newest to the first; only their hashes. */
export const chainField = named('原投标（由新到旧，只有哈希）', 'The bids before, the newest first, by their hashes', {
  type: 'array',
  minItems: 1,
  maxItems: replacedMax,
  items: named(
    '原投标',
    'The bid before',
    object({ place: placeField, content: named('内容', 'Content', object(coveredFields, coveredRequired)) }, [
      'content',
    ]),
  ),
})

export interface Covered {
  /** Absent when it stands in no box that was closed, and nobody claimed it: it is no less replaced. */
  readonly place?: Place
  readonly content: Omit<SealedContent, 'kind'>
}

export const termsFields = {
  salt: digestField('盐', 'Salt'),
  price: priceField,
  document: hashField('投标文件哈希', 'Hash of the bid document'),
  guarantee: named(
    '保函',
    'Guarantee',
    object(
      {
        issuer: partyField('出具人', 'Issuer'),
        number: codeField('保函编号', 'Number'),
        kind: enumField('种类', 'Kind', ['single', 'multi-section', 'annual']),
        document: hashField('保函哈希', 'Hash of the guarantee'),
      },
      ['issuer', 'number', 'kind', 'document'],
    ),
  ),
  duration: wordsField('工期', 'Duration', 256),
}

export interface Terms {
  readonly salt: string
  readonly price: { readonly form: string; readonly amount: string }
  readonly document?: DocumentHash
  readonly guarantee?: {
    readonly issuer: string
    readonly number: string
    readonly kind: string
    readonly document: DocumentHash
  }
}
