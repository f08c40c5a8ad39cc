/**
 * `attest.documents@1` (批量存证): the hashes of many documents under one statement and one source. A document with an id has versions: each but
 * the first names the one that it replaces, so that the ledger holds one chain for a document, in which nothing is left out, forked or said
 * twice. A document's id is its party's own: nobody else can go on with it, nor can a key on one member's word use up what an agreed key
 * will want to say (decision 0018).
 */
import { readKey, rowName, scopesOfKey } from './register.ts'
import { lengthField, mediaTypeField, refuseNumberOf, type Source, sourceField } from './source.ts'
import type { RuleContext, StatementType } from './statement-type.ts'
import { natural, table, text } from './table.ts'
import { type TenderIdentity, tenderSubject } from './tender-identity.ts'
import {
  codeField,
  type DocumentHash,
  hashField,
  hashText,
  named,
  object,
  refuse,
  regionField,
  tenderField,
  wordsField,
} from './values.ts'

/** With ids, titles and predecessors a hundred stay well below the bytes of a statement. */
export const attestedDocumentsMax = 100

interface Document {
  readonly id?: string
  readonly hash: DocumentHash
  readonly replaces?: DocumentHash
}

interface AttestDocuments {
  readonly party: string
  readonly source: Source
  readonly documents: readonly Document[]
  readonly tender?: TenderIdentity
  readonly region?: string
}

/** The last version of a document; by scope, party and id. */
const documents = table('document', { hash: text, version: natural, index: natural })

/** Every version that was; by scope, party, id and hash. */
const versions = table('document-version', { version: natural, index: natural })

const documentField = named(
  '文件',
  'Document',
  object(
    {
      id: codeField('文件编号', 'Document id'),
      hash: hashField('哈希', 'Hash'),
      mediaType: mediaTypeField,
      length: lengthField,
      title: wordsField('标题', 'Title', 256),
      replaces: hashField('所替换版本的哈希', 'Hash of the version it replaces'),
    },
    ['hash', 'mediaType'],
  ),
)

export const attestDocuments: StatementType = {
  name: 'attest.documents',
  version: 1,
  keepsScopesApart: true,
  title: { zh: '批量存证', en: 'Attest documents' },
  law: {
    zh: '最高人民法院《关于互联网法院审理案件若干问题的规定》第十一条，《人民法院在线诉讼规则》第十六至十九条。',
    en: 'Provisions of the Supreme People’s Court on internet courts art. 11; Rules of Online Litigation arts. 16–19.',
  },
  schema: {
    properties: {
      documents: named('文件清单', 'Documents', {
        type: 'array',
        minItems: 1,
        maxItems: attestedDocumentsMax,
        items: documentField,
      }),
      source: sourceField,
      tender: tenderField,
      region: regionField,
    },
    required: ['documents', 'source'],
  },
  roles: 'any',
  refusals: {
    'attest.document-twice': {
      zh: { title: '文件重复', cause: '同一编号或同一哈希在一份报文中出现两次。', remedy: '每份文件只列一次。' },
      en: {
        title: 'Document named twice',
        cause: 'The same id or hash stands twice in one statement.',
        remedy: 'Name each document once.',
      },
    },
    'attest.version-exists': {
      zh: {
        title: '该版本已存证',
        cause: '这一编号之下已有相同哈希的版本。',
        remedy: '无需再次提交；如内容有变，请提交新的哈希。',
      },
      en: {
        title: 'This version is attested already',
        cause: 'A version with this hash stands under this id.',
        remedy: 'Nothing to do; for other content submit its own hash.',
      },
    },
    'attest.no-predecessor': {
      zh: {
        title: '没有可替换的版本',
        cause: '所替换的版本须属于同一主体、同一编号且已存证；未填编号的文件没有版本。',
        remedy: '首个版本请不填 replaces；有版本的文件请填写编号。',
      },
      en: {
        title: 'Nothing to replace',
        cause: 'What is replaced is an attested version of the same party and id; a document without an id has none.',
        remedy: 'Leave replaces out of a first version, and give a document with versions an id.',
      },
    },
    'attest.not-the-last-version': {
      zh: {
        title: '不是最新版本的后续',
        cause: '新版本须写明它所替换的、该编号之下的最新版本。',
        remedy: '请查询该编号的最新版本，以其哈希填写 replaces。',
      },
      en: {
        title: 'Does not follow the last version',
        cause: 'A new version names the last one under its id as the one that it replaces.',
        remedy: 'Look up the last version of this id, and give its hash in replaces.',
      },
    },
  },

  check(payload, context) {
    const { documents: list, source, party } = payload as unknown as AttestDocuments
    refuseNumberOf(source.operator, '/source/operator')
    const seen = new Set<string>()
    const scopes = scopesOf(context)
    list.forEach((document, at) => {
      const { id, hash, replaces } = document
      const pointer = `/documents/${at}`
      const names = [hashText(hash), ...(id === undefined ? [] : [`id:${id}`])]
      if (names.some((name) => seen.has(name))) {
        throw refuse('attest.document-twice', pointer, '重复', 'stands here twice')
      }
      for (const name of names) seen.add(name)
      const isSaid = (scope: string): boolean =>
        versions.read(context.state, [scope, party, id!, hashText(hash)]) !== undefined
      if (id !== undefined && scopes.binding.some(isSaid)) {
        throw refuse('attest.version-exists', `${pointer}/hash`, '已存证', 'is attested under this id')
      }
      const last = lastVersion(context, scopes, party, document)
      if (replaces === undefined) {
        if (last === undefined) return
        const [zh, en] = [`该编号已有版本 ${last.version}`, `is missing: version ${last.version} is on the ledger`]
        throw refuse('attest.not-the-last-version', `${pointer}/replaces`, zh, en)
      }
      if (last === undefined) throw refuse('attest.no-predecessor', `${pointer}/replaces`, '未存证', 'is not attested')
      if (last.hash !== hashText(replaces)) {
        const [zh, en] = [`最新版本为 ${last.hash}`, `is not the last version, ${last.hash}`]
        throw refuse('attest.not-the-last-version', `${pointer}/replaces`, zh, en)
      }
    })
  },

  apply(payload, context) {
    const { documents: list, party } = payload as unknown as AttestDocuments
    const { state, index } = context
    const scopes = scopesOf(context)
    for (const document of list) {
      const { id, hash } = document
      if (id === undefined) continue
      const version = (lastVersion(context, scopes, party, document)?.version ?? 0) + 1
      documents.write(state, [scopes.own, party, id], { hash: hashText(hash), version, index })
      versions.write(state, [scopes.own, party, id, hashText(hash)], { version, index })
    }
  },

  subjects: (payload) => {
    const { party, documents: list, tender, region } = payload as unknown as AttestDocuments
    const ids = list.flatMap(({ id }) => (id === undefined ? [] : [rowName('document', party, id)]))
    return {
      parties: tender === undefined ? [] : [tender.owner],
      ...(tender === undefined ? {} : { owner: tender.owner, tender: tender.code }),
      ...(region === undefined ? {} : { region }),
      subjects: [...ids, ...(tender === undefined ? [] : [tenderSubject(tender)])],
      hashes: list.map(({ hash }) => hashText(hash)),
    }
  },
}

/**
 * Where this key's words stand: it writes in its own scope, and what was said in a binding one holds it. The rest is what it may have said before
 * with less standing: it can go on from there, and nothing there stands in its way.
 */
function scopesOf({ state, statement }: RuleContext) {
  const all = scopesOfKey(readKey(state, statement.kid))
  const [own] = all
  return { own, binding: own === '' ? [own] : [own, ''], all }
}

/** The version that a new one would follow. */
function lastVersion(
  { state }: RuleContext,
  { binding, all }: ReturnType<typeof scopesOf>,
  party: string,
  { id, replaces }: Document,
) {
  if (id === undefined) return undefined
  for (const scope of binding) {
    const last = documents.read(state, [scope, party, id])
    if (last !== undefined) return last
  }
  if (replaces === undefined) return undefined
  return all.map((scope) => documents.read(state, [scope, party, id])).find((last) => last?.hash === hashText(replaces))
}
