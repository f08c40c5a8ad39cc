import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, test } from 'vitest'
import { privateServer, publicServer } from './harness.ts'

interface Operation {
  readonly operationId?: string
  readonly summary?: string
  readonly tags?: readonly string[]
  readonly parameters?: readonly {
    readonly name: string
    readonly in: string
    readonly required?: boolean
    readonly schema: object
  }[]
  readonly requestBody?: { readonly content: Record<string, { readonly schema: object }> }
  readonly responses: Record<
    string,
    { readonly description: string; readonly content?: Record<string, { readonly schema: object }> }
  >
}

interface Document {
  readonly openapi: string
  readonly info: { readonly title: string; readonly version: string }
  readonly paths: Record<string, Record<string, Operation>>
  readonly components: { readonly schemas: Record<string, object> }
}

const documentOf = async (build: typeof publicServer | typeof privateServer): Promise<Document> => {
  await using api = await build()
  return JSON.parse((await api.app.inject('/openapi.json')).body) as Document
}

const operationsOf = (document: Document) =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  )

describe.each([
  ['public', publicServer],
  ['private', privateServer],
] as const)('the document of the %s listener', (_name, build) => {
  test('says OpenAPI 3.1, whose schemas are JSON Schema 2020-12', async () => {
    const document = await documentOf(build)
    expect(document.openapi).toMatch(/^3\.1\.\d+$/)
    expect(document.info).toMatchObject({ title: expect.stringContaining('共证'), version: '0.1.0' })
    const ajv = new Ajv2020({ strict: false, formats: { 'date-time': true, binary: true, byte: true } })
    for (const schema of schemasIn(document)) expect(ajv.validateSchema(schema), JSON.stringify(schema)).toBe(true)
  })

  test('has every reference it makes', async () => {
    const document = await documentOf(build)
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map((match) => match[1]!)
    expect(references.length).toBeGreaterThan(0)
    for (const reference of references) {
      const name = /^#\/components\/schemas\/([A-Za-z]+)$/.exec(reference)?.[1]
      expect(Object.keys(document.components.schemas), reference).toContain(name)
    }
  })

  test('names every operation once, and describes it in both languages', async () => {
    const operations = operationsOf(await documentOf(build))
    const ids = operations.map(({ operation }) => operation.operationId)
    expect(new Set(ids).size).toBe(ids.length)
    for (const { path, operation } of operations) {
      expect(operation.summary, path).toMatch(/\p{Script=Han}.* · .*[a-z]/u)
      expect(operation.tags?.length, path).toBeGreaterThan(0)
    }
  })

  test('declares the parameters of every path template, and only those', async () => {
    for (const { path, operation } of operationsOf(await documentOf(build))) {
      const inTemplate = [...path.matchAll(/\{([^}]+)\}/g)].map((match) => match[1])
      const declared = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path')
      expect(declared.map((parameter) => parameter.name)).toEqual(inTemplate)
      for (const parameter of declared) expect(parameter.required, path).toBe(true)
    }
  })

  test('says of every operation what success and what a problem look like', async () => {
    for (const { path, operation } of operationsOf(await documentOf(build))) {
      expect(Object.keys(operation.responses), path).toContain('default')
      expect(
        Object.keys(operation.responses).some((status) => status.startsWith('2')),
        path,
      ).toBe(true)
      for (const [status, response] of Object.entries(operation.responses)) {
        expect(response.description, `${path} ${status}`).not.toBe('Default Response')
        expect(Object.keys(response.content ?? {}), `${path} ${status}`).not.toHaveLength(0)
      }
    }
  })
})

test('the public document lists every call of the API', async () => {
  const operations = operationsOf(await documentOf(publicServer))
  expect(operations.map(({ method, path }) => `${method.toUpperCase()} ${path}`).sort()).toEqual([
    'GET /checkpoint',
    'GET /healthz',
    'GET /openapi.json',
    'GET /readyz',
    'GET /tile/{path}',
    'GET /v1/block-bundles/{path}',
    'GET /v1/blocks/{height}',
    'GET /v1/boxes/{owner}/{scheme}/{code}',
    'GET /v1/boxes/{owner}/{scheme}/{code}/leaves',
    'GET /v1/boxes/{owner}/{scheme}/{code}/leaves/{leaf}',
    'GET /v1/credit/{party}',
    'GET /v1/epochs',
    'GET /v1/epochs/{number}/proof',
    'GET /v1/events',
    'GET /v1/faults',
    'GET /v1/faults/{kid}',
    'GET /v1/findings',
    'GET /v1/genesis',
    'GET /v1/guarantees/{issuer}/{number}',
    'GET /v1/members',
    'GET /v1/parties/{id}',
    'GET /v1/policy',
    'GET /v1/proofs/consistency',
    'GET /v1/records',
    'GET /v1/records/{id}',
    'GET /v1/records/{id}/proof',
    'GET /v1/status',
    'GET /v1/subjects/{subject}',
    'GET /v1/tenders',
    'GET /v1/tenders/{owner}/{scheme}/{code}',
    'GET /v1/tenders/{owner}/{scheme}/{code}/guarantees',
    'GET /v1/tenders/{owner}/{scheme}/{code}/guarantees/statistics',
    'GET /v1/types',
    'POST /v1/boxes/leaves',
    'POST /v1/records',
    'POST /v1/records/batch',
    'POST /v1/verify',
  ])
})

test('query parameters show their defaults and which are required', async () => {
  const { paths } = await documentOf(publicServer)
  const limit = paths['/v1/records']!.get!.parameters!.find((parameter) => parameter.name === 'limit')
  expect(limit).toMatchObject({
    in: 'query',
    required: false,
    schema: { type: 'integer', minimum: 1, maximum: 10_000, default: 100 },
  })
  const from = paths['/v1/proofs/consistency']!.get!.parameters!.find((parameter) => parameter.name === 'from')
  expect(from).toMatchObject({ in: 'query', required: true })
  expect(Object.keys(paths['/v1/records']!.post!.requestBody!.content)).toEqual([
    'application/json',
    'application/jose',
  ])
})

test('/docs works without any other host', async () => {
  await using api = await publicServer()
  const page = await api.app.inject('/docs/')
  expect(page.statusCode).toBe(200)
  const pages = [page, await api.app.inject('/docs'), await api.app.inject('/docs/static/swagger-initializer.js')]
  for (const answer of pages) {
    expect(answer.statusCode).toBe(200)
    expect(
      answer.body.replaceAll('http://www.w3.org/', '').match(/https?:\/\/(?!stackoverflow)[^\s"']+/g) ?? [],
    ).toEqual([])
    expect(answer.headers['content-security-policy']).not.toContain('upgrade-insecure-requests')
  }
  for (const [, asset] of page.body.matchAll(/(?:href|src)="\.?([^"]+)"/g)) {
    expect((await api.app.inject(`/docs${asset}`)).statusCode, asset).toBe(200)
  }
  expect((await api.app.inject('/docs/json')).json()).toEqual((await api.app.inject('/openapi.json')).json())
})

function* schemasIn(document: Document): Generator<object> {
  yield* Object.values(document.components.schemas)
  for (const { operation } of operationsOf(document)) {
    for (const parameter of operation.parameters ?? []) yield parameter.schema
    for (const { schema } of Object.values(operation.requestBody?.content ?? {})) yield schema
    for (const response of Object.values(operation.responses)) {
      for (const { schema } of Object.values(response.content ?? {})) yield schema
    }
  }
}
