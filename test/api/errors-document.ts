/** Writes docs/errors.md out of the message catalogue. */

import { httpStatusOf } from '../../src/api/http-status.ts'
import type { RefusalWords } from '../../src/chain/refusal.ts'
import type { DeclaredText } from './every-text.ts'
import { connectionTexts } from './every-text.ts'

/** Codes that never come over HTTP: what the verifier says, and what a node or the command line says to whoever starts it. */
const isLocal = ({ file, code }: DeclaredText): boolean =>
  file.startsWith('src/node/') ||
  ['src/chain/verification-error.ts', 'src/chain/verify.ts', 'src/chain/genesis.ts'].includes(file) ||
  /^(entry|command)\./.test(code)

export function errorsDocument(declared: readonly DeclaredText[]): string {
  const texts = [...new Map(declared.map((each) => [each.code, each])).values()].sort((a, b) =>
    a.code < b.code ? -1 : 1,
  )
  const overHttp = texts.filter((each) => !isLocal(each))
  const local = texts.filter(isLocal)
  const section = ({ code, text: { zh, en } }: DeclaredText, status: string): string =>
    `### \`${code}\`${status}\n\n${words(zh, '原因', '办法')}\n\n${words(en, 'Cause', 'Remedy')}\n`
  return [
    '# 错误代码 · Error codes',
    '',
    '<!-- Written from the message catalogue by test/api/errors-document.test.ts; do not edit. To write it anew:',
    '     npx vitest run test/api/errors-document.test.ts -u -->',
    '',
    '每个拒绝都带一个稳定的代码；程序应依据代码，而不是文字。HTTP 接口以 RFC 9457 的 `application/problem+json` 返回，语言由 `Accept-Language` 决定，默认中文。',
    '每个节点在 `/docs/errors` 提供同样的内容。',
    '',
    'Every refusal carries a stable code; programs go by the code, never by the words. The HTTP API answers with RFC 9457 problem documents in the',
    'language of `Accept-Language`, Chinese by default. Every node serves the same at `/docs/errors`.',
    '',
    '状态码 · Statuses: 400 看不懂，请改正请求 · cannot be read as it is; 403 此密钥无权 · this key may not; 404 没有 · not there; 409 与已有内容冲突 · contradicts',
    'what is there; 413 过大 · too big; 422 规则拒绝 · a rule refuses it; 429、503 请稍后重试 · try again later; 500 节点的问题 · ours. 已出具回执后由账本拒绝的，一律为 422，',
    '并带拒绝记录的编号 `index`。 · What the ledger refused after a receipt was given is always 422, with the `index` of the refusal record.',
    '',
    '## HTTP',
    '',
    ...overHttp.map((each) => section(each, ` — ${httpStatusOf(each.code)}`)),
    '## 验证与启动 · Verifying and starting',
    '',
    '由 `gongzheng verify` 及节点启动时给出，不经 HTTP。 · Said by `gongzheng verify` and by a node that starts; never over HTTP.',
    '',
    ...local.map((each) => section(each, '')),
    '## 节点之间的连接 · Connections between nodes',
    '',
    '只出现在日志与状态中。 · Seen in logs and status only.',
    '',
    '| | 中文 | English |',
    '|---|---|---|',
    ...Object.entries(connectionTexts).map(([code, { zh, en }]) => `| \`${code}\` | ${zh} | ${en} |`),
    '',
  ].join('\n')
}

const words = ({ title, cause, remedy }: RefusalWords, causeLabel: string, remedyLabel: string): string =>
  `**${title}** — ${causeLabel}: ${cause} ${remedyLabel}: ${remedy}`
