/**
 * The quiet box (静默标箱) from outside. Anybody hands in a leaf, needs no key for it, and gets a receipt file; what is answered before the close
 * is the same whatever is in the box. After the close each member shows the leaves it closed over, and where each stands.
 */
import type { FastifyInstance } from 'fastify'
import { toHex } from '../chain/bytes.ts'
import { rowName } from '../chain/catalogue/register.ts'
import { asOfAnswer } from './answering.ts'
import { depositOf } from './bodies.ts'
import type { BidReceiptAnswer, BoxAnswer, BoxListAnswer, PlaceAnswer } from './box-answers.ts'
import { languageOf } from './messages.ts'
import {
  codeParameter,
  matching,
  noParameters,
  querySchema,
  readPath,
  readQuery,
  type TenderPath,
  tenderInPath,
} from './parameters.ts'
import { Problem, refusalDetails } from './problems.ts'
import { jsonMediaType, type RouteContext } from './route-context.ts'
import { answers, depositBody, problemAnswer } from './schemas.ts'
import { instanceAnswer } from './trade-answers.ts'

const sectionParameter = codeParameter('标段，项目只有一个标段时不写 · section; absent when the tender has only itself')
const leafParameter = matching('叶，64 位小写十六进制 · leaf, 64 lower-case hex digits', /^[0-9a-f]{64}$/, {
  zh: '须为 64 位小写十六进制',
  en: 'must be 64 lower-case hex digits',
})

export function boxRoutes(app: FastifyInstance, context: RouteContext): void {
  const { service, limits } = context
  const ofSection = { section: sectionParameter }

  app.route({
    method: 'POST',
    url: '/v1/boxes/leaves',
    bodyLimit: limits.depositBodyBytesMax,
    config: { rateLimit: { max: limits.submissionsPerMinute } },
    schema: {
      operationId: 'handInLeaf',
      tags: ['boxes'],
      summary: '递交密封投标的叶 · Hand in the leaf of a sealed bid',
      description:
        '任何人可向任一成员递交，无需登记；立即得到回执文件。叶是 32 字节哈希，不透露投标人与报价；撤回与替换也是叶，看不出区别。同一叶重复递交得到同一回执。 · Anybody, at any member, without registration; the answer is a receipt file. A leaf is a hash of 32 bytes that shows neither bidder nor price; a withdrawal or replacement is a leaf like any other. The same leaf again gives the same receipt.',
      body: depositBody,
      response: { 201: answers('BidReceiptFile', '投标回执 · receipt of the bid'), default: problemAnswer },
    },
    handler: async (request, reply) => {
      readQuery(noParameters, request.query)
      const { leaf, ...about } = depositOf(request.body)
      const result = await service.boxes.deposit(about, leaf)
      if (result.kind === 'refused') throw new Problem(result.code, refusalDetails('', [], result.code))
      const { receipt, ledger, member } = result
      const { tender, section, node, receivedAt, round, epoch, signature } = receipt
      const answer: BidReceiptAnswer = {
        bidReceipt: {
          ledger,
          epoch,
          member,
          node,
          tender,
          section,
          leaf,
          receivedAt,
          round,
          signature: toHex(signature),
        },
      }
      return reply.code(201).header('content-type', jsonMediaType).send(answer)
    },
  })

  app.route<{ Params: TenderPath }>({
    method: 'GET',
    url: '/v1/boxes/:owner/:scheme/:code',
    schema: {
      operationId: 'getBox',
      tags: ['boxes'],
      summary:
        '标箱的状态、各成员的封标与核对 · A box: where it stands, the members’ closes, and what is accounted for',
      description:
        '封标前没有任何数目可查；标箱里有什么，此接口、记录与指标都不会显示。 · Before the close there is no number to be had: neither this call, nor records, nor metrics show what is in a box.',
      querystring: querySchema(ofSection),
      response: { 200: answers('Box', '标箱 · box'), default: problemAnswer },
    },
    handler: async (request, reply) => {
      const tender = tenderInPath(request.params)
      const { section = '' } = readQuery(ofSection, request.query)
      const found = service.boxes.box({ tender, section })
      const subject = rowName('box', tender.owner, tender.scheme, tender.code, section)
      const instance = service.trade.instance(subject)
      if (found === undefined || instance === undefined) throw new Problem('subject.not-found')
      const answer: BoxAnswer = {
        subject,
        instance: instanceAnswer(instance, languageOf(request.headers['accept-language'])),
        closes: found.closes,
        tally: found.tally,
        asOf: asOfAnswer(service.asOf()),
      }
      return reply.header('vary', 'accept-language').header('content-type', jsonMediaType).send(answer)
    },
  })

  app.route<{ Params: TenderPath }>({
    method: 'GET',
    url: '/v1/boxes/:owner/:scheme/:code/leaves',
    config: { rateLimit: { max: limits.listsPerMinute } },
    schema: {
      operationId: 'listBoxLeaves',
      tags: ['boxes'],
      summary: '本成员封标的全部叶 · All leaves that this member closed over',
      description:
        '按叶的升序，与封标记录的根一致；封标之前没有。 · In ascending order of the leaves, under the root of the close; nothing before it.',
      querystring: querySchema(ofSection),
      response: { 200: answers('BoxList', '叶与接收时间 · leaves and when they came'), default: problemAnswer },
    },
    handler: async (request, reply) => {
      const tender = tenderInPath(request.params)
      const { section = '' } = readQuery(ofSection, request.query)
      const leaves = service.boxes.list({ tender, section })
      if (leaves === undefined) throw new Problem('box.not-closed')
      const answer: BoxListAnswer = { member: service.boxes.member, tender, section, leaves }
      return reply.header('content-type', jsonMediaType).send(answer)
    },
  })

  app.route<{ Params: TenderPath & { readonly leaf: string } }>({
    method: 'GET',
    url: '/v1/boxes/:owner/:scheme/:code/leaves/:leaf',
    schema: {
      operationId: 'getBoxLeaf',
      tags: ['boxes'],
      summary: '一叶在本成员封标中的位置与路径 · Where a leaf stands in this member’s close',
      querystring: querySchema(ofSection),
      response: { 200: answers('Place', '位置与路径 · place and path'), default: problemAnswer },
    },
    handler: async (request, reply) => {
      const tender = tenderInPath(request.params)
      const leaf = readPath('leaf', leafParameter, request.params.leaf)
      const { section = '' } = readQuery(ofSection, request.query)
      const placed = service.boxes.place({ tender, section }, leaf)
      if (placed === undefined) {
        const isClosed = service.boxes.list({ tender, section }) !== undefined
        throw new Problem(isClosed ? 'subject.not-found' : 'box.not-closed')
      }
      const { receivedAt, index, path } = placed
      const answer: PlaceAnswer = { member: service.boxes.member, receivedAt, index, path }
      return reply.header('content-type', jsonMediaType).send(answer)
    },
  })
}
