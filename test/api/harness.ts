/**
 * Servers over a fake ledger, and calls to them that are held against the documentation: every JSON answer must be what /openapi.json
 * says of that path, method and status, with no member more or less.
 */

import { Ajv2020 } from 'ajv/dist/2020.js'
import type { FastifyInstance, InjectOptions } from 'fastify'
import { expect } from 'vitest'
import type { ProblemAnswer } from '../../src/api/answers.ts'
import type { RequestFailure } from '../../src/api/route-context.ts'
import {
  buildPrivateServer,
  buildPublicServer,
  type PrivateServerOptions,
  type PublicServerOptions,
} from '../../src/api/server.ts'
import type { Service } from '../../src/api/service.ts'
import { FakeLedger } from './fake-ledger.ts'

export type Answer = Awaited<ReturnType<FastifyInstance['inject']>>

export interface Harness<Ledger extends Service = FakeLedger> extends AsyncDisposable {
  readonly ledger: Ledger
  readonly app: FastifyInstance
  /** Calls, and checks the answer against the documentation. */
  call(options: InjectOptions | string): Promise<Answer>
  get(url: string, headers?: Record<string, string>): Promise<Answer>
  post(url: string, payload: unknown, headers?: Record<string, string>): Promise<Answer>
}

export const publicServer = async (
  options: PublicServerOptions = {},
  onFailure: (failure: RequestFailure) => void = () => undefined,
): Promise<Harness> => {
  const ledger = new FakeLedger()
  return harness(ledger, await buildPublicServer(options, { service: ledger, onFailure }))
}

export const privateServer = async (options: PrivateServerOptions = {}): Promise<Harness> => {
  const ledger = new FakeLedger()
  return harness(ledger, await buildPrivateServer(options, { service: ledger, onFailure: () => undefined }))
}

export function harness<Ledger extends Service>(ledger: Ledger, app: FastifyInstance): Harness<Ledger> {
  let check: Check | undefined
  const call = async (options: InjectOptions | string): Promise<Answer> => {
    const answer = await app.inject(options)
    check ??= documentationCheck((await app.inject('/openapi.json')).body)
    const { method = 'GET', url } = typeof options === 'string' ? { url: options } : options
    check(String(method), String(url), answer)
    return answer
  }
  return {
    ledger,
    app,
    call,
    get: (url, headers = {}) => call({ url, headers }),
    post: (url, payload, headers = {}) =>
      call({
        method: 'POST',
        url,
        headers: { 'content-type': 'application/json', ...headers },
        payload: typeof payload === 'string' || Buffer.isBuffer(payload) ? payload : JSON.stringify(payload),
      }),
    [Symbol.asyncDispose]: () => app.close(),
  }
}

/** The problem document in an answer, after checking that it is one. */
export function problemIn(answer: Answer): ProblemAnswer {
  expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8')
  const problem = answer.json<ProblemAnswer>()
  expect(problem.status).toBe(answer.statusCode)
  expect(problem.type).toBe(`/docs/errors#${problem.code}`)
  expect(answer.headers['x-request-id']).toBe(problem.requestId)
  return problem
}

/** `[status, code]`, the short form in which most tests say what they expect. */
export const saysNo = (answer: Answer): [number, string] => [answer.statusCode, problemIn(answer).code]

interface OpenApi {
  readonly paths: Record<string, Record<string, { responses: Record<string, { content?: Record<string, unknown> }> }>>
}

type Check = (method: string, url: string, answer: Answer) => void

/** Compiled schemas by the document they are from: most tests have a server of their own and the same document. */
const checks = new Map<string, Check>()

function documentationCheck(text: string): Check {
  const check = checks.get(text) ?? checkAgainst(JSON.parse(text) as OpenApi)
  checks.set(text, check)
  return check
}

function checkAgainst(document: OpenApi): Check {
  const ajv = new Ajv2020({
    strict: false,
    validateSchema: false,
    formats: { 'date-time': true, binary: true, byte: true },
  })
  ajv.addSchema(closed(document) as object, 'openapi')
  const paths = Object.keys(document.paths)
    // Fixed paths before those with parameters, as the router has it.
    .sort((a, b) => Number(a.includes('{')) - Number(b.includes('{')))
    .map((path) => ({
      path,
      pattern: new RegExp(`^${path.replace('{path}', '.*').replaceAll(/\{[^}]+\}/g, '[^/]+')}$`),
    }))
  return (method, url, answer) => {
    const pathname = url.replace(/\?.*$/s, '')
    const verb = method === 'HEAD' ? 'get' : method.toLowerCase()
    const found = paths.find(
      ({ path, pattern }) => pattern.test(pathname) && document.paths[path]?.[verb] !== undefined,
    )
    const mediaType = String(answer.headers['content-type'] ?? '').replace(/;.*$/, '')
    if (found === undefined) {
      if (mediaType === 'application/problem+json') hold('#/components/schemas/Problem', answer.json())
      return
    }
    const { responses } = document.paths[found.path]![verb]!
    const status = responses[answer.statusCode] === undefined ? 'default' : String(answer.statusCode)
    expect(Object.keys(responses[status]?.content ?? {}), `${verb} ${found.path} ${status}`).toContain(mediaType)
    if (method === 'HEAD' || !/json$/.test(mediaType)) return
    hold(
      `#/paths/${pointerStep(found.path)}/${verb}/responses/${status}/content/${pointerStep(mediaType)}/schema`,
      answer.json(),
    )
  }

  function hold(pointer: string, value: unknown): void {
    const validate = ajv.getSchema(`openapi${pointer}`)
    expect(validate, pointer).toBeDefined()
    expect(validate!(value) ? [] : validate!.errors, pointer).toEqual([])
  }
}

const pointerStep = (step: string): string => encodeURIComponent(step.replaceAll('~', '~0').replaceAll('/', '~1'))

/** Readers may pass over unknown members; our own answers may not have any. */
function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed)
  if (typeof value !== 'object' || value === null) return value
  const object = Object.fromEntries(Object.entries(value).map(([name, member]) => [name, closed(member)]))
  const isObjectSchema = object.type === 'object' && typeof object.properties === 'object'
  return isObjectSchema && object.additionalProperties === undefined
    ? { ...object, additionalProperties: false }
    : object
}
