/**
 * How a submission ends, as an HTTP answer: 201 attested now, 200 on the ledger before, 202 taken in and under way, or a problem. The
 * same for one statement and for each of a batch, for signed statements and for plain data; so that a program that knows one knows all.
 */
import { setMaxListeners } from 'node:events'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { assertNever } from '../chain/assert.ts'
import { attestedJson, pendingAnswer, receiptAnswer } from './answering.ts'
import { languageOf } from './messages.ts'
import type { WaitPreference } from './negotiation.ts'
import { Problem, problemDocument, problemFrom, problemStatus, refusalDetails } from './problems.ts'
import { jsonMediaType, type RouteContext, routeOf } from './route-context.ts'
import type { Submission, SubmitOptions } from './service.ts'

/** Answers one submission. @throws {Problem} for a refusal */
export function sendSubmission(submission: Submission, wait: WaitPreference, reply: FastifyReply): FastifyReply {
  if (wait.applied !== undefined) reply.header('preference-applied', wait.applied)
  switch (submission.kind) {
    case 'done':
      reply.header('location', `/v1/records/${submission.record.index}`)
      return reply
        .code(submission.duplicate ? 200 : 201)
        .header('content-type', jsonMediaType)
        .send(attestedJson(submission))
    case 'pending':
      return reply
        .code(202)
        .header('location', `/v1/records/${submission.statementId}`)
        .header('retry-after', 1)
        .send(pendingAnswer(submission))
    case 'refused':
    case 'refusal-record':
      throw problemOf(submission)
    default:
      return assertNever(submission)
  }
}

/** A refusal as a problem: before a receipt was given nothing was kept; after it, the ledger itself holds the refusal. */
function problemOf(refused: Extract<Submission, { kind: 'refused' | 'refusal-record' }>): Problem {
  if (refused.kind === 'refused')
    return new Problem(refused.code, refusalDetails(refused.detail, refused.fields, refused.code))
  return refusedOnLedger(refused.code, refused.record.index, {
    receipt: refused.receipt === null ? null : receiptAnswer(refused.receipt),
  })
}

/** Always 422, whatever the code's own status: the request was fine, a receipt was given, and the ledger refused by rule. */
export function refusedOnLedger(code: string, index: number, members: Readonly<Record<string, unknown>> = {}): Problem {
  return new Problem(code, {
    status: 422,
    detail: {
      zh: `报文已接收并出具回执，账本按规则拒绝，拒绝记录编号为 ${index}。`,
      en: `The statement was received and has a receipt; the ledger refused it by rule, in the refusal record ${index}.`,
    },
    members: { index: String(index), ...members },
  })
}

/** The answer to a batch, in the order of its statements, each with the status it would have had alone. */
export async function batchJson(
  submissions: readonly Promise<Submission>[],
  context: RouteContext,
  request: FastifyRequest,
  signal: AbortSignal,
): Promise<string> {
  const results = await Promise.all(
    submissions.map((submission) =>
      submission.then(
        (ended) => batchResultJson(ended, context, request),
        (error: unknown) => {
          if (signal.aborted) throw error // nobody is left to tell
          // One statement that fails for a reason of ours must not hide how the others ended.
          const problem = problemFrom(error, request)
          if (problem.code === 'internal.error')
            context.onFailure({ error, requestId: request.id, route: routeOf(request) })
          return batchProblemJson(problem, context, request)
        },
      ),
    ),
  )
  return `{"results":[${results.join(',')}]}`
}

function batchResultJson(submission: Submission, context: RouteContext, request: FastifyRequest): string {
  switch (submission.kind) {
    case 'done':
      return `{"status":${submission.duplicate ? 200 : 201},"record":${attestedJson(submission)}}`
    case 'pending':
      return `{"status":202,"pending":${JSON.stringify(pendingAnswer(submission))}}`
    case 'refused':
    case 'refusal-record':
      return batchProblemJson(problemOf(submission), context, request)
    default:
      return assertNever(submission)
  }
}

function batchProblemJson(problem: Problem, context: RouteContext, request: FastifyRequest): string {
  const document = problemDocument(problem, context.texts, languageOf(request.headers['accept-language']), request.id)
  return `{"status":${problemStatus(problem)},"problem":${JSON.stringify(document)}}`
}

/**
 * Submits for as long as the caller's connection stands; what already has a receipt goes on without the caller.
 * @returns undefined when the caller has gone and nobody is left to answer
 */
export async function whileConnected<Result>(
  request: FastifyRequest,
  reply: FastifyReply,
  submit: (signal: AbortSignal) => Promise<Result>,
): Promise<Result | undefined> {
  const signal = connectionSignal(request)
  try {
    return await submit(signal)
  } catch (error) {
    if (!signal.aborted) throw error
    reply.hijack()
    return undefined
  }
}

/** One signal per connection, not per request: making one costs more than the rest of the answer's headers. */
const signals = new WeakMap<object, AbortSignal>()

function connectionSignal(request: FastifyRequest): AbortSignal {
  const { socket } = request.raw
  const known = signals.get(socket)
  if (known !== undefined) return known
  const controller = new AbortController()
  // A pipelined connection may carry many submissions at once, each with a listener until it ends.
  setMaxListeners(0, controller.signal)
  socket.once('close', () => controller.abort())
  signals.set(socket, controller.signal)
  return controller.signal
}

export const submitOptions = (wait: WaitPreference, signal: AbortSignal): SubmitOptions => ({
  waitMs: wait.waitMs,
  signal,
})
