/**
 * The transparency log as the world's tools expect it (C2SP tlog-tiles): /checkpoint, /tile/…, and beside them what this ledger adds:
 * genesis, consistency proofs, blocks one by one and in bundles. A tile answers under exactly one spelling of its path and never changes; every other
 * spelling is 404, and a 404 may not be cached, because the tile may come.
 */
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { FastifyInstance } from 'fastify'
import { parseBlockBundlePath } from '../chain/block-bundle.ts'
import { parseTilePath } from '../chain/tile.ts'
import { blockAnswer, consistencyAnswer } from './answering.ts'
import { preferredType } from './negotiation.ts'
import { decimal, insideNumber, natural, noParameters, oneOf, querySchema, readPath, readQuery } from './parameters.ts'
import { Problem } from './problems.ts'

import { binaryMediaType, immutableCaching, jsonMediaType, type RouteContext, textMediaType } from './route-context.ts'
import { answers, binary, jsonOf, media, plainText, problemAnswer } from './schemas.ts'

export function logRoutes(app: FastifyInstance, context: RouteContext): void {
  tileRoutes(app, context)
  proofRoutes(app, context)
}

function tileRoutes(app: FastifyInstance, { service, limits }: RouteContext): void {
  const checkpointParameters = {
    cosignatures: natural('共签行数上限 · at most so many cosignature lines', 0, 1000, limits.checkpointCosignatures),
  }

  app.route({
    method: 'GET',
    url: '/checkpoint',
    schema: {
      operationId: 'getCheckpoint',
      tags: ['log'],
      summary: '最新的已共证账本快照 · The newest attested checkpoint',
      description: 'C2SP tlog-checkpoint',
      querystring: querySchema(checkpointParameters),
      response: { 200: media('signed note', { 'text/plain': plainText }), default: problemAnswer },
    },
    handler: async (request, reply) => {
      const { cosignatures = limits.checkpointCosignatures } = readQuery(checkpointParameters, request.query)
      const note = await service.checkpoint(cosignatures)
      if (note === undefined) throw new Problem('checkpoint.not-yet', { retryAfter: 1 })
      return reply.header('cache-control', 'no-cache').header('content-type', textMediaType).send(note)
    },
  })

  app.route({
    method: 'GET',
    url: '/tile/*',
    schema: {
      operationId: 'getTile',
      tags: ['log'],
      summary: '分片 · Tiles',
      description: 'C2SP tlog-tiles: /tile/<L>/<N>[.p/<W>], /tile/entries/<N>[.p/<W>]',
      params: {
        type: 'object',
        required: ['path'],
        properties: { path: { type: 'string', description: '<L>/<N>[.p/<W>], entries/<N>[.p/<W>]' } },
      },
      response: { 200: media('hashes, or a bundle of entries', { [binaryMediaType]: binary }), default: problemAnswer },
    },
    handler: async (request, reply) => {
      // As it stands in the request line: a path that percent-decoding would make canonical is not canonical.
      const target = request.raw.url!
      if (target.includes('?')) readQuery(noParameters, request.query)
      const address = parseTilePath(target.slice(1))
      if (address === undefined) throw new Problem('tile.not-found')
      const bytes =
        address.kind === 'entries'
          ? service.entries(address.index, address.width)
          : service.tile(address.level, address.index, address.width)
      if (bytes === undefined) throw new Problem('tile.not-found')
      reply.header('cache-control', immutableCaching).header('content-type', binaryMediaType)
      if (address.kind === 'hashes') return reply.send(bytes)
      // Entries are text and repeat themselves; hashes do not (tlog-tiles: "Entry bundles SHOULD be compressed at the HTTP layer").
      reply.header('vary', 'accept-encoding')
      if (!acceptsGzip(request.headers['accept-encoding'])) return reply.send(bytes)
      return reply.header('content-encoding', 'gzip').send(await compress(bytes, { level: 4 }))
    },
  })
}

const compress = promisify<Uint8Array, { level: number }, Buffer>(gzip)

const acceptsGzip = (acceptEncoding: string | string[] | undefined): boolean =>
  /(^|[\s,])gzip\s*(;\s*q=(?!0(\.0*)?\s*(,|$))|,|$)/i.test(String(acceptEncoding ?? ''))

function proofRoutes(app: FastifyInstance, { service }: RouteContext): void {
  const consistencyParameters = {
    from: { ...decimal('较小的树大小 · the smaller tree size'), required: true as const },
    to: { ...decimal('较大的树大小 · the larger tree size'), required: true as const },
  }
  const blockParameters = { format: oneOf('representation', 'json', 'cbor') }

  app.route({
    method: 'GET',
    url: '/v1/proofs/consistency',
    schema: {
      operationId: 'getConsistency',
      tags: ['log'],
      summary: '一致性证明 · Consistency proof',
      description: 'RFC 9162 §2.1.4',
      querystring: querySchema(consistencyParameters),
      response: { 200: answers('Consistency', 'RFC 9162 §2.1.4'), default: problemAnswer },
    },
    handler: (request, reply) => {
      const { from, to } = readQuery(consistencyParameters, request.query)
      if (from! < 1n || from! > to!) {
        throw new Problem('request.bad-parameter', {
          fields: [
            { parameter: 'from', problem: { zh: '须不小于 1 且不大于 to', en: 'must be at least 1 and at most to' } },
          ],
        })
      }
      const [smaller, larger] = [insideNumber(from!), insideNumber(to!)]
      const proof = smaller === undefined || larger === undefined ? undefined : service.consistency(smaller, larger)
      if (proof === undefined) throw new Problem('proof.size-not-attested')
      return reply.send(consistencyAnswer(proof))
    },
  })

  app.route<{ Params: { readonly height: string } }>({
    method: 'GET',
    url: '/v1/blocks/:height',
    schema: {
      operationId: 'getBlock',
      tags: ['log'],
      summary: '一个区块 · One block',
      params: {
        type: 'object',
        required: ['height'],
        properties: { height: { type: 'string', description: '区块高度 · block height' } },
      },
      querystring: querySchema(blockParameters),
      response: {
        200: {
          description: 'JSON，或区块字节（CBOR） · JSON, or the block’s own bytes',
          content: { 'application/json': { schema: jsonOf('Block') }, 'application/cbor': { schema: binary } },
        },
        default: problemAnswer,
      },
    },
    handler: (request, reply) => {
      const { format } = readQuery(blockParameters, request.query)
      const height = insideNumber(readPath('height', decimal(''), request.params.height))
      const block = height === undefined ? undefined : service.block(height)
      if (block === undefined) throw new Problem('block.not-found')
      reply.header('vary', 'accept, accept-language')
      const wanted =
        format ??
        (preferredType(request.headers.accept, ['application/json', 'application/cbor']) === 'application/cbor'
          ? 'cbor'
          : 'json')
      return wanted === 'json'
        ? reply.send(blockAnswer(block))
        : reply.header('content-type', 'application/cbor').send(block.bytes)
    },
  })

  app.route({
    method: 'GET',
    url: '/v1/block-bundles/*',
    schema: {
      operationId: 'getBlockBundle',
      tags: ['log'],
      summary: '十六个区块一包 · Sixteen blocks at once',
      description:
        '/v1/block-bundles/<N>，N 的写法同分片；含高度 16N+1 至 16N+16，各为 u32 大端长度与区块字节。 · N is spelled as that of a tile; heights 16N+1 to 16N+16, each as u32 big-endian length and the block’s bytes.',
      params: {
        type: 'object',
        required: ['path'],
        properties: { path: { type: 'string', description: '<N>: 000, x001/234' } },
      },
      response: { 200: media('16 × (length, block)', { [binaryMediaType]: binary }), default: problemAnswer },
    },
    handler: (request, reply) => {
      const target = request.raw.url!
      if (target.includes('?')) readQuery(noParameters, request.query)
      const index = parseBlockBundlePath(target.slice(1))
      const bytes = index === undefined ? undefined : service.blockBundle(index)
      if (bytes === undefined) throw new Problem('block.not-found')
      return reply.header('cache-control', immutableCaching).header('content-type', binaryMediaType).send(bytes)
    },
  })

  app.route({
    method: 'GET',
    url: '/v1/genesis',
    schema: {
      operationId: 'getGenesis',
      tags: ['log'],
      summary: '创世条目字节 · The genesis entry’s bytes',
      response: { 200: media('条目 0 · entry 0', { 'application/json': { type: 'object' } }), default: problemAnswer },
    },
    handler: (request, reply) => {
      readQuery(noParameters, request.query)
      return reply
        .header('cache-control', immutableCaching)
        .header('content-type', jsonMediaType)
        .send(service.genesis())
    },
  })
}
