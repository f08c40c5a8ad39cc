/**
 * The family of attestation. `attest.hash@1` (存证): the hash of a document or of a transaction's data, with where it came from; many of them,
 * in versions, are in `attest-documents.ts`, witnessed events in `witness.ts`. The document itself stays with its owner. A court asks who made it, when, with what, and whether it is the same (互联网法院规定 art. 11, 在线诉讼规则 arts. 16–19);
 * the source fields answer the first three before the datum went on the ledger, the hash and the ledger the last.
 */
import { Refusal } from '../refusal.ts'
import { attestDocuments } from './attest-documents.ts'
import type { Family, StatementType, Subjects } from './statement-type.ts'
import { type TenderIdentity, tenderSubject } from './tender-identity.ts'
import {
  type DocumentHash,
  enumField,
  hashField,
  hashText,
  named,
  object,
  regionField,
  tenderField,
  textField,
  timeField,
} from './values.ts'
import { witnessEvent } from './witness.ts'

interface AttestHash {
  readonly hash: DocumentHash
  readonly source: { readonly operator: string }
  readonly tender?: TenderIdentity
  readonly region?: string
}

const attestHash: StatementType = {
  name: 'attest.hash',
  version: 1,
  isFirstEdition: true,
  title: { zh: '哈希存证', en: 'Attest a hash' },
  law: {
    zh: '最高人民法院《关于互联网法院审理案件若干问题的规定》第十一条，《人民法院在线诉讼规则》第十六至十九条。',
    en: 'Provisions of the Supreme People’s Court on internet courts art. 11; Rules of Online Litigation arts. 16–19.',
  },
  schema: {
    properties: {
      subject: enumField('存证对象', 'What is attested', ['document', 'transaction']),
      hash: hashField('哈希', 'Hash'),
      mediaType: named('媒体类型', 'Media type', {
        description: '小写，如 application/pdf / lower case, like application/pdf',
        type: 'string',
        pattern: '^[a-z0-9][a-z0-9!#$&^_.+-]{0,62}/[a-z0-9][a-z0-9!#$&^_.+-]{0,62}$',
      }),
      length: named('字节数', 'Length in bytes', {
        description: '可不填；长度可能暴露内容 / optional; sizes can identify',
        type: 'integer',
        minimum: 0,
        maximum: Number.MAX_SAFE_INTEGER,
      }),
      source: named(
        '来源',
        'Source',
        object(
          {
            system: textField('来源系统', 'Submitting system', 128),
            operator: named('经办', 'Operator', {
              description:
                'role:<岗位> 或 person:<加盐哈希>；不得填写姓名、证件号、电话 / role:<post> or person:<salted hash>; no personal data',
              type: 'string',
              pattern:
                '^(?:role:[^\\u0000-\\u001f\\u007f-\\u009f\\u2028-\\u202e\\u2066-\\u2069]{1,64}|person:[0-9a-f]{64})$',
            }),
            method: textField('生成方式', 'How it was made', 128),
            software: textField('软件及版本', 'Software and version', 128),
            occurredAt: timeField('发生时间', 'Occurred at'),
          },
          ['system', 'operator', 'method', 'software', 'occurredAt'],
        ),
      ),
      tender: tenderField,
      region: regionField,
      version: named('文件版本', 'Version of the document', { type: 'integer', minimum: 1, maximum: 1_000_000 }),
      title: textField('标题', 'Title', 256),
    },
    required: ['subject', 'hash', 'mediaType', 'source'],
  },
  roles: 'any',
  refusals: {
    'attest.personal-data': {
      zh: {
        title: '含有个人信息',
        cause: '经办字段含有形似证件号或电话的数字；个人信息不得上链。',
        remedy: '请填写岗位（role:开标员），或链下加盐的哈希（person:…）。',
      },
      en: {
        title: 'Personal data',
        cause:
          'The operator holds digits like those of an identity card or a telephone; personal data stay off the chain.',
        remedy: 'Give a post (role:opening clerk), or a hash salted off the chain (person:…).',
      },
    },
  },

  check(payload) {
    const { source } = payload as unknown as AttestHash
    // Telephones have 11 digits, identity cards 15 or 18. A salted hash is hex and may hold such a run by chance.
    if (source.operator.startsWith('role:') && /[0-9０-９]{11}/.test(source.operator)) {
      throw new Refusal('attest.personal-data', 'source.operator holds a personal number', [
        { pointer: '/source/operator', problem: '「经办」不得含个人号码 | "Operator" must not hold a personal number' },
      ])
    }
  },

  subjects(payload): Subjects {
    const { hash, tender, region } = payload as unknown as AttestHash
    return {
      parties: tender === undefined ? [] : [tender.owner],
      ...(tender === undefined ? {} : { owner: tender.owner, tender: tender.code, subjects: [tenderSubject(tender)] }),
      ...(region === undefined ? {} : { region }),
      hashes: [hashText(hash)],
    }
  },
}

export const attestation: Family = {
  name: 'attest',
  title: { zh: '存证', en: 'Attestation' },
  purpose: {
    zh: '法院审查电子数据的真实性，要看由谁、何时、以何种方式生成，上链之前是否真实，以及是否完整（《最高人民法院关于互联网法院审理案件若干问题的规定》第十一条、《人民法院在线诉讼规则》第十六至十九条）。来源字段回答上链之前的问题，哈希与账本回答之后的问题；文件本身不上链。',
    en: 'A court asks who made a datum, when and how, whether it was authentic before it went on a chain, and whether it is complete (Provisions on internet courts art. 11; Rules of Online Litigation arts. 16–19). The source fields answer for the time before, the hash and the ledger for the time after. The document itself stays with its owner.',
  },
  types: [attestHash, attestDocuments, witnessEvent],
}
