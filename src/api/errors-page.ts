/**
 * /docs/errors: every code with its words, as one page without scripts; where the `type` of each problem points. The same table for
 * readers of the repository is docs/errors.md.
 */
import type { FastifyInstance } from 'fastify'
import type { RefusalTexts, RefusalWords } from '../chain/refusal.ts'
import { httpStatusOf } from './http-status.ts'
import type { RouteContext } from './route-context.ts'

export function errorsPage(app: FastifyInstance, { texts }: RouteContext): void {
  const html = errorsHtml(texts)
  app.route({
    method: 'GET',
    url: '/docs/errors',
    schema: { hide: true },
    handler: (_request, reply) =>
      reply
        .header('content-type', 'text/html; charset=utf-8')
        .header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
        .send(html),
  })
}

function errorsHtml(texts: RefusalTexts): string {
  const sections = Object.entries(texts)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(
      ([code, { zh, en }]) =>
        `<section id="${escapeHtml(code)}"><h2><code>${escapeHtml(code)}</code> <small>${httpStatusOf(code)}</small></h2>${words(zh, 'zh-CN')}${words(en, 'en')}</section>`,
    )
  return `<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>错误代码 · Error codes</title><style>body{font:1rem/1.6 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem}section:target{background:#fff3c4}h2{font-size:1.1rem;margin:2rem 0 .3rem}p{margin:.2rem 0}small{color:#666}</style><h1>错误代码 · Error codes</h1>${sections.join('')}</html>`
}

const words = ({ title, cause, remedy }: RefusalWords, language: string): string =>
  `<div lang="${language}"><p><b>${escapeHtml(title)}</b></p><p>${escapeHtml(cause)}</p><p>→ ${escapeHtml(remedy)}</p></div>`

const escapeHtml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
