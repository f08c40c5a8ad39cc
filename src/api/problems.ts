/**
 * Problems (RFC 9457): every answer that is not a success is one `application/problem+json` document with a stable code, words in the
 * caller's language, and what the caller can do. Handlers throw a `Problem` (or let a `Refusal` of the chain pass); the functions here
 * turn it, and whatever Fastify or Node report, into that document. Nothing of an internal error leaves but its request id.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { finished, Readable } from 'node:stream'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { problemIn } from '../chain/catalogue/schema.ts'
import type { RefusalTexts } from '../chain/refusal.ts'
import { Refusal } from '../chain/refusal.ts'
import { httpStatusOf } from './http-status.ts'
import type { ApiCode, Language } from './messages.ts'
import { languageOf, languageTags, textOf } from './messages.ts'

/** Words in both languages; or the chain's own, which are either `中文 | English` or in English only. */
export type Localized = string | Readonly<Record<Language, string>>

/** What is wrong with one field: of the body (`pointer`, RFC 6901) or of the URL (`parameter`). */
export type ProblemField =
  | { readonly pointer: string; readonly problem: Localized }
  | { readonly parameter: string; readonly problem: Localized }

export interface ProblemDetails {
  /** Instead of the code's own HTTP status. */
  readonly status?: number
  readonly detail?: Localized
  readonly fields?: readonly ProblemField[]
  /** Seconds after which trying again makes sense; sent as Retry-After too. */
  readonly retryAfter?: number
  readonly allow?: readonly string[]
  /** Extension members, ready for JSON. */
  readonly members?: Readonly<Record<string, unknown>>
}

/** Thrown by handlers; `code` is one of messages.ts, or one of the ledger's rules. */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly code: string
  readonly details: ProblemDetails

  constructor(code: ApiCode | (string & {}), details: ProblemDetails = {}) {
    super(code)
    this.code = code
    this.details = details
  }
}

export const problemStatus = (problem: Problem): number => problem.details.status ?? httpStatusOf(problem.code)

const problemMediaType = 'application/problem+json; charset=utf-8'

/** `type` of the document: resolves on every node to the words for the code. */
const problemType = (code: string): string => `/docs/errors#${code}`

/** The document itself, an object ready for JSON. Members with nothing to say are left out. */
export function problemDocument(
  problem: Problem,
  texts: RefusalTexts,
  language: Language,
  requestId: string,
): Record<string, unknown> {
  const { detail, fields = [], members } = problem.details
  const words = textOf(texts, problem.code)[language]
  return {
    type: problemType(problem.code),
    title: words.title,
    status: problemStatus(problem),
    ...(detail === undefined ? {} : { detail: inLanguage(detail, language) }),
    code: problem.code,
    cause: words.cause,
    remedy: words.remedy,
    ...(fields.length === 0
      ? {}
      : { fields: fields.map((field) => ({ ...field, problem: inLanguage(field.problem, language) })) }),
    ...members,
    requestId,
  }
}

export function sendProblem(problem: Problem, texts: RefusalTexts, request: FastifyRequest, reply: FastifyReply): void {
  const language = languageOf(request.headers['accept-language'])
  const { retryAfter, allow } = problem.details
  // What a success would have been allowed to be cached as does not hold for a refusal (C2SP tlog-tiles: a 404 carries no cache header).
  reply.removeHeader('cache-control')
  if (retryAfter !== undefined) reply.header('retry-after', retryAfter)
  if (allow !== undefined) reply.header('allow', allow.join(', '))
  reply
    .code(problemStatus(problem))
    .header('content-language', languageTags[language])
    .header('vary', 'accept-language')
    .type(problemMediaType)
  const document = JSON.stringify(problemDocument(problem, texts, language, request.id))
  if (!unreadBodies.has(problem.code) || request.raw.readableEnded) return void reply.send(document)
  reply.header('content-length', Buffer.byteLength(document)).send(lingering(document, request.raw))
}

/** Said before the body is read, which may be long. */
const unreadBodies: ReadonlySet<string> = new Set<ApiCode>(['request.too-large', 'request.file-not-taken'])

/**
 * The answer to a body that is not read: said at once, but ended only when the caller has sent the rest, which is thrown away. Fastify
 * closes the connection after it, and a close with bytes unread is a reset, which a caller still sending would see instead of the
 * answer. The request's own time-out bounds how long that takes.
 */
function lingering(answer: string, request: IncomingMessage): Readable {
  const stream = new Readable({ read() {} })
  stream.push(answer)
  finished(request, { writable: false }, () => stream.push(null))
  request.resume()
  return stream
}

/** Whatever was thrown, as a problem; `undefined` detail and `internal.error` for what is no fault of the caller. */
export function problemFrom(error: unknown, request: FastifyRequest): Problem {
  if (error instanceof Problem) return error
  if (error instanceof Refusal) return new Problem(error.code, refusalDetails(error.message, error.fields, error.code))
  const { code, statusCode } = error as Partial<FastifyError>
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return tooLarge(request.routeOptions.bodyLimit ?? 0)
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new Problem('request.unsupported-media-type')
    case 'FST_ERR_BAD_URL':
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return new Problem('request.bad-url')
  }
  // A body cut short, a content-length that is not met: the framework's own 4xx errors are all about how the request is written.
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) return new Problem('request.malformed')
  return new Problem('internal.error')
}

/** A refusal's detail and fields; a detail that only repeats the code says nothing and is left out. */
export function refusalDetails(
  detail: string,
  fields: readonly { readonly pointer: string; readonly problem: string }[],
  code: string,
): ProblemDetails {
  return {
    ...(detail === code || detail === '' ? {} : { detail }),
    fields,
    ...(isTemporary(code) ? { retryAfter: 1 } : {}),
  }
}

/** Nothing is wrong with the request itself: the same one may succeed later. */
const isTemporary = (code: string): boolean => httpStatusOf(code) === 503

const tooLarge = (bytesMax: number): Problem =>
  new Problem('request.too-large', {
    detail: {
      zh: `此接口的正文上限为 ${bytesMax} 字节。`,
      en: `The body of this call may have at most ${bytesMax} bytes.`,
    },
    members: { bytesMax },
  })

/**
 * The answer to what is not HTTP enough for a request to exist: written straight to the socket, in Chinese and English, because no
 * header can be trusted to have been read. Where an answer to an earlier request is due or under way, it would be taken for that answer, or for
 * a part of it: then the connection ends instead, as Node's own handler does it.
 */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket, texts: RefusalTexts): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) return
  const { _httpMessage: due } = socket as Socket & { readonly _httpMessage?: ServerResponse | null }
  if (due && (due.headersSent || due.req.complete)) {
    socket.destroy()
    return
  }
  const code: ApiCode =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? 'request.headers-too-large'
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? 'request.timeout'
        : 'request.malformed'
  const zh = problemDocument(new Problem(code), texts, 'zh', '-')
  const body = JSON.stringify({ ...zh, detail: textOf(texts, code).en.cause })
  socket.end(
    `HTTP/1.1 ${httpStatusOf(code)} ${code}\r\ncontent-type: ${problemMediaType}\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  )
}

const inLanguage = (text: Localized, language: Language): string =>
  typeof text === 'string' ? problemIn(language, text) : text[language]
